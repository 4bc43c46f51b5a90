-- SPDX-License-Identifier: GPL-2.0-or-later
local net = require "rnm.core".net
local nl = require "nlmsg"

local m

local function link(i, name, more)
	local fields = { ifindex = i, name = name, kind = "veth", mac = ("02:00:00:00:00:%02x"):format(i) }
	for k, v in pairs(more or {}) do
		fields[k] = v
	end
	return m:set("link", fields)
end

local function addr(i, address, more)
	local fields = { ifindex = i, address = address }
	for k, v in pairs(more or {}) do
		fields[k] = v
	end
	return m:set("addr", fields)
end

-- The events since last time, each cut to its first words and the fields that matter.
local function events(words)
	local out = {}
	for _, line in ipairs(m:events()) do
		local n = 0
		table.insert(out, (line:gsub("%S+", function(w)
			n = n + 1
			return (n <= (words or 4)) and w or ""
		end):gsub("%s+", " "):gsub(" $", "")))
	end
	return out
end

describe("the mirror", function()
	before_each(function()
		m = net.mirror()
		m:zones { { "eth*", "lan" }, { "wan0", "wan" } }
		link(1, "eth1")
		link(2, "eth2")
		m:events()
	end)

	it("makes events of real differences only", function()
		assert.equal(1, addr(1, "192.0.2.1/24"))
		assert.equal(0, addr(1, "192.0.2.1/24"))
		assert.equal(1, addr(1, "192.0.2.1/24", { scope = "link" }))
		assert.equal(1, m:del("addr", { ifindex = 1, address = "192.0.2.1/24" }))
		assert.equal(0, m:del("addr", { ifindex = 1, address = "192.0.2.1/24" }))
		assert.same({
			"addr add eth1 192.0.2.1/24 ifindex=1 zone=lan scope=global flags=",
			"addr change eth1 192.0.2.1/24 scope=global->link",
			"addr del eth1 192.0.2.1/24 ifindex=1 zone=lan scope=link flags=",
		}, m:events())
		assert.equal(0, link(1, "eth1"))
		assert.equal(1, link(1, "eth1", { carrier = false }))
		assert.equal(1, link(1, "eth1", { carrier = true }))
		assert.equal(1, link(1, "eth1", { mtu = 9000 }))
		assert.same({ "link change eth1 carrier=true->false", "link change eth1 carrier=false->true",
			"link change eth1 mtu=1500->9000" }, m:events())
	end)

	it("names links in events so that no terminal obeys them", function()
		link(3, "a\27[31m")
		link(3, "b\u{9b}2J\xff")
		addr(3, "192.0.2.1/24")
		link(3, "größe")
		local out = m:events()
		assert.matches("^link add a\\x1b%[31m ifindex=3 ", out[1])
		assert.equal("link change b\\xc2\\x9b2J\\xff name=a\\x1b[31m->b\\xc2\\x9b2J\\xff", out[2])
		local said = table.concat(out, "\n")
		assert.matches("\naddr add b\\xc2\\x9b2J\\xff 192.0.2.1/24 ", said, 1, true)
		assert.matches("\nlink change größe name=b\\xc2\\x9b2J\\xff->größe", said, 1, true)
		assert.is_nil(said:find "[\27\xff\x9b]")
	end)

	it("says when nothing but lifetimes changed", function()
		addr(1, "192.0.2.1/24", { flags = "dynamic", valid_lft = 600, preferred_lft = 300 })
		m:events()
		assert.equal(1, addr(1, "192.0.2.1/24", { flags = "dynamic", valid_lft = 900, preferred_lft = 300 }))
		assert.equal(1, addr(1, "192.0.2.1/24", { flags = "dynamic,deprecated", valid_lft = 900, preferred_lft = 0 }))
		assert.same({ "addr change eth1 192.0.2.1/24 valid_lft=600->900 lifetime",
			"addr change eth1 192.0.2.1/24 flags=dynamic->deprecated,dynamic preferred_lft=300->0" }, m:events())
	end)

	it("keeps differences that no field shows without an event", function()
		local function msg(flags)
			return m:feed(nl.link(nl.NEWLINK, { index = 7, flags = flags }, nl.str(3, "p") .. nl.u32(4, 1500)))
		end
		assert.equal(1, msg(0x11043))
		assert.equal(0, msg(0x11143)) -- promiscuous
		assert.equal(1, msg(0x11042)) -- down
	end)

	it("knows addresses by interface, value and length, IPv4 ones by their peer as well", function()
		addr(1, "192.0.2.1/24")
		addr(1, "192.0.2.1/25")
		addr(2, "192.0.2.1/24")
		addr(1, "192.0.2.1/32", { peer = "198.51.100.1" })
		addr(1, "192.0.2.1/32", { peer = "198.51.100.2" })
		assert.equal(5, m:count "addr")
		addr(1, "2001:db8::1/128", { peer = "2001:db8::2" })
		m:events()
		addr(1, "2001:db8::1/128", { peer = "2001:db8::3" })
		assert.same({ "addr change eth1 2001:db8::1/128 peer=2001:db8::2->2001:db8::3" }, m:events())
	end)

	it("leaves out what stands on a link that is not there", function()
		assert.equal(0, addr(9, "192.0.2.1/24"))
		assert.equal(0, m:set("neigh", { ifindex = 9, address = "192.0.2.1" }))
		assert.equal(0, m:set("route", { ifindex = 9, dst = "192.0.2.0/24" }))
		assert.equal(1, m:set("route", { dst = "192.0.2.0/24", type = "blackhole" }))
	end)

	it("takes what depends on a link with it, dependents first", function()
		addr(1, "192.0.2.1/24")
		addr(2, "192.0.2.2/24")
		m:set("route", { ifindex = 1, dst = "default", gateway = "192.0.2.254" })
		m:set("neigh", { ifindex = 1, address = "192.0.2.254", mac = "02:00:00:00:00:99" })
		m:events()
		assert.equal(4, m:del("link", { ifindex = 1, name = "eth1" }))
		assert.same({ "neigh del eth1 192.0.2.254", "addr del eth1 192.0.2.1/24", "route del default family=ipv4",
			"link del eth1 ifindex=1" }, events())
		assert.same({ 1, 0, 0 }, { m:count "addr", m:count "route", m:count "neigh" })
	end)

	it("shows a new name in every record that bears it", function()
		addr(1, "192.0.2.1/24")
		addr(2, "192.0.2.2/24")
		m:set("route", { ifindex = 1, dst = "default", gateway = "192.0.2.254" })
		m:set("neigh", { ifindex = 1, address = "192.0.2.254" })
		m:events()
		link(1, "wan0")
		assert.same({
			"link change wan0 name=eth1->wan0 zone=lan->wan",
			"addr change wan0 192.0.2.1/24 iface=eth1->wan0 zone=lan->wan",
			"route change default iface=eth1->wan0 zone=lan->wan",
			"neigh change wan0 192.0.2.254 iface=eth1->wan0 zone=lan->wan",
		}, m:events())
		assert.equal(1, m:named "wan0")
		assert.is_nil(m:named "eth1")
	end)

	it("assigns zones anew", function()
		addr(1, "192.0.2.1/24")
		m:events()
		assert.same({ "dmz", "lan" }, m:zones { { "eth1", "dmz" }, { "eth*", "lan" }, { "x", "dmz" } })
		assert.same({ "link change eth1 zone=lan->dmz", "addr change eth1 192.0.2.1/24 zone=lan->dmz" }, m:events())
		m:zones {}
		assert.same({ "link change eth1 zone=dmz->", "addr change eth1 192.0.2.1/24 zone=dmz->",
			"link change eth2 zone=lan->" }, m:events())
	end)

	it("knows ports by their master's name", function()
		link(5, "br0", { kind = "bridge" })
		link(1, "eth1", { master = 5 })
		link(2, "eth2", { master = 5 })
		m:events()
		link(5, "br1", { kind = "bridge" })
		assert.same({ "link change br1 name=br0->br1", "link change eth1 master=br0->br1",
			"link change eth2 master=br0->br1" }, m:events())
		m:del("link", { ifindex = 5, name = "br1" })
		local e = m:events()
		assert.same({ "link change eth1 master=br1->", "link change eth2 master=br1->" }, { e[2], e[3] })
		assert.truthy(e[1]:find "^link del br1 ")
		-- and again under the same index
		link(5, "br2", { kind = "bridge" })
		assert.same({ "link add br2", "link change eth1", "link change eth2" }, events(3))
	end)

	it("keeps the place of a master that is gone for its only port", function()
		link(5, "br0", { kind = "bridge" })
		link(1, "eth1", { master = 5 })
		m:del("link", { ifindex = 5, name = "br0" })
		m:events()
		link(5, "br1", { kind = "bridge" })
		assert.same({ "link add br1", "link change eth1" }, events(3))
		m:del("link", { ifindex = 1, name = "eth1" })
		m:del("link", { ifindex = 5, name = "br1" })
		assert.equal(1, m:count "link")
	end)

	it("finds links by name while two have swapped theirs", function()
		link(1, "eth2") -- as a dump sees it that was taken between
		assert.equal(1, m:named "eth2")
		link(2, "eth1")
		assert.equal(1, m:named "eth2")
		assert.equal(2, m:named "eth1")
		link(2, "eth3")
		assert.is_nil(m:named "eth1")
		assert.equal(1, m:named "eth2")
	end)

	it("lets the old holder of a name go before the new one comes, in a dump", function()
		m:events()
		m:dump_begin "link"
		link(1, "eth2") -- the two swapped their names, and nobody heard of it
		link(2, "eth1")
		m:dump_end "link"
		assert.same({ "link del eth2", "link change eth2", "link add eth1" }, events(3))
		m:dump_begin "link"
		link(7, "eth1")
		link(1, "eth2")
		m:dump_end "link"
		assert.same({ "link del eth1", "link add eth1" }, events(3))
	end)

	it("tells a reused index from a rename", function()
		addr(1, "192.0.2.1/24")
		m:events()
		-- of another kind: another link, whatever the name
		link(1, "eth1", { kind = "bridge" })
		assert.same({ "addr del eth1", "link del eth1", "link add eth1" }, events(3))
		addr(1, "192.0.2.1/24")
		m:events()
		-- another name and MAC address in two steps
		link(1, "wan0", { kind = "bridge" })
		link(1, "wan0", { kind = "bridge", mac = "02:00:00:00:00:77" })
		assert.same({ "link change wan0", "addr change wan0", "link change wan0" }, events(3))
		-- both at once in a dump: its end was missed
		m:dump_begin "link"
		link(1, "eth9", { kind = "bridge", mac = "02:00:00:00:00:78" })
		link(2, "eth2")
		m:dump_end "link"
		assert.same({ "addr del wan0", "link del wan0", "link add eth9" }, events(3))
	end)

	it("ignores a bridge's view of its ports", function()
		assert.equal(0, m:feed(nl.link(nl.DELLINK, { index = 1, family = nl.BRIDGE }, nl.str(3, "eth1"))))
		assert.equal(0, m:feed(nl.link(nl.NEWLINK, { index = 1, family = nl.BRIDGE }, nl.str(3, "eth1") .. nl.u32(4, 68))))
		assert.equal(2, m:count "link")
	end)

	it("removes what a dump does not name", function()
		for i = 1, 5 do
			addr(1, "192.0.2." .. i .. "/24")
		end
		addr(1, "2001:db8::1/64")
		m:events()
		m:dump_begin "addr"
		addr(1, "192.0.2.2/24")
		addr(1, "192.0.2.9/24")
		m:dump_end "addr"
		assert.same({ "addr add eth1 192.0.2.9/24", "addr del eth1 192.0.2.1/24", "addr del eth1 192.0.2.3/24",
			"addr del eth1 192.0.2.4/24", "addr del eth1 192.0.2.5/24", "addr del eth1 2001:db8::1/64" }, events())
		assert.same({ "192.0.2.2", "192.0.2.9" }, { m:list("addr")[1].address, m:list("addr")[2].address })
	end)

	it("removes nothing after an interrupted dump, and only one family's after a dump of that", function()
		addr(1, "192.0.2.1/24")
		addr(1, "2001:db8::1/64")
		m:dump_begin "addr"
		m:dump_end("addr", false)
		assert.equal(2, m:count "addr")
		m:dump_begin("addr", nl.INET)
		m:dump_end("addr", true)
		assert.same({ "2001:db8::1" }, { m:list("addr")[1].address, m:list("addr")[2] })
	end)

	it("marks the events of a kind's first dump", function()
		m:dump_begin "addr"
		addr(1, "192.0.2.1/24")
		m:dump_end "addr"
		m:dump_begin "addr"
		addr(1, "192.0.2.1/24")
		addr(1, "192.0.2.2/24")
		m:dump_end "addr"
		local e = m:events()
		assert.truthy(e[1]:find " initial$")
		assert.falsy(e[2]:find " initial$")
		m:forget "addr"
		assert.equal(0, m:count "addr")
		assert.same({}, m:events())
		m:dump_begin "addr"
		addr(1, "192.0.2.1/24")
		m:dump_end "addr"
		assert.truthy(m:events()[1]:find " initial$")
	end)

	it("puts masters before their ports in a dump, whatever their numbers", function()
		local fresh = net.mirror()
		m = fresh
		m:dump_begin "link"
		link(1, "eth1", { master = 8 })
		link(2, "eth2", { master = 9 })
		link(3, "eth3", { master = 77 }) -- never comes
		link(8, "bond0", { kind = "bond", master = 9 })
		link(9, "br0", { kind = "bridge" })
		m:dump_end "link"
		local order = {}
		for _, line in ipairs(m:events()) do
			table.insert(order, line:match "^link add (%S+)" .. (line:match " master=%S+" or ""))
		end
		assert.same({ "br0", "eth2 master=br0", "bond0 master=br0", "eth1 master=bond0", "eth3" }, order)
	end)

	it("knows when the kernel drops routes without a word", function()
		addr(1, "192.0.2.1/24")
		addr(1, "2001:db8::1/64")
		assert.equal(0, m:suspect())
		m:del("addr", { ifindex = 1, address = "2001:db8::1/64" })
		assert.equal(0, m:suspect())
		m:del("addr", { ifindex = 1, address = "192.0.2.1/24" })
		assert.equal(1, m:suspect())
		assert.equal(0, m:suspect())
		link(1, "eth1", { up = false })
		assert.equal(1, m:suspect())
		link(1, "eth1", { up = true })
		assert.equal(0, m:suspect())
		m:set("route", { dst = "default", nexthops = "via 192.0.2.1 dev 1, via 192.0.2.2 dev 2" })
		link(2, "eth2", { carrier = false })
		assert.equal(3, m:suspect())
	end)

	it("knows routes by destination, metric and path", function()
		m:set("route", { ifindex = 1, dst = "default", gateway = "192.0.2.1" })
		m:set("route", { ifindex = 1, dst = "default", gateway = "192.0.2.1", metric = 100 })
		m:set("route", { ifindex = 2, dst = "default", gateway = "192.0.2.1" })
		m:set("route", { ifindex = 1, dst = "default", gateway = "fe80::1" })
		m:set("route", { ifindex = 1, dst = "default", gateway = "fe80::2" })
		assert.equal(5, m:count "route")
		m:events()
		assert.equal(1, m:set("route", { ifindex = 1, dst = "default", gateway = "192.0.2.1", protocol = "dhcp" }))
		assert.same({ "route change default protocol=static->dhcp" }, m:events())
	end)

	it("lets a route take another one's place", function()
		m:set("route", { ifindex = 1, dst = "default", gateway = "192.0.2.1" })
		m:events()
		assert.equal(2, m:replace { ifindex = 2, dst = "default", gateway = "192.0.2.2" })
		assert.same({ "route del default", "route add default" }, events(3))
		assert.equal(0, m:suspect())
		-- with two candidates only a dump can tell
		m:set("route", { ifindex = 1, dst = "default", gateway = "192.0.2.1" })
		m:replace { ifindex = 1, dst = "default", gateway = "192.0.2.3" }
		assert.equal(3, m:count "route")
		assert.equal(1, m:suspect())
	end)

	it("merges IPv6 paths into one route and doubts when one leaves", function()
		m:set("route", { ifindex = 1, dst = "default", gateway = "fe80::1", metric = 1024 })
		m:events()
		m:set("route", { dst = "default", family = "ipv6", metric = 1024, nexthops = "via fe80::1 dev 1, via fe80::2 dev 2" })
		assert.same({ "route del default", "route add default" }, events(3))
		assert.equal("via fe80::1 dev eth1 weight 1, via fe80::2 dev eth2 weight 1", m:list("route")[1].nexthops)
		m:del("route", { ifindex = 1, dst = "default", gateway = "fe80::1", metric = 1024 })
		assert.equal(2, m:suspect())
		assert.equal(1, m:count "route")
	end)

	it("keeps multipath routes true to their links", function()
		m:set("route", { dst = "default", nexthops = "via 192.0.2.1 dev 1, via 192.0.2.2 dev 2" })
		m:set("route", { dst = "10.0.0.0/8", nexthops = "via 192.0.2.3 dev 2, via 192.0.2.2 dev 2" })
		m:events()
		link(2, "wan0")
		assert.same({
			"link change wan0 name=eth2->wan0 zone=lan->wan",
			"route change default nexthops=via 192.0.2.1 dev eth1 weight 1, via 192.0.2.2 dev eth2 weight 1" ..
			"->via 192.0.2.1 dev eth1 weight 1, via 192.0.2.2 dev wan0 weight 1",
			"route change 10.0.0.0/8 nexthops=via 192.0.2.3 dev eth2 weight 1, via 192.0.2.2 dev eth2 weight 1" ..
			"->via 192.0.2.3 dev wan0 weight 1, via 192.0.2.2 dev wan0 weight 1",
		}, m:events())
		m:del("link", { ifindex = 2, name = "wan0" })
		assert.same({ "route change default", "route del 10.0.0.0/8", "link del wan0" }, events(3))
		assert.equal("via 192.0.2.1 dev eth1 weight 1", m:list("route")[1].nexthops)
	end)

	it("knows rules by all they say", function()
		m:set("rule", { family = "ipv4", priority = 100, table = "main" })
		m:set("rule", { family = "ipv4", priority = 100, table = "5" })
		m:set("rule", { family = "ipv4", priority = 100, table = "5", src = "192.0.2.0/24" })
		m:set("rule", { family = "ipv6", priority = 100, table = "5" })
		assert.equal(4, m:count "rule")
		-- two that differ only in what has no field: ports
		for _, port in ipairs { 80, 443 } do
			m:feed(nl.rule(nl.NEWRULE, {}, nl.u32(6, 7) .. nl.attr(24, string.pack("=I2I2", port, port))))
		end
		assert.equal(6, m:count "rule")
		m:feed(nl.rule(nl.DELRULE, {}, nl.u32(6, 7) .. nl.attr(24, string.pack("=I2I2", 80, 80))))
		assert.equal(5, m:count "rule")
	end)

	it("keeps its records in the order of interface, family, address", function()
		for _, a in ipairs { "2001:db8::1/64", "192.0.2.9/24", "10.0.0.1/8", "fe80::1/64", "192.0.2.10/24" } do
			addr(2, a)
			addr(1, a)
		end
		local got = {}
		for _, a in ipairs(m:list "addr") do
			table.insert(got, a.ifindex .. " " .. a.address)
		end
		local want = {}
		for i = 1, 2 do
			for _, a in ipairs { "10.0.0.1", "192.0.2.9", "192.0.2.10", "2001:db8::1", "fe80::1" } do
				table.insert(want, i .. " " .. a)
			end
		end
		assert.same(want, got)
	end)

	it("costs the same with a hundred thousand addresses", function()
		m:mute(true)
		for i = 0, 99999 do
			addr(i % 2 + 1, ("10.%d.%d.%d/8"):format(i >> 16, i >> 8 & 255, i & 255))
		end
		assert.equal(100000, m:count "addr")
		local function spend(n)
			local t = net.now()
			for i = 1, n do
				addr(1, "192.0.2.1/24", { scope = i % 2 == 0 and "link" or "global" })
			end
			return (net.now() - t) / n
		end
		assert.is_true(spend(1000) < 0.0005)
		assert.equal(50001 + 1, m:del("link", { ifindex = 1, name = "eth1" }))
		assert.equal(50000, m:count "addr")
	end)
end)

