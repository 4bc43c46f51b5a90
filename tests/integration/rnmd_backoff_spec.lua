-- SPDX-License-Identifier: GPL-2.0-or-later
-- A pack that the kernel refuses again and again costs the others no batch at each event.
local daemon = require "daemon"
local json = require "dkjson"
local nft = require "nft"
local rnmd = require "rnmd"
local sh = require "sh"

-- At each address another statement that no kernel takes (a NAT statement in a filter chain that only a base chain reaches
-- is found by rnm itself; a NAT chain before conntrack is not), with one that is fine beside it.
local bad = [[
local t = nft.table("inet", "bad")
local fine = t:chain("fine")
function on_addr_change(ev)
  fine:rule("ip daddr $a accept", { a = ev.address })
  t:chain("c" .. ev.address:gsub("%.", "_"), { type = "nat", hook = "prerouting", priority = -250 - ev.ifindex })
end
]]

local good = [[
local t = nft.table("inet", "good")
t:set("s", { type = "ipv4_addr", elements = net.addrs { iface = "wan0", family = "ipv4" } })
]]

describe("a pack that is refused again and again", function()
	local ns

	before_each(function()
		ns = rnmd.quiet_ns()
		ns:veth("wan0", "wan1")
	end)

	after_each(rnmd.clean)

	local function refusals(d)
		return select(2, d:log():gsub("error nft: the kernel refused", ""))
	end

	local function pack(d, name)
		for _, p in ipairs(json.decode(d:cmd "status --json"[1]).packs) do
			if p.name == name then
				return p
			end
		end
	end

	it("backs off, and the others go on", function()
		local d = daemon.start(ns, { config = "commit: { coalesce: never }\n", packs = { ["a.lua"] = bad, ["b.lua"] = good } })
		local want = {}
		for i = 1, 12 do
			ns:run(("ip addr add 192.0.2.%d/32 dev wan0"):format(i))
			rnmd.settle(d)
			table.insert(want, ("192.0.2.%d"):format(i))
			table.sort(want)
			assert.same(want, nft.set(ns, "inet good s"))
		end
		assert.is_true(refusals(d) >= 3 and refusals(d) <= 7, d:log())
		local list = ns:run "nft list chain inet bad fine"
		for i = 1, 12 do -- another line of the same pack
			assert.matches(("ip daddr 192.0.2.%d accept"):format(i), list)
		end
		local status = rnmd.status(d)
		assert.matches("pack a: degraded, backing off, order", status)
		assert.matches("pack a: backing off: the kernel refused some of it; tried again in %d+ s", status)
		assert.matches("refused: c192_0_2_%d+ in inet bad: not tried yet", status) -- a retry may have come in between
		assert.matches("pack b: running", status)
		assert.is_true(pack(d, "a").backoff.holds)
		assert.is_nil(pack(d, "b").backoff)
		d:pack("a.lua", bad:gsub("%-250", "-150")) -- a reload forgets all
		d:cmd "reload"
		assert.is_nil(pack(d, "a").backoff)
		assert.matches(" 0 refused", rnmd.status(d))
		assert.matches("chain c192_0_2_12", nft.ruleset(ns))
		assert.same({}, d:cmd "plan")
		rnmd.stop(d)
	end)

	it("has what was refused tried again by itself", function()
		local d = daemon.start(ns, { packs = { ["a.lua"] = [[
local t = nft.table("inet", "t")
local s = t:set("s", { type = "ipv4_addr", size = 1, flags = "dynamic" })
rnm.block(function () if net.link("wan0").up then s:add("192.0.2.1") end end)
]], ["b.lua"] = good } })
		assert.same({ "192.0.2.1" }, nft.set(ns, "inet t s"))
		ns:run "ip link set wan0 down"
		rnmd.settle(d)
		ns:run "nft add element inet t s { 192.0.2.7 }" -- as from the packet path
		ns:run "ip link set wan0 up"
		sh.eventually(function() return rnmd.status(d):find " 1 refused" end)
		assert.matches("pack a: the kernel refused some of it; tried again in %d+ s", rnmd.status(d))
		ns:run "nft delete element inet t s { 192.0.2.7 }"
		sh.eventually(function() return rnmd.status(d):find " 0 refused" end)
		assert.same({ "192.0.2.1" }, nft.set(ns, "inet t s"))
		assert.is_nil(pack(d, "a").backoff)
		assert.matches("pack a: running", rnmd.status(d))
		rnmd.stop(d)
	end)

	it("backs off with intervals, which come when there is room for them", function()
		local d = daemon.start(ns, { config = "commit: { coalesce: never }\n", packs = { ["a.lua"] = [[
local s = nft.table("inet", "t"):set("s", { type = "ipv4_addr", flags = "interval", size = 2 })
rnm.on("addr_change", { iface = "wan0" }, function (ev)
  if ev.action == "del" then s:del(ev.address) else s:add(ev.address) end
end)
]], ["b.lua"] = good } })
		for i = 1, 24, 2 do
			ns:run(("ip addr add 192.0.2.%d/32 dev wan0"):format(i))
			rnmd.settle(d)
		end
		assert.same({ "192.0.2.1", "192.0.2.3" }, nft.set(ns, "inet t s"))
		assert.is_true(refusals(d) >= 3 and refusals(d) <= 7, d:log())
		assert.is_true(pack(d, "a").backoff.holds)
		local before = refusals(d)
		ns:run "ip addr del 192.0.2.1/32 dev wan0"
		rnmd.settle(d)
		assert.same({ "192.0.2.3", "192.0.2.5" }, nft.set(ns, "inet t s"))
		assert.equal(before, refusals(d))
		rnmd.stop(d)
	end)

	it("keeps what its lines last had in the kernel", function()
		-- The bridge's name is for tables of family bridge; only the kernel knows.
		local d = daemon.start(ns, { config = "commit: { coalesce: never }\n", packs = { ["a.lua"] = [[
local c = nft.table("inet", "t"):chain("in", { type = "filter", hook = "input", priority = 0 })
rnm.block(function ()
  local n = #net.addrs { iface = "wan0", family = "ipv4" }
  c:rule(n > 1 and 'meta mark $n meta ibrname "x" counter' or "meta mark $n counter accept", { n = n })
end)]] } })
		local before = ns:run "nft -a list chain inet t in"
		for i = 1, 8 do
			ns:run(("ip addr add 192.0.2.%d/32 dev wan0"):format(i))
			rnmd.settle(d)
			if i == 1 then
				before = ns:run "nft -a list chain inet t in"
				assert.matches("mark 0x00000001 counter", before)
			end
			assert.equal(before, ns:run "nft -a list chain inet t in")
		end
		assert.is_true(refusals(d) >= 3 and refusals(d) <= 7, d:log())
		assert.matches("pack a: degraded, backing off", rnmd.status(d))
		ns:run "ip addr flush dev wan0"
		rnmd.settle(d)
		sh.eventually(function() return (ns:run "nft list chain inet t in"):find "mark 0x00000000 counter" end)
		rnmd.stop(d)
	end)
end)
