-- SPDX-License-Identifier: GPL-2.0-or-later
local net = require "rnm.core".net
local nl = require "nlmsg"

local v6 = "20010db8000000000000000000000001"
local v6_text = "2001:db8::1"

local function veth(extra)
	return nl.link(nl.NEWLINK, { index = 5 }, nl.str(3, "veth0") .. nl.u32(4, 1400) .. nl.attr(1, nl.bytes "02:00:00:00:00:05")
		.. nl.u8(16, 6) .. nl.u32(10, 9) .. nl.attr(18, nl.str(1, "veth")) .. (extra or ""))
end

describe("the parser of rtnetlink messages", function()
	it("reads links", function()
		assert.same({
			verdict = "set", is = "link", replace = false, ifindex = 5, name = "veth0", kind = "veth", mtu = 1400,
			mac = "02:00:00:00:00:05", up = true, carrier = true,
		}, net.parse(veth()))
	end)

	it("derives up and carrier from flags and operstate", function()
		local function state(flags, operstate)
			local m = net.parse(nl.link(nl.NEWLINK, { flags = flags }, nl.str(3, "a") .. nl.u8(16, operstate)))
			return { m.up, m.carrier }
		end
		assert.same({ true, true }, state(0x10001, 6))
		assert.same({ true, true }, state(0x10001, 0)) -- unknown: loopback, tun
		assert.same({ true, false }, state(0x10001, 2)) -- down
		assert.same({ true, false }, state(0x10001, 3)) -- lower layer down
		assert.same({ true, false }, state(0x1, 6))
		assert.same({ false, false }, state(0x1000, 2))
	end)

	it("tells deletes from sets", function()
		assert.equal("del", net.parse(nl.link(nl.DELLINK, {}, nl.str(3, "a"))).verdict)
		assert.equal("del", net.parse(nl.addr(nl.DELADDR, {}, nl.ip(2, "192.0.2.1"))).verdict)
		assert.equal("del", net.parse(nl.route(nl.DELROUTE, {}, "")).verdict)
		assert.equal("del", net.parse(nl.neigh(nl.DELNEIGH, {}, nl.ip(1, "192.0.2.1"))).verdict)
		assert.equal("del", net.parse(nl.rule(nl.DELRULE, {}, "")).verdict)
	end)

	it("ignores what speaks of something else", function()
		local ignored = {
			nl.link(nl.NEWLINK, { family = nl.BRIDGE }, nl.str(3, "a")),
			nl.link(nl.DELLINK, { family = nl.BRIDGE }, nl.str(3, "a")),
			nl.link(nl.NEWLINK, { family = nl.INET6 }, nl.str(3, "a")),
			nl.link(nl.NEWLINK, {}, nl.str(3, "wlan0") .. nl.attr(11, "event")),
			nl.addr(nl.NEWADDR, { family = 28 }, nl.ip(2, "192.0.2.1")),
			nl.route(nl.NEWROUTE, { flags = 0x200 }, ""), -- cloned
			nl.route(nl.NEWROUTE, { family = 128 }, ""), -- multicast routing
			nl.neigh(nl.NEWNEIGH, { family = nl.BRIDGE }, nl.attr(2, nl.bytes "02:00:00:00:00:05")),
			nl.neigh(nl.NEWNEIGH, { flags = 0x08 }, nl.ip(1, "192.0.2.1")), -- proxy
			nl.rule(nl.NEWRULE, { family = 128 }, ""),
			nl.msg(36, "????????"), -- a type we do not know
			nl.msg(3, "\0\0\0\0"), -- done
			nl.msg(2, ("\0"):rep(20)), -- error
		}
		for i, bytes in ipairs(ignored) do
			assert.equal("ignore", net.parse(bytes).verdict, "message " .. i)
		end
	end)

	it("reads addresses, with the far end of a point-to-point one as peer", function()
		local m = net.parse(nl.addr(nl.NEWADDR, {}, nl.ip(1, "192.0.2.7") .. nl.ip(2, "192.0.2.7")))
		assert.same({ "192.0.2.7", 24, "192.0.2.0/24", "global", "", nil },
			{ m.address, m.prefixlen, m.network, m.scope, m.flags, m.peer })
		m = net.parse(nl.addr(nl.NEWADDR, { len = 32 }, nl.ip(1, "198.51.100.1") .. nl.ip(2, "192.0.2.7")))
		assert.same({ "192.0.2.7", 32, "198.51.100.1" }, { m.address, m.prefixlen, m.peer })
		m = net.parse(nl.addr(nl.NEWADDR, { family = nl.INET6, len = 64, scope = 253 }, nl.ip(1, v6)))
		assert.same({ "ipv6", v6_text, "2001:db8::/64", "link", nil }, { m.family, m.address, m.network, m.scope, m.peer })
	end)

	it("reads address flags of both sizes and lifetimes", function()
		local m = net.parse(nl.addr(nl.NEWADDR, { flags = 0x80 }, nl.ip(2, "192.0.2.7") .. nl.u32(8, 0x200)
			.. nl.attr(6, string.pack("=I4I4I4I4", 100, 200, 0, 0))))
		assert.same({ "noprefixroute,dynamic", 200, 100 }, { m.flags, m.valid_lft, m.preferred_lft })
		m = net.parse(nl.addr(nl.NEWADDR, { flags = 0x81 }, nl.ip(2, "192.0.2.7")))
		assert.same({ "secondary", 0xffffffff, 0xffffffff }, { m.flags, m.valid_lft, m.preferred_lft })
		m = net.parse(nl.addr(nl.NEWADDR, { family = nl.INET6, flags = 0x41 }, nl.ip(1, v6) .. nl.u32(8, 0x941)))
		assert.equal("temporary,tentative,mngtmpaddr,stableprivacy,dynamic", m.flags)
	end)

	it("reads routes", function()
		local m = net.parse(nl.route(nl.NEWROUTE, { protocol = 16, nlflags = 0x100 }, nl.ip(5, "192.0.2.1") .. nl.u32(4, 2)
			.. nl.u32(6, 100) .. nl.u32(15, 1000)))
		assert.same({ verdict = "set", is = "route", replace = true, family = "ipv4", dst = "default", gateway = "192.0.2.1",
			table = "1000", metric = 100, protocol = "dhcp", type = "unicast" }, m)
		m = net.parse(nl.route(nl.NEWROUTE, { len = 64, family = nl.INET6, type = 7, protocol = 77 }, nl.ip(1, v6)))
		assert.same({ "2001:db8::/64", "unreachable", "77", "main" }, { m.dst, m.type, m.protocol, m.table })
		-- an IPv4 route over an IPv6 router
		m = net.parse(nl.route(nl.NEWROUTE, {}, nl.attr(18, string.pack("=I2", nl.INET6) .. nl.bytes(v6))))
		assert.equal(v6_text, m.gateway)
	end)

	it("reads multipath routes, leaves dead paths out and takes a single path as no list", function()
		local a, b = nl.nexthop({ index = 2 }, nl.ip(5, "192.0.2.1")), nl.nexthop({ index = 3, hops = 4 }, nl.ip(5, "192.0.2.2"))
		local dead = nl.nexthop({ index = 4, flags = 1 }, nl.ip(5, "192.0.2.3"))
		local function parse(paths)
			return net.parse(nl.route(nl.NEWROUTE, {}, nl.attr(9, paths)))
		end
		assert.equal("via 192.0.2.1 dev 2 weight 1, via 192.0.2.2 dev 3 weight 5", parse(a .. b).nexthops)
		assert.is_nil(parse(a .. b).gateway)
		assert.equal("via 192.0.2.1 dev 2 weight 1", parse(a .. dead).nexthops)
		assert.same({ nil, "192.0.2.1" }, { parse(a).nexthops, parse(a).gateway })
		-- more than fit
		local _, n = parse(a:rep(1000)).nexthops:gsub("via", "")
		assert.equal(256, n)
	end)

	it("reads rules", function()
		local m = net.parse(nl.rule(nl.NEWRULE, { src_len = 24, table = 0 }, nl.ip(2, "192.0.2.0") .. nl.u32(6, 100)
			.. nl.u32(10, 7) .. nl.u32(16, 255) .. nl.u32(15, 5000) .. nl.str(3, "eth0")))
		assert.same({ verdict = "set", is = "rule", replace = false, family = "ipv4", priority = 100, src = "192.0.2.0/24",
			fwmark = 7, table = "5000", iif = "eth0" }, m)
	end)

	it("reads neighbours", function()
		local m = net.parse(nl.neigh(nl.NEWNEIGH, { family = nl.INET6, state = 4, flags = 0x80 }, nl.ip(1, v6)
			.. nl.attr(2, nl.bytes "02:00:00:00:00:09")))
		assert.same({ verdict = "set", is = "neigh", replace = false, family = "ipv6", address = v6_text,
			mac = "02:00:00:00:00:09", state = "stale", router = true }, m)
		m = net.parse(nl.neigh(nl.NEWNEIGH, { state = 0x20 }, nl.ip(1, "192.0.2.1")))
		assert.same({ "failed", nil, false }, { m.state, m.mac, m.router })
	end)

	it("takes names without a NUL, and none that are too long", function()
		local function name(bytes)
			return net.parse(nl.link(nl.NEWLINK, {}, nl.attr(3, bytes)))
		end
		assert.equal("eth0", name("eth0").name)
		assert.equal("fifteen_letters", name("fifteen_letters\0").name)
		assert.equal("fifteen_letters", name("fifteen_letters").name)
		assert.equal("a", name("a\0bc").name)
		for _, bytes in ipairs { "sixteen_letters_", ("x"):rep(1000), "", "\0" } do
			assert.equal("malformed", name(bytes).verdict)
		end
		-- a kind longer than ours is cut, not refused: the link is there all the same
		local m = net.parse(nl.link(nl.NEWLINK, {}, nl.str(3, "a") .. nl.attr(18, nl.str(1, "a_very_long_kind_of_link"))))
		assert.same({ "set", "a_very_long_kin" }, { m.verdict, m.kind })
	end)

	it("refuses wrong lengths", function()
		local wrong = {
			nl.msg(nl.NEWLINK, "short"),
			nl.msg(nl.NEWADDR, "1234567"),
			nl.msg(nl.NEWROUTE, ("\2"):rep(11)),
			nl.msg(nl.NEWRULE, ("\2"):rep(11)),
			nl.msg(nl.NEWNEIGH, ("\2"):rep(11)),
			nl.msg(nl.NEWLINK, ("\0"):rep(16), 0, 1000), -- longer than the buffer
			nl.msg(nl.NEWLINK, ("\0"):rep(16), 0, 15), -- shorter than a header
			nl.link(nl.NEWLINK, {}, nl.str(3, "a") .. nl.attr(4, "ab")), -- mtu of 2 bytes
			nl.link(nl.NEWLINK, {}, nl.str(3, "a") .. nl.attr(1, ("m"):rep(33))), -- mac of 33
			nl.link(nl.NEWLINK, {}, nl.attr(3, "a\0", 3)), -- attribute shorter than its header
			nl.link(nl.NEWLINK, {}, nl.attr(3, "a\0", 400)), -- and longer than the message
			nl.link(nl.NEWLINK, { index = 0 }, nl.str(3, "a")),
			nl.link(nl.NEWLINK, { index = -1 }, nl.str(3, "a")),
			nl.link(nl.NEWLINK, {}, nl.u32(4, 1500)), -- no name
			nl.link(nl.NEWLINK, {}, nl.str(3, "a") .. nl.attr(18, nl.attr(1, "x", 77))), -- nested one too long
			nl.addr(nl.NEWADDR, {}, ""),
			nl.addr(nl.NEWADDR, { len = 33 }, nl.ip(2, "192.0.2.1")),
			nl.addr(nl.NEWADDR, { index = 0 }, nl.ip(2, "192.0.2.1")),
			nl.addr(nl.NEWADDR, {}, nl.ip(2, v6)), -- families disagree
			nl.addr(nl.NEWADDR, { family = nl.INET6, len = 64 }, nl.ip(1, "192.0.2.1")),
			nl.addr(nl.NEWADDR, {}, nl.ip(2, "192.0.2.1") .. nl.attr(6, "short")),
			nl.route(nl.NEWROUTE, { len = 24 }, ""), -- a length and no address
			nl.route(nl.NEWROUTE, { len = 33 }, nl.ip(1, "192.0.2.0")),
			nl.route(nl.NEWROUTE, { len = 24 }, nl.ip(1, v6)),
			nl.route(nl.NEWROUTE, {}, nl.ip(5, v6)),
			nl.route(nl.NEWROUTE, {}, nl.attr(18, string.pack("=I2", nl.INET6) .. "1234")),
			nl.route(nl.NEWROUTE, {}, nl.attr(9, nl.nexthop({ rlen = 7 }, ""))),
			nl.route(nl.NEWROUTE, {}, nl.attr(9, nl.nexthop({ rlen = 200 }, ""))),
			nl.route(nl.NEWROUTE, {}, nl.attr(9, nl.nexthop({ rlen = 0 }, ""))),
			nl.route(nl.NEWROUTE, {}, nl.attr(9, nl.nexthop({}, nl.attr(5, "1234", 60)))),
			nl.rule(nl.NEWRULE, { src_len = 24 }, ""),
			nl.rule(nl.NEWRULE, {}, nl.attr(3, "sixteen_letters_")),
			nl.neigh(nl.NEWNEIGH, {}, ""),
			nl.neigh(nl.NEWNEIGH, {}, nl.ip(1, v6)),
			nl.neigh(nl.NEWNEIGH, { index = 0 }, nl.ip(1, "192.0.2.1")),
			nl.neigh(nl.NEWNEIGH, {}, nl.ip(1, "192.0.2.1") .. nl.attr(2, ("m"):rep(33))),
		}
		for i, bytes in ipairs(wrong) do
			assert.equal("malformed", net.parse(bytes).verdict, "message " .. i)
		end
	end)

	it("survives every truncation and every changed byte", function()
		local whole = {
			veth(),
			nl.addr(nl.NEWADDR, {}, nl.ip(1, "192.0.2.7") .. nl.ip(2, "192.0.2.7") .. nl.u32(8, 0x200)),
			nl.route(nl.NEWROUTE, {}, nl.attr(9, nl.nexthop({}, nl.ip(5, "192.0.2.1")) .. nl.nexthop({}, nl.ip(5, "192.0.2.2")))),
			nl.rule(nl.NEWRULE, { src_len = 24 }, nl.ip(2, "192.0.2.0") .. nl.str(3, "eth0")),
			nl.neigh(nl.NEWNEIGH, {}, nl.ip(1, "192.0.2.1") .. nl.attr(2, nl.bytes "02:00:00:00:00:09")),
		}
		local seen = 0
		for _, bytes in ipairs(whole) do
			for n = 16, #bytes - 1 do
				-- with the old length, and with one that says the truth
				assert.equal("malformed", net.parse(bytes:sub(1, n)).verdict)
				assert.is_string(net.parse(string.pack("=I4", n) .. bytes:sub(5, n)).verdict)
			end
			for at = 1, #bytes do
				for _, c in ipairs { 0, 1, 4, 127, 255 } do
					assert.is_string(net.parse(bytes:sub(1, at - 1) .. string.char(c) .. bytes:sub(at + 1)).verdict)
					seen = seen + 1
				end
			end
		end
		assert.is_true(seen > 1000)
	end)
end)
