-- SPDX-License-Identifier: GPL-2.0-or-later
-- The network as the kernel really behaves, seen through the rules that follow it.
local daemon = require "daemon"
local netns = require "netns"
local nft = require "nft"
local rnmd = require "rnmd"
local sh = require "sh"

local build = os.getenv "RNM_BUILD" or "build"
local zones = [[
interfaces:
  - name: wan*
    nftables_zone: wan
  - name: lan*
    nftables_zone: lan
]]
local follow = [[
local t = nft.table("inet", "t")
for _, zone in ipairs { "wan", "lan" } do
  t:set(zone .. "4", { type = "ipv4_addr", elements = net.addrs { zone = zone, family = "ipv4" } })
  t:set(zone .. "6", { type = "ipv6_addr", elements = net.addrs { zone = zone, family = "ipv6", scope = "global" } })
  t:set(zone .. "_if", { type = "ifname", elements = net.links { zone = zone } })
end
local s = t:set("hooked", { type = "ifname . ipv4_addr" })
rnm.on("addr_change", { family = "ipv4", zone = { "wan", "lan" } }, function (ev)
  local key = { ev.iface, ev.address }
  if ev.action == "del" then s:del(key) return end
  if ev.changed and ev.changed.iface then s:del { ev.changed.iface, ev.address } end
  s:add(key)
end)]]

