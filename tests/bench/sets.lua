-- SPDX-License-Identifier: GPL-2.0-or-later
-- lua5.4 tests/bench/sets.lua RNMD RNM [ELEMENTS [ROUNDS]]: big sets, in a network namespace of its own. What rnmd itself spends, all but
-- sendmsg, when a list is replaced by one of which ten differ, and when an address joins a live set; what an element costs in
-- resident memory once rnmd is idle.
local rnmd, rnm, n, rounds = arg[1], arg[2], tonumber(arg[3] or 100000), tonumber(arg[4] or 9)
local dir = io.popen "mktemp -d":read "l"
local log, list, socket = dir .. "/log", dir .. "/list", dir .. "/sock"

local function sh(fmt, ...)
	assert(os.execute(fmt:format(...)), "failed")
end
local function write(path, text)
	local f = assert(io.open(path, "w"))
	f:write(text)
	f:close()
end
local function read(path)
	local f = assert(io.open(path))
	local text = f:read "a"
	f:close()
	return text
end

local pid
local function start(pack)
	write(dir .. "/packs/p.lua", pack)
	local p = io.popen(("%s -c %s/rnm.yaml -s %s 2>%s >/dev/null & echo $!"):format(rnmd, dir, socket, log))
	pid = p:read "n"
	p:close()
	for _ = 1, 600 do
		if os.execute(("%s -s %s ping >/dev/null 2>&1"):format(rnm, socket)) then return end
		os.execute "sleep 0.1"
	end
	error("rnmd is not ready:\n" .. read(log))
end
local function stop()
	sh("kill %d; while kill -0 %d 2>/dev/null; do sleep 0.05; done; nft flush ruleset", pid, pid)
end

-- What the next transaction takes that act() leads to: all of it, and the kernel's part, in microseconds.
local function transaction(act)
	local _, before = read(log):gsub(" operations, ", "")
	act()
	for _ = 1, 600 do
		local seen = 0
		for total, kernel in read(log):gmatch " operations, (%d+) us %([^\n]*kernel (%d+)%)\n" do
			seen = seen + 1
			if seen > before then return tonumber(total), tonumber(kernel) end
		end
		os.execute "sleep 0.02"
	end
	error("nothing happened:\n" .. read(log))
end

-- The least and the median of what rnmd spends, and the kernel's median.
local function own(act)
	local mine, kernels = {}, {}
	for i = 1, rounds do
		local total, kernel = transaction(function() act(i) end)
		mine[i], kernels[i] = total - kernel, kernel
	end
	table.sort(mine)
	table.sort(kernels)
	return mine[1], mine[rounds // 2 + 1], kernels[rounds // 2 + 1]
end

local function resident()
	os.execute "sleep 2" -- it is idle for half a second before it tidies up
	return tonumber(read(("/proc/%d/status"):format(pid)):match "VmRSS:%s+(%d+)") * 1024
end

local kinds = {
	{ "hash", [[type = "ipv4_addr"]], "10.%d.%d.%d" },
	{ "intervals", [[type = "ipv4_addr", flags = "interval"]], "10.%d.%d.%d/30" },
	{ "concatenated ranges", [[type = "ipv4_addr . inet_service", flags = "interval"]], "10.%d.%d.%d/30 . 1000-2000" },
	{ "concatenations", [[type = "ipv4_addr . inet_service"]], "10.%d.%d.%d . 80" },
	{ "timed", [[type = "ipv4_addr", flags = "timeout", timeout = "1h"]], "10.%d.%d.%d" },
}

local function lines(format, from)
	local t = {}
	for i = from, from + n - 1 do t[#t + 1] = format:format(i << 2 >> 16 & 255, i << 2 >> 8 & 255, i << 2 & 255) end
	return table.concat(t, "\n") .. "\n"
end
local function put(text)
	write(list .. ".new", text)
	sh("mv %s.new %s", list, list)
end

local function map_pack(count)
	return ([[local t = {} for i = 1, %d do t[("10.%%d.%%d.%%d"):format(i >> 16, i >> 8 & 255, i & 255)] = i end
		nft.table("inet", "t"):map("m", { type = "ipv4_addr : mark", elements = t })]]):format(count)
end
local function each_costs(name, empty, full)
	empty()
	local base = resident()
	stop()
	full()
	local all = resident()
	stop()
	print(("%-24s %-12s %8.1f bytes an element"):format(name, "", (all - base) / n))
end

sh("umask 077; mkdir %s/packs", dir)
write(dir .. "/rnm.yaml", ("policies:\n  dirs: [%s/packs]\npacks: { p: { files: [%s] } }\nlimits: { main_time: 60s, hook_time: 60s }\n"):format(dir, list))
print(("%-24s %-12s %8s %8s %8s"):format(n .. " elements", "ten differ", "least ms", "median", "kernel"))
local function show(name, how, least, median, kernel)
	print(("%-24s %-12s %8.2f %8.2f %8.2f"):format(name, how, least / 1e3, median / 1e3, kernel / 1e3))
end
for i = 1, #kinds - 1 do -- a list of timed ones begins their time anew: all of them are sent
	local name, spec, format = table.unpack(kinds[i])
	put(lines(format, 1))
	start(([[nft.table("inet", "t"):set("s", { %s, elements = rnm.file "%s" })]]):format(spec, list))
	show(name, "list file", own(function(round) put(lines(format, 1 + round * 10)) end))
	stop()
	start(([[local s = nft.table("inet", "t"):set("s", { %s })
		local function list(from) local t = {} for i = from, from + %d do t[#t + 1] = ("%s"):format(i << 2 >> 16 & 255, i << 2 >> 8 & 255, i << 2 & 255) end return t end
		local a, b = list(1), list(11)
		rnm.on("message", { topic = "swap" }, function () s:replace(a) a, b = b, a end)]]):format(spec, n - 1, format))
	local function swap() sh("%s -s %s emit swap >/dev/null", rnm, socket) end
	transaction(swap)
	show(name, "Lua list", own(swap))
	stop()
end
for _, kind in ipairs(kinds) do
	local pack = ([[nft.table("inet", "t"):set("s", { %s, elements = rnm.file "%s" })]]):format(kind[2], list)
	each_costs(kind[1], function() put "" start(pack) end, function() put(lines(kind[3], 1)) start(pack) end)
end
each_costs("map", function() start(map_pack(0)) end, function() start(map_pack(n)) end)
sh("rm -r %s", dir)
