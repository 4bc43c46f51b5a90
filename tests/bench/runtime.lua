-- SPDX-License-Identifier: GPL-2.0-or-later
-- lua5.4 tests/bench/runtime.lua [EVENTS]: what the policy runtime adds to an event, in processor time, over a simulated network: packs
-- whose filters do not match, a hook call, blocks that read something else.
local simulate = require "rnm.testing".simulate
local events = tonumber(arg[1] or 4000)

local function start(packs)
	return simulate { packs = packs, links = { wan0 = { zone = "wan" }, lan0 = { zone = "lan" } } }
end

-- Microseconds of an event, the least of many rounds.
local function cost(sim)
	local least = math.huge
	local function round(n)
		local t0 = os.clock()
		for i = 1, n do
			local addr = ("192.0.2.%d/32"):format(i % 200 + 1)
			sim:addr_add("wan0", addr)
			sim:addr_del("wan0", addr)
		end
		return (os.clock() - t0) / n / 2 * 1e6
	end
	for _ = 1, 20 do least = math.min(least, round(events // 20)) end
	return least
end

local function many(n, text)
	local packs = {}
	for i = 1, n do packs["p" .. i] = text end
	return packs
end

-- with and without, in turns, so that both meet the same machine
local function compare(what, bar, with, without)
	local a, b = math.huge, math.huge
	for _ = 1, 3 do
		a, b = math.min(a, cost(with)), math.min(b, cost(without))
	end
	print(("%-64s %8.2f us more than %.2f (at most %g are wanted)"):format(what, a - b, b, bar))
	with:close()
	without:close()
end

local idle = "nft.table('inet', 't')"
compare("an event that 100 packs filter out", 10, start(many(100, [[rnm.on("addr_change", { zone = "lan", family = "ipv6" }, function () end)]])),
	start(many(100, idle)))
compare("a hook call with its event", 3, start(many(1, [[function on_addr_change(ev) return ev.address end]])),
	start(many(1, [[rnm.on("addr_change", { zone = "lan" }, function () end)]])))
compare("100 blocks that read something else", 0.1, start(many(1, [[for i = 1, 100 do rnm.block(function () return net.link("lan0").up end) end]])),
	start(many(1, [[rnm.on("addr_change", { zone = "lan" }, function () end)]])))
