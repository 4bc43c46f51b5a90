-- SPDX-License-Identifier: GPL-2.0-or-later
-- Others commit all the time, to their tables and to rnm's: no batch of rnm's is made for a ruleset that is no more.
local daemon = require "daemon"
local nft = require "nft"
local rnmd = require "rnmd"
local sh = require "sh"

local pack = [[
local t = nft.table("inet", "t")
t:set("live", { type = "ipv4_addr", elements = net.addrs { iface = "wan0", family = "ipv4" } })
local c = t:chain("in", { type = "filter", hook = "input", priority = "filter" })
rnm.each(net.addrs { iface = "wan0", family = "ipv4" }, function (a) c:rule("ip daddr $a counter", { a = a.address }) end)
]]

describe("a commit between those of others", function()
	local ns, d

	before_each(function()
		ns = rnmd.quiet_ns()
		ns:veth("wan0", "wan1")
		d = daemon.start(ns, { packs = { ["a.lua"] = pack } })
	end)

	after_each(rnmd.clean)

	-- Runs commands of nft over and over while addresses come and go.
	local function meanwhile(commands)
		local other = sh.spawn(ns:enter() .. "sh -c " .. sh.quote(([[
while :; do for c in %s; do nft "$c" 2>/dev/null; done; done]]):format(commands)))
		for round = 1, 20 do
			local lines = {}
			for i = 1, 20 do
				lines[#lines + 1] = ("addr add 10.0.%d.%d/32 dev wan0"):format(round, i)
			end
			for i = 1, 15 do
				lines[#lines + 1] = ("addr del 10.0.%d.%d/32 dev wan0"):format(round, i)
			end
			rnmd.ip_batch(ns, lines)
		end
		other:stop "KILL"
		rnmd.settle(d)
	end

	local function whole()
		assert.equal(100, #nft.set(ns, "inet t live"))
		local _, rules = nft.ruleset(ns):gsub("ip daddr 10%.0%.", "")
		assert.equal(100, rules)
		local status = rnmd.status(d)
		assert.matches("0 pending, 0 refused", status)
		assert.matches(" 0 failures", status)
	end

	it("to their own tables is repeated", function()
		meanwhile [["add table ip theirs" "delete table ip theirs"]]
		whole()
	end)

	it("to rnm's tables is planned again", function()
		meanwhile [["flush chain inet t in" "flush set inet t live" "add rule inet t in drop" "flush ruleset"]]
		d:cmd "reload"
		whole()
	end)
end)
