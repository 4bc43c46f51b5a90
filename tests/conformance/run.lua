-- SPDX-License-Identifier: GPL-2.0-or-later
-- lua5.4 tests/conformance/run.lua [FILE …]: all cases, rules and negatives, or these files; prints what fails, the score by
-- kind and one line with the counts. In a network namespace of its own, as root there.
local conf = require "conformance"

local score, kinds = {}, {}
local passed, failed = 0, 0

local function count(r)
	local k = score[r.kind]
	if not k then
		k = { kind = r.kind, n = 0, exact = 0, code = 0, same = 0, failed = 0 }
		score[r.kind] = k
		kinds[#kinds + 1] = k
	end
	k.n = k.n + 1
	k[r.degree or "failed"] = k[r.degree or "failed"] + 1
	if r.degree then
		passed = passed + 1
	else
		failed = failed + 1
		print(("%s: %s\n    %s"):format(r.kind, r.what, (tostring(r.note):gsub("\n", "\n    "))))
	end
end

local function try(fn, path)
	local ok, list = xpcall(fn, debug.traceback, path, true)
	for _, r in ipairs(ok and list or { { kind = "broken", what = path, note = list } }) do
		count(r)
	end
end

local files = { cases = {}, rules = {}, negative = {} }
for kind, list in pairs(files) do
	for _, path in ipairs(conf.files(kind)) do
		list[#list + 1] = path
	end
end
if #arg > 0 then
	files = { cases = {}, rules = {}, negative = {} }
	for _, path in ipairs(arg) do
		local kind = path:match "([^/]*)/[^/]*$"
		assert(files[kind], path .. ": not below cases, rules or negative")
		table.insert(files[kind], path)
	end
end
for _, kind in ipairs { "cases", "rules", "negative" } do
	for _, path in ipairs(files[kind]) do
		try(({ cases = conf.case, rules = conf.rules, negative = conf.negatives })[kind], path)
	end
end
conf.clean()

print(("%-22s %6s %6s %6s %6s %6s"):format("", "all", "exact", "code", "same", "failed"))
for _, k in ipairs(kinds) do
	print(("%-22s %6d %6d %6d %6d %6d"):format(k.kind, k.n, k.exact, k.code, k.same, k.failed))
end
print(("%d passed, %d failed"):format(passed, failed))
os.exit(failed == 0 and passed > 0)
