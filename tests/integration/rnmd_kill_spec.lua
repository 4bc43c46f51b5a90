-- SPDX-License-Identifier: GPL-2.0-or-later
-- kill -9 at any moment: the kernel holds a whole ruleset, the one before or the one after, and the next start goes on from it.
-- RNM_KILLS: how many; RNM_SEED: which moments.
local daemon = require "daemon"
local nft = require "nft"
local rnmd = require "rnmd"
local sh = require "sh"
local kills = tonumber(os.getenv "RNM_KILLS") or (rnmd.slow > 1 and 15 or 60)

-- Three packs that say the same of the network in three ways, and a number that a reload changes in two places at once.
local packs = {
	["live.lua"] = [[
nft.table("inet", "t"):set("live", { type = "ipv4_addr", elements = net.addrs { iface = "wan0", family = "ipv4" } })]],
	["hook.lua"] = [[
local s = nft.table("inet", "t"):set("hooked", { type = "ipv4_addr" })
rnm.on("addr_change", { iface = "wan0", family = "ipv4" }, function (ev)
  if ev.action == "del" then s:del(ev.address) else s:add(ev.address) end
end)]],
	["block.lua"] = [[
local c = nft.table("inet", "t"):chain("input", { type = "filter", hook = "input", priority = 0 })
rnm.block(function ()
  for _, a in ipairs(net.addrs { iface = "wan0", family = "ipv4" }) do c:rule("ip daddr $a accept", { a = a.address }) end
end)]],
}
local function numbered(n)
	return ([[
nft.table("inet", "t"):chain("one"):rule("meta mark %d drop")
nft.table("ip", "u"):chain("two"):rule("meta mark %d drop")]]):format(n, n)
end

describe("a killed rnmd", function()
	after_each(rnmd.clean)

	-- What the kernel holds must agree with itself.
	local function whole(ns, first)
		local text = nft.ruleset(ns)
		if first and text == "" then
			return
		end
		local live, hooked, rules = {}, {}, {}
		for a in (text:match "set live {.-\n\t}" or error("no set: " .. text)):gmatch "10%.0%.0%.%d+" do live[#live + 1] = a end
		for a in text:match "set hooked {.-\n\t}":gmatch "10%.0%.0%.%d+" do hooked[#hooked + 1] = a end
		for a in text:gmatch "ip daddr (10%.0%.0%.%d+)" do rules[#rules + 1] = a end
		table.sort(live)
		table.sort(hooked)
		table.sort(rules)
		assert.same(live, hooked, text)
		assert.same(live, rules, text)
		local one, two = text:match "chain one {%s+meta mark (0x%x+)", text:match "chain two {%s+meta mark (0x%x+)"
		assert.is_truthy(one, text)
		assert.equal(one, two, text)
		return live
	end

	it("leaves all of a ruleset, and goes on from it", function()
		local ns = rnmd.quiet_ns()
		ns:veth("wan0", "wan1")
		local d = daemon.start(ns, { packs = packs, ready = false })
		d:pack("number.lua", numbered(0))
		d:halt "KILL"
		local storm = sh.spawn(ns:enter() .. "sh -c " .. sh.quote [[
n=0
while :; do
	n=$(((n * 7 + 3) % 200))
	ip addr add 10.0.0.$n/32 dev wan0 2>/dev/null || ip addr del 10.0.0.$n/32 dev wan0
done]])
		local seen = {}
		math.randomseed(tonumber(os.getenv "RNM_SEED") or 7)
		for i = 1, kills do
			d.options.ready = i % 3 ~= 0 -- some of them do not get as far
			d:launch()
			if i % 30 == 1 then
				rnmd.settle(d)
				assert.same({}, d:cmd "plan")
			end
			if d.options.ready then
				sh.sleep(math.random() * 0.02)
				d:pack("number.lua", numbered(i))
				d.process:signal "HUP"
				sh.sleep(math.random() * 0.006)
			else
				sh.sleep(math.random() * 0.03 * rnmd.slow)
			end
			d:halt "KILL"
			seen[#(whole(ns, i == 1) or {})] = true
		end
		local kinds = 0
		for _ in pairs(seen) do kinds = kinds + 1 end
		assert.is_true(kinds > 3, "the storm was none")
		storm:stop "KILL"
		sh.sleep(0.05)
		d.options.ready = true
		d:launch()
		rnmd.settle(d)
		local want = {}
		for a in ns:run("ip -4 -o addr show dev wan0"):gmatch "inet (10%.0%.0%.%d+)/32" do want[#want + 1] = a end
		table.sort(want)
		assert.same(want, whole(ns))
		assert.same({}, d:cmd "plan")
		assert.not_matches(": degraded", rnmd.status(d))
		rnmd.stop(d)
	end)
end)