describe("rnmd follows", function()
	local ns

	before_each(function()
		ns = rnmd.quiet_ns()
	end)

	after_each(rnmd.clean)

	local function start(options)
		options = options or {}
		options.config = options.config or zones
		options.packs = options.packs or { ["f.lua"] = follow }
		return daemon.start(ns, options)
	end

	-- Addresses of the interfaces with this prefix, as the kernel tells.
	local function addresses(prefix)
		local list = {}
		for a in ns:run "ip -4 -o addr show":gmatch("%d+: " .. prefix .. "%w* +inet ([%d.]+)/") do
			list[#list + 1] = a
		end
		table.sort(list)
		return list
	end

	local function same()
		for _, zone in ipairs { "wan", "lan" } do
			assert.equal(table.concat(addresses(zone), " "), table.concat(nft.set(ns, "inet t " .. zone .. "4"), " "))
		end
		local hooked, want = nft.set(ns, "inet t hooked"), {}
		for iface, a in ns:run "ip -4 -o addr show":gmatch "%d+: ([wl]an%w*) +inet ([%d.]+)/" do
			want[#want + 1] = iface .. " . " .. a
		end
		table.sort(want)
		assert.equal(table.concat(want, ", "), table.concat(hooked, ", "))
	end

	it("a link that is renamed into another zone, in one batch", function()
		ns:veth("wan0", "peer0")
		ns:run "ip addr add 192.0.2.1/24 dev wan0; ip addr add 192.0.2.2/24 dev wan0"
		local d = start()
		same()
		assert.same({ "wan0" }, nft.set(ns, "inet t wan_if"))
		ns:run "ip link set wan0 down"
		rnmd.settle(d)
		local m = nft.monitor(ns)
		ns:run "ip link set wan0 name lan0"
		rnmd.settle(d)
		local n, text = m:generations()
		assert.equal(1, n, text)
		same()
		assert.same({}, nft.set(ns, "inet t wan_if"))
		assert.same({ "lan0" }, nft.set(ns, "inet t lan_if"))
		assert.same({ "lan0 . 192.0.2.1", "lan0 . 192.0.2.2" }, nft.set(ns, "inet t hooked"))
		m:close()
		rnmd.stop(d)
	end)

	it("an index that another link takes", function()
		local d = start()
		for round = 1, 4 do
			if round % 2 == 0 then
				d.process:signal "STOP" -- all of it at once
			end
			ns:run [[
ip link add name wan0 index 100 type bridge; ip link set wan0 up; ip addr add 192.0.2.1/24 dev wan0; ip addr add 192.0.2.9/24 dev wan0
ip link del wan0
ip link add name lan0 index 100 type bridge; ip link set lan0 up; ip addr add 192.0.2.2/24 dev lan0; ip addr add 192.0.2.9/24 dev lan0]]
			d.process:signal "CONT"
			rnmd.settle(d)
			same()
			ns:run "ip link del lan0; ip link add name wan7 index 100 type bridge; ip addr add 192.0.2.7/24 dev wan7"
			rnmd.settle(d)
			same()
			assert.same({ "wan7" }, nft.set(ns, "inet t wan_if"))
			ns:run "ip link del wan7"
		end
		rnmd.settle(d)
		same()
		rnmd.stop(d)
	end)

	it("links by their index, whatever their names become and which of them go", function()
		local d = start { packs = { ["i.lua"] = [[nft.table("inet", "t"):chain("in", { type = "filter", hook = "input", priority = 0 }):rule("iif $l counter", { l = net.links { name = "wan*" } })]] } }
		local function indexes()
			local list = {}
			for _, name in ipairs { "wan0", "wan5", "wan1" } do
				local at = ns:run(("ip -o link show %s 2>/dev/null || true"):format(name)):match "^%d+"
				list[#list + 1] = at
			end
			table.sort(list)
			return list
		end
		local function matched()
			local list = {}
			for word in (ns:run "nft -n list set inet t _i_1":match "elements = {(.-)}" or ""):gmatch '[^%s,"]+' do
				list[#list + 1] = word:match "^%d+$" or ns:run("ip -o link show " .. word):match "^%d+"
			end
			table.sort(list)
			return list
		end
		for _, step in ipairs { "ip link add wan0 type veth peer name x0", "ip link add wan1 type veth peer name x1", "ip link set wan0 name wan5", "ip link del wan5",
			"ip link add wan0 type veth peer name x0", "ip link del wan0; ip link add wan0 type veth peer name x0" } do
			ns:run(step)
			rnmd.settle(d)
			assert.same(indexes(), matched(), step)
		end
		rnmd.stop(d)
	end)

	it("a link that goes to another namespace and comes back", function()
		local other = rnmd.quiet_ns()
		ns:veth("wan0", "peer0")
		ns:run "ip addr add 192.0.2.1/24 dev wan0"
		local d = start()
		for _ = 1, 3 do
			ns:run(("ip link set wan0 netns %d"):format(other.keeper.pid))
			rnmd.settle(d)
			assert.same({}, nft.set(ns, "inet t wan4"))
			assert.same({}, nft.set(ns, "inet t wan_if"))
			other:run("ip addr add 198.51.100.1/24 dev wan0")
			other:run(("ip link set wan0 netns %d"):format(ns.keeper.pid))
			rnmd.settle(d)
			assert.same({ "wan0" }, nft.set(ns, "inet t wan_if"))
			same() -- what it had over there is gone
			ns:run "ip link set wan0 up; ip addr add 192.0.2.1/24 dev wan0"
			rnmd.settle(d)
			same()
			assert.same({ "192.0.2.1" }, nft.set(ns, "inet t wan4"))
		end
		rnmd.stop(d)
	end)

	it("links that flap", function()
		ns:veth("wan0", "peer0")
		ns:run "ip addr add 192.0.2.1/24 dev wan0"
		local d = start { packs = { ["f.lua"] = follow, ["up.lua"] = [[
local t = nft.table("inet", "t")
t:set("running", { type = "ifname", elements = net.links { name = "wan*", carrier = true } })
t:set("nets", { type = "ipv4_addr", flags = "interval", elements = net.routes { family = "ipv4", iface = "wan*", table = "main" } })
]] } }
		assert.same({ "192.0.2.0/24" }, nft.set(ns, "inet t nets"))
		local lines = {}
		for i = 1, 100 do
			lines[#lines + 1] = "link set wan0 down"
			lines[#lines + 1] = "link set wan0 up"
			lines[#lines + 1] = i % 2 == 0 and "addr del 192.0.2.77/24 dev wan0" or "addr add 192.0.2.77/24 dev wan0"
		end
		assert.equal("", (rnmd.ip_batch(ns, lines)))
		sh.eventually(function() return #nft.set(ns, "inet t running") == 1 end)
		rnmd.settle(d)
		same()
		assert.same({ "192.0.2.0/24" }, nft.set(ns, "inet t nets"))
		assert.same({}, d:cmd "plan")
		-- The kernel does not tell of routes that go with their link.
		ns:run "ip link set wan0 down"
		rnmd.settle(d)
		assert.same({}, nft.set(ns, "inet t nets"))
		assert.same({}, nft.set(ns, "inet t running"))
		same()
		rnmd.stop(d)
	end)

	it("what it could not be told of for want of room", function()
		ns:veth("wan0", "lan0")
		local d = start { packs = { ["f.lua"] = follow, ["re.lua"] = [[
local s = nft.table("inet", "t"):set("resyncs", { type = "mark", flags = "timeout" })
local n = 0
function on_resync(ev)
  n = n + 1
  assert(s:add(n, { timeout = "1h" }))
  rnm.log.warn("resync: " .. ev.reason)
end]] }, program = "env RNM_RCVBUF=2048 " .. build .. "/rnmd" }
		local lines = {}
		for i = 1, 250 do
			lines[#lines + 1] = ("addr add 10.0.1.%d/32 dev wan0"):format(i)
			lines[#lines + 1] = ("addr add 10.0.2.%d/32 dev lan0"):format(i)
			if i > 20 then
				lines[#lines + 1] = ("addr del 10.0.1.%d/32 dev wan0"):format(i - 20)
			end
		end
		d.process:signal "STOP"
		rnmd.ip_batch(ns, lines)
		d.process:signal "CONT"
		rnmd.settle(d)
		sh.eventually(function() return #nft.set(ns, "inet t lan4") == 250 end)
		rnmd.settle(d)
		same()
		assert.equal(20, #nft.set(ns, "inet t wan4"))
		assert.is_true(tonumber(rnmd.status(d, "(%d+) overruns")) >= 1)
		assert.is_true(#nft.set(ns, "inet t resyncs") >= 1)
		assert.matches("resync: netlink overrun", d:log())
		assert.same({}, d:cmd "plan")
		-- Once more while it runs.
		rnmd.ip_batch(ns, { "addr flush dev wan0", "addr flush dev lan0" })
		for _ = 1, 3 do
			rnmd.ip_batch(ns, lines)
		end
		sh.eventually(function() return pcall(same) end)
		rnmd.stop(d)
	end)

	it("IPv6 addresses from when they can be used", function()
		ns = netns.new()
		ns:veth("wan0", "peer0")
		local d = start { packs = { ["f.lua"] = follow, ["h.lua"] = [[
local s = nft.table("inet", "t"):set("usable", { type = "ipv6_addr" })
rnm.on("addr_change", { iface = "wan0", family = "ipv6", scope = "global" }, function (ev)
  rnm.log.info(ev.action, ev.address, ev.flags.tentative and "tentative" or "-", ev.flags.dadfailed and "failed" or "-")
  if ev.action == "del" or ev.flags.dadfailed then s:del(ev.address) else s:add(ev.address) end
end)]] } }
		local function told() return select(2, d:log():gsub("add%s+2001:db8::1%s", "")) end
		sh.eventually(function() return ns:run "ip -o link show wan0":find "state UP" end)
		ns:run "ip addr add 2001:db8::1/64 dev wan0; ip addr add 2001:db8::2/64 dev wan0 nodad"
		rnmd.settle(d)
		local wan6, usable = nft.set(ns, "inet t wan6"), nft.set(ns, "inet t usable")
		if ns:run "ip -6 -o addr show dev wan0":find "2001:db8::1/64 [^\n]*tentative" then -- still
			assert.same({ "2001:db8::2" }, wan6)
			assert.same({ "2001:db8::2" }, usable)
		end
		sh.eventually(function() return #nft.set(ns, "inet t wan6") == 2 end)
		assert.same({ "2001:db8::1", "2001:db8::2" }, nft.set(ns, "inet t usable"))
		assert.equal(1, told())
		-- One that somebody else has is never used.
		ns:run "ip addr add 2001:db8::99/64 dev peer0 nodad; ip addr add 2001:db8::99/64 dev wan0"
		sh.eventually(function() return ns:run "ip -6 -o addr show dev wan0":find "2001:db8::99/64 [^\n]*dadfailed" end)
		rnmd.settle(d)
		assert.same({ "2001:db8::1", "2001:db8::2" }, nft.set(ns, "inet t wan6"))
		assert.matches("change%s+2001:db8::99%s+tentative%s+failed", d:log())
		assert.not_matches("add%s+2001:db8::99", d:log())
		ns:run "ip addr del 2001:db8::1/64 dev wan0"
		rnmd.settle(d)
		assert.same({ "2001:db8::2" }, nft.set(ns, "inet t wan6"))
		assert.same({ "2001:db8::2" }, nft.set(ns, "inet t usable"))
		rnmd.stop(d)
	end)

	it("only what somebody asks for", function()
		-- Groups of the namespace's rtnetlink sockets: rnmd's is the only one that has any.
		local function groups()
			local all = 0
			for eth, mask in ns:run "cat /proc/net/netlink":gmatch "\n%x+%s+(%d+)%s+%d+%s+(%x+)" do
				if eth == "0" then
					all = all | tonumber(mask, 16)
				end
			end
			return ("%x"):format(all)
		end
		ns:veth("wan0", "peer0")
		local d = start { packs = { ["a.lua"] = "nft.table('inet', 't')" } }
		assert.equal("1", groups()) -- links
		local function with(code)
			d:pack("a.lua", code)
			d:cmd "reload"
			return groups()
		end
		assert.equal("111", with "function on_addr_change() end")
		assert.equal("441", with "function on_route_change() end")
		assert.equal("40081", with "rnm.block(function () return #net.rules {} end)")
		assert.equal("5", with "rnm.on('neigh_change', { iface = 'wan0' }, function () end)")
		assert.equal("1", with "nft.table('inet', 't')")
		-- What was dropped and is wanted again is complete.
		ns:run "ip addr add 192.0.2.1/24 dev wan0"
		assert.equal("111", with(follow))
		same()
		rnmd.stop(d)
	end)
end)
