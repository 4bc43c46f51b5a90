-- SPDX-License-Identifier: GPL-2.0-or-later
-- What the kernel refuses is laid at the door of who asked for it, and of nobody else.
local daemon = require "daemon"
local nft = require "nft"
local rnmd = require "rnmd"

describe("a refusal", function()
	local ns

	before_each(function()
		ns = rnmd.quiet_ns()
		ns:veth("wan0", "wan1")
	end)

	after_each(rnmd.clean)

	local owner = [[nft.table("inet", "t"):chain("c"):rule("ip saddr 192.0.2.4 counter drop")]]
	-- A NAT chain before conntrack is there: no kernel takes it.
	local impossible = [[nft.table("inet", "t"):chain("c", { type = "nat", hook = "prerouting", priority = -250 })]]

	it("of an eval's declaration leaves the packs' objects as they are", function()
		local d = daemon.start(ns, { packs = { ["a.lua"] = owner } })
		local before = nft.ruleset(ns)
		local _, ok, message = d:ask("eval " .. impossible)
		assert.is_false(ok)
		assert.matches("the kernel refused", message)
		assert.same({}, d:cmd "plan")
		ns:run "ip link add br7 type bridge"
		rnmd.settle(d)
		assert.equal(before, nft.ruleset(ns))
		assert.matches("0 refused", rnmd.status(d))
		assert.matches("pack a: running", rnmd.status(d))
	end)

	it("of a pack's declaration leaves the others' in force, and ends with it", function()
		local d = daemon.start(ns, { packs = { ["a.lua"] = owner, ["z.lua"] = ([[
rnm.block(function ()
  if net.links { name = "br7" }:first() then %s end
end)]]):format(impossible) } })
		local before = nft.ruleset(ns)
		ns:run "ip link add br7 type bridge"
		rnmd.settle(d)
		assert.equal(before, nft.ruleset(ns))
		local status = rnmd.status(d)
		assert.matches("pack z: degraded", status)
		assert.matches("pack z: last error: refused by the kernel", status)
		assert.matches("pack a: running", status)
		ns:run "ip link del br7"
		rnmd.settle(d)
		assert.equal(before, nft.ruleset(ns))
		assert.matches("0 refused", rnmd.status(d))
	end)

	it("of an element names who holds it, not who declared the set", function()
		local d = daemon.start(ns, { packs = {
			["a.lua"] = [[nft.table("inet", "t"):set("s", { type = "ipv4_addr", size = 2, elements = { "192.0.2.1", "192.0.2.2" } })]],
			["b.lua"] = [[
rnm.block(function ()
  if net.links { name = "br7" }:first() then nft.table("inet", "t"):set("s"):add("192.0.2.3") end
end)]],
		} })
		ns:run "ip link add br7 type bridge"
		rnmd.settle(d)
		local status = rnmd.status(d)
		assert.matches("pack b: degraded", status)
		assert.matches("pack b: last error: [^\n]*b%.lua:2: %+ add element inet t s { 192%.0%.2%.3 }: the set is full", status)
		assert.matches("pack a: running[^\n]* 0 errors", status)
		assert.same({ "192.0.2.1", "192.0.2.2" }, nft.set(ns, "inet t s"))
	end)

	it("of an element by a full set ends when another one leaves", function()
		local d = daemon.start(ns, { packs = { ["a.lua"] = [[
nft.table("inet", "t"):set("s", { type = "ipv4_addr", size = 2, elements = net.addrs { iface = "wan0", family = "ipv4" } })]] } })
		for i = 1, 4 do
			ns:run(("ip addr add 192.0.2.%d/32 dev wan0"):format(i))
			rnmd.settle(d)
		end
		assert.same({ "192.0.2.1", "192.0.2.2" }, nft.set(ns, "inet t s"))
		assert.matches("2 refused", rnmd.status(d))
		ns:run "ip addr del 192.0.2.1/32 dev wan0"
		rnmd.settle(d)
		assert.same({ "192.0.2.2", "192.0.2.3" }, nft.set(ns, "inet t s"))
		ns:run "ip addr del 192.0.2.2/32 dev wan0"
		rnmd.settle(d)
		assert.same({ "192.0.2.3", "192.0.2.4" }, nft.set(ns, "inet t s"))
		assert.matches("0 refused", rnmd.status(d))
	end)

	it("of many elements is told in a few lines", function()
		local d = daemon.start(ns, { packs = { ["a.lua"] = [[
local list = {}
for i = 1, 300 do list[i] = ("10.0.%d.%d"):format(i // 256, i % 256) end
nft.table("inet", "t"):set("s", { type = "ipv4_addr", size = 100, elements = list })]] } })
		local status, log = rnmd.status(d), d:log()
		assert.equal(100, #nft.set(ns, "inet t s"))
		assert.matches("200 refused", status)
		assert.matches("refused: s in inet t: the kernel refused 200 elements %(a, a%.lua:3%)", status)
		assert.matches("… and 192 more elements of inet t s", status, 1, true)
		assert.is_true(select(2, log:gsub("the set is full", "")) < 20, log)
	end)

	it("of every kind is told at once, whose table each is", function()
		local d = daemon.start(ns, { packs = { ["a.lua"] = "", ["b.lua"] = "" } })
		d:pack("a.lua", [[nft.table("inet", "t"):ct_helper("h", { type = "no-such-helper", protocol = "tcp" })]])
		d:pack("b.lua", [[nft.table("ip", "u"):ct_expectation("e", { protocol = "tcp", dport = 1, timeout = "1h", size = 1, l3proto = "ip6" })]])
		local out = d:rnm "reload"
		assert.matches("a%.lua:1: %+ add ct helper inet t h .- No such file", out)
		assert.matches("b%.lua:1: %+ add ct expectation ip u e .- Invalid argument", out)
	end)

	it("that only tells of a flushed chain makes the table anew", function()
		local text = [[nft.table("inet", "t"):chain("in", { type = "filter", hook = "input", priority = 0 }):rule("%s")]]
		local d = daemon.start(ns, { packs = { ["a.lua"] = text:format "counter" } })
		ns:run "nft flush chain inet t in"
		d:cmd "reload"
		assert.matches("counter packets", nft.ruleset(ns))
		ns:run "nft flush chain inet t in"
		d:pack("a.lua", text:format "counter accept")
		d:cmd "reload"
		assert.matches("counter packets 0 bytes 0 accept", nft.ruleset(ns))
		ns:run "nft flush chain inet t in"
		d:cmd [[eval nft.table("inet", "t"):chain("in"):rule("tcp dport 22 accept")]]
		assert.matches("tcp dport 22 accept", nft.ruleset(ns))
		d:cmd "reload"
		assert.matches("counter packets 0 bytes 0 accept", nft.ruleset(ns))
		assert.matches("0 refused", rnmd.status(d))
	end)
end)