describe("records from texts", function()
	it("refuse what is wrong", function()
		m = net.mirror()
		for _, case in ipairs {
			{ "addr", { address = "192.0.2.300/24" }, "address: '192.0.2.300/24' is no IP address" },
			{ "addr", { address = "192.0.2.3/24", peer = "2001:db8::1" }, "peer: '2001:db8::1' is of another family than the record" },
			{ "addr", { flags = "dynamic,wrong" }, "flags: there is no flag 'wrong'" },
			{ "addr", { iface = "eth0" }, "iface follows from other fields" },
			{ "link", { name = "sixteen_letters_" }, "name: 'sixteen_letters_' is too long" },
			{ "link", { up = "yes" }, "up: 'yes' is neither true nor false" },
			{ "link", { mtu = "-5" }, "mtu: '-5' is no number up to 2147483647" },
			{ "route", { dst = "10.0.0.0/33" }, "dst: '10.0.0.0/33' is no prefix" },
			{ "route", { dst = "10.0.0.0/8", nexthops = "via" }, "nexthops: nothing follows 'via'" },
			{ "route", { dst = "10.0.0.0/8", nexthops = "over 1" }, "nexthops: 'over' is none of via, dev, weight" },
			{ "neigh", { mac = "02:00" }, "mac: '02:00' is no MAC address" },
			{ "rule", { family = "ip4" }, "family: 'ip4' is neither ipv4 nor ipv6" },
		} do
			local ok, message = pcall(m.set, m, case[1], case[2])
			assert.is_false(ok)
			assert.equal(case[3], message)
		end
	end)
end)
