-- SPDX-License-Identifier: GPL-2.0-or-later
-- Somebody else flushes the ruleset: the next commit or reload that meets it makes all of it again, and touches nothing of theirs.
local daemon = require "daemon"
local nft = require "nft"
local rnmd = require "rnmd"

local pack = [[
local t = nft.table("inet", "t")
t:set("wan4", { type = "ipv4_addr", elements = net.addrs { iface = "wan0", family = "ipv4" } })
t:chain("in", { type = "filter", hook = "input", priority = "filter" }):rule("ip daddr @wan4 tcp dport 443 accept")
nft.table("inet", "other"):chain("x"):rule("accept")
]]

describe("a flush by somebody else", function()
	local ns, d

	before_each(function()
		ns = rnmd.quiet_ns()
		ns:veth("wan0", "wan1")
		d = daemon.start(ns, { packs = { ["a.lua"] = pack } })
		ns:run "ip addr add 192.0.2.1/24 dev wan0"
		rnmd.settle(d)
	end)

	after_each(rnmd.clean)

	local function whole()
		local text = nft.ruleset(ns)
		assert.matches("tcp dport 443 accept", text)
		assert.matches("table inet other", text)
		return nft.set(ns, "inet t wan4")
	end

	it("is mended by the next element", function()
		ns:run "nft flush ruleset"
		ns:run "ip addr add 192.0.2.2/24 dev wan0"
		rnmd.settle(d)
		assert.same({ "192.0.2.1", "192.0.2.2" }, whole())
		assert.matches("0 refused", rnmd.status(d))
	end)

	it("is mended by the next rule", function()
		ns:run "nft flush ruleset"
		d:cmd [[eval nft.table("inet", "t"):chain("in"):rule("tcp dport 22 accept")]]
		assert.same({ "192.0.2.1" }, whole())
		assert.matches("tcp dport 22 accept", nft.ruleset(ns))
		assert.matches("0 refused", rnmd.status(d))
	end)

	it("is mended by a reload, which leaves a table that came in the place of one alone", function()
		ns:run "nft 'flush ruleset; add table inet other; add set inet other theirs { type ipv4_addr; }'"
		d:cmd "reload"
		assert.same({ "192.0.2.1" }, nft.set(ns, "inet t wan4"))
		assert.matches("set theirs", nft.ruleset(ns))
		assert.not_matches("chain x", nft.ruleset(ns))
		assert.matches("other[^\n]*exists and is not rnm's", rnmd.status(d))
		ns:run "nft delete table inet other"
		d:cmd "reload"
		assert.same({ "192.0.2.1" }, whole())
	end)

	it("does not make good rules suffer for one that this kernel can not take", function()
		local before = nft.ruleset(ns)
		local _, ok, message = d:ask [[eval nft.table("inet", "t"):chain("in"):rule("tcp dport 9 queue num 1")]]
		assert.is_false(ok)
		assert.matches("kernel refused", message)
		assert.equal(before, nft.ruleset(ns))
	end)
end)

describe("a pack that is left out at start", function()
	after_each(rnmd.clean)

	it("keeps its own table of the last run until it loads or leaves", function()
		local ns = rnmd.quiet_ns()
		local d = daemon.start(ns, { packs = {
			["a.lua"] = [[nft.table("inet", "ta"):chain("x"):rule("accept")]],
			["b.lua"] = [[nft.table("inet", "tb"):chain("x"):rule("accept")]],
		} })

		d:halt()
		d:pack("b.lua", [[error "no"]])
		d:launch()
		assert.matches("table inet tb", nft.ruleset(ns))
		d:pack("b.lua", [[local nothing]])
		d:cmd "reload"
		assert.not_matches("table inet tb", nft.ruleset(ns))
		assert.matches("table inet ta", nft.ruleset(ns))
	end)
end)
