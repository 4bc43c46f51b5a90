-- SPDX-License-Identifier: GPL-2.0-or-later
-- One event is one batch, whoever depends on it; and none where nothing changed.
local daemon = require "daemon"
local nft = require "nft"
local rnmd = require "rnmd"

local zones = "interfaces:\n  - name: wan*\n    nftables_zone: wan\n"

-- Five ways to depend on an address.
local five = {
	["10-hook.lua"] = [[
local s = nft.table("inet", "t"):set("hooked", { type = "ipv4_addr" })
rnm.on("addr_change", { zone = "wan", family = "ipv4" }, function (ev)
  if ev.action ~= "del" then s:add(ev.address) else s:del(ev.address) end
end)]],
	["20-block.lua"] = [[
local c = nft.table("inet", "t"):chain "blocks"
rnm.block(function ()
  for _, a in ipairs(net.addrs { zone = "wan", family = "ipv4" }) do
    c:rule("ip daddr $a counter", { a = a.address })
  end
end)]],
	["30-each.lua"] = [[
rnm.each(net.addrs { zone = "wan", family = "ipv4" }, function (a)
  nft.table("inet", "t"):chain(nft.name("on-" .. a.address)):rule("ip daddr $a drop", { a = a.address })
end)]],
	["40-live.lua"] = [[
nft.table("inet", "t"):set("live", { type = "ipv4_addr", elements = net.addrs { zone = "wan", family = "ipv4" } })]],
	["50-rule.lua"] = [[
nft.table("inet", "t"):chain("input", { type = "filter", hook = "input", priority = 0 })
  :rule("ip daddr $wan counter accept", { wan = net.addrs { zone = "wan", family = "ipv4" } })]],
}

describe("rnmd's batches", function()
	local ns, m

	before_each(function()
		ns = rnmd.quiet_ns()
		ns:veth("wan0", "wan1")
		m = nft.monitor(ns)
	end)

	after_each(function()
		m:close()
		rnmd.clean()
	end)

	-- Generations that a command in the namespace caused, and what they hold.
	local function caused(d, command)
		m:generations()
		ns:run(command)
		rnmd.settle(d)
		return m:generations()
	end

	it("hold what five packs make of one address", function()
		local d = daemon.start(ns, { config = zones, packs = five })
		local n, text = m:generations()
		assert.equal(1, n, text)
		local before = nft.ruleset(ns)

		n, text = caused(d, "ip addr add 203.0.113.7/24 dev wan0")
		assert.equal(1, n, text)
		assert.same({ "203.0.113.7" }, nft.set(ns, "inet t hooked"))
		assert.same({ "203.0.113.7" }, nft.set(ns, "inet t live"))
		assert.matches("chain blocks {\n\t\tip daddr 203%.0%.113%.7 counter", nft.ruleset(ns))
		assert.matches("ip daddr 203%.0%.113%.7 drop", nft.ruleset(ns))
		assert.same({ "203.0.113.7" }, nft.set(ns, "inet t " .. nft.ruleset(ns):match "ip daddr @(_[%w_]+)"))

		n, text = caused(d, "ip addr del 203.0.113.7/24 dev wan0")
		assert.equal(1, n, text)
		assert.equal(before, nft.ruleset(ns))
		rnmd.stop(d)
	end)

	it("are none for what changes nothing", function()
		ns:run "ip addr add 203.0.113.7/24 dev wan0 valid_lft 1000 preferred_lft 1000"
		local d = daemon.start(ns, { config = zones, packs = five })
		for _, command in ipairs {
			"ip addr change 203.0.113.7/24 dev wan0 valid_lft 2000 preferred_lft 2000",
			"ip link set wan0 up",
			"ip link set wan0 mtu 1400",
			"ip addr add 198.51.100.1/24 dev lo",
			"ip neigh add 203.0.113.9 lladdr 02:00:00:00:00:01 dev wan0",
			"ip route add 192.0.2.0/24 via 203.0.113.9",
		} do
			local n, text = caused(d, command)
			assert.equal(0, n, command .. "\n" .. text)
		end
		rnmd.stop(d)
	end)

	it("follow lifetimes where a handler asks for them", function()
		ns:run "ip addr add 203.0.113.7/24 dev wan0 valid_lft 1000 preferred_lft 1000"
		local d = daemon.start(ns, { packs = { ["life.lua"] = [[
local s = nft.table("inet", "t"):set("lives", { type = "mark" })
rnm.on("addr_change", { iface = "wan0", lifetimes = true }, function (ev) s:replace { ev.valid_lft // 1000 } end)]] } })
		assert.same({ "1" }, nft.set(ns, "inet t lives"))
		local n, text = caused(d, "ip addr change 203.0.113.7/24 dev wan0 valid_lft 5500 preferred_lft 5000")
		assert.equal(1, n, text)
		assert.same({ "5" }, nft.set(ns, "inet t lives"))
		rnmd.stop(d)
	end)

	it("go from nothing to complete at start", function()
		local lines, want = {}, {}
		for i = 1, 200 do
			lines[i] = ("addr add 10.0.%d.%d/16 dev wan0"):format(i // 100, i % 100 + 1)
			want[i] = ("10.0.%d.%d"):format(i // 100, i % 100 + 1)
		end
		rnmd.ip_batch(ns, lines)
		table.sort(want)
		m:generations()
		local d = daemon.start(ns, { config = zones, packs = five })
		local n, text = m:generations()
		assert.equal(1, n, text)
		assert.same(want, nft.set(ns, "inet t hooked"))
		assert.same(want, nft.set(ns, "inet t live"))
		local _, rules = nft.ruleset(ns):gsub("ip daddr [%d.]+ counter", "")
		assert.equal(200, rules)
		_, rules = nft.ruleset(ns):gsub("ip daddr [%d.]+ drop", "")
		assert.equal(200, rules)
		assert.same({}, d:cmd "plan")
		rnmd.stop(d)
	end)

	-- What the daemon sends for 60 addresses that wait for it.
	local function backlog(commit)
		local lines = {}
		for i = 1, 60 do
			lines[i] = ("addr add 10.1.0.%d/16 dev wan0"):format(i)
		end
		local d = daemon.start(ns, { config = zones .. commit, packs = five })
		m:generations()
		d.process:signal "STOP"
		rnmd.ip_batch(ns, lines)
		d.process:signal "CONT"
		rnmd.settle(d)
		rnmd.settle(d)
		local n = m:generations()
		assert.equal(60, #nft.set(ns, "inet t hooked"))
		assert.equal(60, #nft.set(ns, "inet t live"))
		local text = nft.ruleset(ns):gsub("handle %d+", "")
		rnmd.stop(d)
		return n, text
	end

	it("take a backlog as it was configured, to the same end", function()
		local one, all = backlog ""
		ns:run "ip addr flush dev wan0"
		local six, tens = backlog "commit:\n  max_events: 10\n  max_delay: 1s\n"
		ns:run "ip addr flush dev wan0"
		local each, never = backlog "commit:\n  coalesce: never\n"
		assert.equal(60, each)
		assert.equal(6, six)
		assert.is_true(one <= 2, one) -- it may take longer than max_delay
		assert.equal(all, never)
		assert.equal(all, tens)
	end)
end)
