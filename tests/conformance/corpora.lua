-- SPDX-License-Identifier: GPL-2.0-or-later
-- corpora.lua FOLDER RNM KEEP LIMIT: the verdicts that corpora.sh left in KEEP, by kind; and the rules of FOLDER that a kernel
-- may be unable to load, compiled here and now.
local conf = require "conformance"
local json = require "dkjson"
local sh = require "sh"

local folder, rnm, keep, limit = arg[1], arg[2], arg[3], tonumber(arg[4])
local passed, failed = 0, 0

local function records(path)
	local f = io.open(path)
	return function()
		local line = f and f:read "l"
		return line and assert(json.decode(line))
	end
end

local function row(kind, counts, good)
	local all, ok, parts = 0, 0, {}
	for verdict, n in pairs(counts) do
		all = all + n
		ok = ok + (good[verdict] and n or 0)
		parts[#parts + 1] = ("%s %d"):format(verdict, n)
	end
	if all > 0 then
		table.sort(parts)
		print(("%-16s %6d %7.2f %%  %s"):format(kind, all, 100 * ok / all, table.concat(parts, ", ")))
	end
	passed, failed = passed + ok, failed + all - ok
end

print(("%-16s %6s %9s"):format("", "all", "passed"))
for _, kind in ipairs { "open", "wild", "rulesets", "negatives", "open-round", "wild-round", "rulesets-round" } do
	local counts = {}
	local negative = kind == "negatives"
	for r in records(("%s/%s.jsonl"):format(keep, kind)) do
		counts[r.verdict] = (counts[r.verdict] or 0) + 1
	end
	row(kind, counts, negative and { refused = true } or { exact = true, code = true, equiv = true, alt = true })
end

local counts, n = {}, 0
local out = io.open(keep .. "/compile.txt", "w")
for r in records(folder .. "/kernel_unsupported.jsonl") do
	n = n + 1
	if limit > 0 and n > limit then
		break
	end
	local text = ("%s\nadd rule %s %s %s %s\n"):format(table.concat(r.prelude, "\n"), r.family, r.table, r.chain, r.rule)
	sh.write(keep .. "/in.nft", text)
	local have = conf.blocks((sh.try(("TZ=UTC-2 %s nft compile %s/in.nft"):format(rnm, keep))))[1]
	local want = conf.blocks(table.concat(r.bytecode, "\n"))[1]
	local verdict = have == want and "code" or "different"
	counts[verdict] = (counts[verdict] or 0) + 1
	if have ~= want then
		out:write(("%s %s\n< %s\n> %s\n"):format(r.family, r.rule, want, have))
	end
end
out:close()
row("compile only", counts, { code = true })
conf.clean()
print(("%d passed, %d failed"):format(passed, failed))
os.exit(failed == 0 and passed > 0)
