-- SPDX-License-Identifier: GPL-2.0-or-later
-- Runs a piece of Lua against the kernel, in a process and a network namespace of its own: what the watcher sees is then all
-- that happens. The piece finds `watch`, `sh`, `settle` and the usual library; what it prints comes back as lines.
local support = require "sh"

local watcher = {}

local prelude = [[
local net = require "rnm.core".net
local function sh(cmd)
	assert(os.execute("unset LD_PRELOAD; { " .. cmd .. "\n}"), cmd)
end
local function watch(options)
	return assert(net.watch(options))
end
-- Polls until fn says yes; gives all events on the way.
local function settle(w, fn)
	local all, deadline = {}, net.now() + 10
	repeat
		assert(w:poll() >= 0)
		for _, line in ipairs(w:events()) do
			table.insert(all, line)
		end
		if fn(all) then
			return all
		end
		sh "sleep 0.02"
	until net.now() > deadline
	error("did not come; so far:\n" .. table.concat(all, "\n"))
end
local function has(pattern)
	return function(events)
		for _, line in ipairs(events) do
			if line:find(pattern) then
				return true
			end
		end
	end
end
local function show(events, pattern)
	for _, line in ipairs(events) do
		if line:find(pattern) then
			print(line)
		end
	end
end
-- All that a watch holds, as lines; without tentative addresses, which the kernel shows but does not announce.
local function state(w, kinds)
	local out = {}
	for _, kind in ipairs(kinds) do
		for _, r in ipairs(w:list(kind)) do
			local keys = {}
			for k, v in pairs(r) do
				table.insert(keys, k .. "=" .. tostring(v))
			end
			table.sort(keys)
			if not (r.flags or ""):find "tentative" then
				table.insert(out, kind .. " " .. table.concat(keys, " "))
			end
		end
	end
	return table.concat(out, "\n")
end
-- Holds a watch against a fresh dump; again when they differ, as the end of an address's detection may fall in between.
local function same(w, kinds, step)
	local have, want
	for _ = 1, 10 do
		sh "sleep 0.05"
		w:poll()
		have, want = state(w, kinds), state(watch { kinds = kinds }, kinds)
		if have == want then
			return
		end
	end
	local function minus(a, b)
		local known, out = {}, {}
		for line in b:gmatch "[^\n]+" do
			known[line] = true
		end
		for line in a:gmatch "[^\n]+" do
			if not known[line] then
				table.insert(out, line)
			end
		end
		return table.concat(out, "\n")
	end
	error(("%s\nonly the watch has\n%s\nonly the kernel has\n%s"):format(step, minus(have, want), minus(want, have)))
end
sh "ip link set lo up"
]]

-- The command that gives a namespace, or nil and why there is none.
function watcher.namespace()
	for _, ns in ipairs { "unshare -n", "unshare -rn" } do
		local _, code = support.try(ns .. " ip link set lo up")
		if code == 0 then
			return ns
		end
	end
	return nil, "neither root nor a user namespace to be root in"
end

function watcher.run(code)
	local ns = assert(watcher.namespace())
	local dir = support.tempdir()
	local preload = ""
	if (os.getenv "RNM_BUILD" or ""):find "san$" then
		preload = "LD_PRELOAD=$(cc -print-file-name=libasan.so) ASAN_OPTIONS=detect_leaks=0 "
	end
	support.write(dir .. "/piece.lua", prelude .. code)
	local out, status = support.try(("%s env %slua5.4 %s/piece.lua 2>%s/log"):format(ns, preload, dir, dir))
	local log = support.read(dir .. "/log")
	support.run("rm -rf " .. support.quote(dir))
	if status ~= 0 then
		error(out .. log, 2)
	end
	local lines = {}
	for l in out:gmatch "[^\n]+" do
		table.insert(lines, l)
	end
	return lines
end

return watcher
