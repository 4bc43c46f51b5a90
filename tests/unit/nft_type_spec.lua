-- SPDX-License-Identifier: GPL-2.0-or-later
local T = require "rnm.core".nft.type

local function parts(e)
	return e and { e.text, e.key, e.key_end }
end

-- The element of a set of this type and flags: {text, key, key_end}; or the message.
local function elem(type, flags, value)
	local e, message = T.elem({ type = type, flags = flags }, value)
	return e and parts(e) or message
end

local function data(spec, value, key)
	local e, message = T.elem(spec, key or "192.0.2.1", value)
	return e and { e.text, e.data } or message
end

describe("a data type", function()
	it("has nft's number and width", function()
		local function t(text)
			local r = assert(T.type(text))
			return { r.id, r.len }
		end
		assert.same({ 7, 4 }, t "ipv4_addr")
		assert.same({ 8, 16 }, t "ipv6_addr")
		assert.same({ 9, 6 }, t "ether_addr")
		assert.same({ 12, 1 }, t "inet_proto")
		assert.same({ 13, 2 }, t "inet_service")
		assert.same({ 18, 4 }, t "time")
		assert.same({ 19, 4 }, t "mark")
		assert.same({ 26, 4 }, t "ct_state")
		assert.same({ 36, 1 }, t "dscp")
		assert.same({ 41, 16 }, t "ifname")
		assert.same({ 46, 8 }, t "cgroupsv2")
		assert.same({ 0xffffff00, 0 }, t "verdict")
	end)

	it("concatenates: six bits and whole words a part", function()
		local r = assert(T.type "ether_addr . ifname . dscp . mark")
		assert.same({ 0x269913, 32, "ether_addr . ifname . dscp . mark" }, { r.id, r.len, r.text })
		assert.equal(16, T.type("interval ipv4_addr . inet_service").len)
		assert.equal(8, T.type("interval ipv4_addr").len)
		assert.is_true(T.equal("ipv4_addr . mark", " ipv4_addr.mark "))
		assert.is_false(T.equal("ipv4_addr . mark", "mark . ipv4_addr"))
		assert.is_false(T.equal("ipv4_addr", "interval ipv4_addr"))
	end)

	it("says which address family an untyped query narrows to", function()
		assert.same({ 2, 10, 0, 0 }, { T.type("ipv4_addr").family, T.type("ipv6_addr").family, T.type("mark").family,
			T.type("ipv4_addr . mark").family })
	end)

	it("is refused with a proposal when nobody knows it", function()
		local function refused(text)
			local r, message = T.type(text)
			assert.is_nil(r)
			return message
		end
		assert.equal("unknown type 'ipv4_adr', did you mean 'ipv4_addr'?", refused "ipv4_adr")
		assert.matches("say `typeof EXPRESSION`", refused "integer")
		assert.matches("takes 68 bytes", refused "ipv6_addr . ipv6_addr . ipv6_addr . ipv6_addr . mark")
		assert.matches("at most 16 parts", refused(("dscp . "):rep(16) .. "dscp"))
		assert.matches("no part", refused "mark . verdict")
		assert.matches("is no type", refused "")
		assert.matches("is no type", refused "mark . ")
	end)

	it("has the symbols that nft describes", function()
		local p = io.popen "nft describe tcp_flag 2>/dev/null"
		local known = p:read("a"):find "fin"
		p:close()
		if not known then
			pending "there is no nft"
			return
		end
		local checked = 0
		for i = 0, 100 do
			local name, id, bits, symbols = T.at(i)
			-- services, protocols, users come from files; two types have no name of their own in this command
			if name and next(symbols) and name ~= "inet_proto" and id ~= 45 then
				local want = {}
				local out = io.popen("env -u LD_PRELOAD nft describe " .. name .. " 2>/dev/null"):read "a"
				for symbol, value in out:gmatch "\n[ \t]+(%S+)%s+(%w+)" do
					local v = tonumber(value)
					-- nft shows the bytes of the wire
					if name == "ether_type" or name == "arp_op" then
						v = v >> 8 | (v & 0xff) << 8
					end
					want[symbol] = v
				end
				if next(want) then
					assert.same(want, symbols, name)
					assert.equal(tonumber(out:match "(%d+) bits"), bits, name)
					checked = checked + 1
				end
			end
		end
		assert.is_true(checked >= 18, checked)
	end)
end)

describe("a scalar", function()
	local function hex(type, text, bits)
		local r, message = T.scalar(type, bits or 0, text)
		return r or message
	end

	it("lies in the order of its type", function()
		assert.equal("0050", hex("inet_service", "80"))
		assert.equal("0050", hex("inet_service", "0x50"))
		assert.equal("01000000", hex("mark", "1"))
		assert.equal("08000000", hex("mark", "010"))
		assert.equal("02000000", hex("ct_state", "established"))
		assert.equal("c0655200", hex("time", "1h30m"))
		assert.equal("65746830000000000000000000000000", hex("ifname", "eth0"))
		assert.equal("02000000000a", hex("ether_addr", "2:0:0:0:0:a"))
		assert.equal("0000000000000000000000000000ffff", hex("integer", "65535", 128))
		assert.equal("3f", hex("dscp", "63"))
		assert.equal("0000ffff", hex("integer", "0xffff", 32))
	end)

	it("is printed as nft lists it", function()
		local function text(type, s, bits)
			local r, message = T.print(type, bits or 0, s)
			return r or message
		end
		assert.equal("0x000000ff", text("mark", "255"))
		assert.equal("ipv6-icmp", text("inet_proto", "icmpv6"))
		assert.equal("8021q", text("ether_type", "vlan"))
		assert.equal("0x1234", text("ether_type", "0x1234"))
		assert.equal("77", text("arp_op", "77"))
		assert.equal("cs0", text("dscp", "be"))
		assert.equal("0x3f", text("dscp", "63"))
		assert.equal("invalid | new | untracked", text("ct_state", "untracked,new|invalid"))
		assert.equal("invalid | 0x80", text("ct_state", "0x81"))
		assert.equal("0x0", text("ct_state", "0"))
		assert.equal("snat | dnat", text("ct_status", "dnat , snat"))
		assert.equal("host", text("pkt_type", "unicast"))
		assert.equal("1h30m", text("time", "5400"))
		assert.equal("1:2", text("classid", "0x10002"))
		assert.equal("none", text("classid", "none"))
		assert.equal("root", text("classid", "root"))
		assert.equal("exists", text("boolean", "1"))
		assert.equal("not-ect", text("ecn", "0"))
		assert.equal("\"Monday\"", text(45, "1"))
		assert.equal("\"10:30\"", text(44, "10:30"))
		assert.equal("\"10:30:05\"", text(44, "10:30:05"))
		assert.equal("\"2024-01-02 03:04:05\"", text(43, "2024-01-02 03:04:05"))
		assert.equal("\"2024-01-02 00:00:00\"", text(43, "2024-01-02"))
		assert.equal("0xffffffffffffffffffffffffffffffff", text("integer", "0x" .. ("f"):rep(32), 128))
		assert.equal("4294967296", text("integer", "4294967296", 64))
		assert.equal("5,127", text("ct_label", "5") .. "," .. text("ct_label", "127"))
		assert.equal("0", text("uid", "root"))
	end)

	it("is refused with a reason", function()
		assert.equal("'65536' is over the largest inet_service, 65535", hex("inet_service", "65536"))
		assert.equal("'64' is over the largest dscp, 63", hex("dscp", "64"))
		assert.equal("'-1' is no packet mark", hex("mark", "-1"))
		assert.equal("'1e3' is no packet mark", hex("mark", "1e3"))
		assert.equal("'0x' is no packet mark", hex("mark", "0x"))
		assert.equal("'09' is no packet mark", hex("mark", "09"))
		assert.equal("'etablished' is no conntrack state, did you mean 'established'?", hex("ct_state", "etablished"))
		assert.matches("is no list", hex("ct_state", "new,,related"))
		assert.matches("too long for ifname: at most 15 bytes", hex("ifname", "abcdefghijklmnop"))
		assert.matches("control byte 0x0a", hex("ifname", "a\nb"))
		assert.matches("an empty string", hex("ifname", ""))
		assert.matches("^'1%.2%.3' is no IPv4 address", hex("ipv4_addr", "1.2.3"))
		assert.matches("^'01:02:03' is no Ethernet address", hex("ether_addr", "01:02:03"))
		assert.matches("no interface 'nosuchif'", hex("iface_index", "nosuchif"))
		assert.matches("is no path of a cgroup", hex("cgroupsv2", "../etc"))
		assert.matches("is no date", hex(43, "2024-13-01"))
		assert.matches("is no time of day", hex(44, "25:00"))
		assert.matches("is over the largest integer, 255", hex("integer", "256", 8))
		assert.matches("does not fit", hex("integer", "0x1" .. ("0"):rep(32), 128))
		assert.matches("last one is 127", hex("ct_label", "128"))
	end)

	it("is shown without control bytes, and not at any length", function()
		assert.equal("'\\x1b[2J\\xff' is no packet mark", hex("mark", "\x1b[2J\xff"))
		assert.equal("'" .. ("é"):rep(34) .. "…' is no packet mark", hex("mark", ("é"):rep(100)))
	end)

	it("never asks for the address of a host", function()
		assert.matches("names are not looked up.*a set", hex("ipv4_addr", "www.example.org"))
		assert.matches("names are not looked up", hex("ipv6_addr", "localhost"))
	end)
end)

describe("an element", function()
	it("is one scalar where the set has no intervals", function()
		assert.same({ "192.0.2.1", "c0000201" }, elem("ipv4_addr", "", "192.0.2.1"))
		assert.same({ "192.0.2.1", "c0000201" }, elem("ipv4_addr", "", { addr = "192.0.2.1" }))
		assert.same({ "192.0.2.1", "c0000201" }, elem("ipv4_addr", "", { prefix = "192.0.2.1/32" }))
		assert.same({ "80", "0050" }, elem("inet_service", "", 80))
		assert.same({ "02:00:00:00:00:01", "020000000001" }, elem("ether_addr", "", { mac = "02:00:00:00:00:01" }))
		assert.equal("'192.0.2.0/24' is no single IPv4 address; nft.prefix() makes a prefix of a string", elem("ipv4_addr", "", "192.0.2.0/24"))
		assert.equal("192.0.2.0/24 is no IPv4 address: a prefix stands only where the set has flags interval",
			elem("ipv4_addr", "", { prefix = "192.0.2.0/24" }))
		assert.matches("a range stands only", elem("inet_service", "", { range = { 1, 2 } }))
		assert.matches("a pattern stands only", elem("ifname", "", { glob = "eth*" }))
		assert.equal("2001:db8::1 is no IPv4 address", elem("ipv4_addr", "", { addr = "2001:db8::1" }))
		assert.matches("it is negative", elem("mark", "", -1))
		assert.matches("it must be a string", elem("ifname", "", 7))
		assert.matches("one scalar is asked", elem("mark", "", { list = { 1 } }))
	end)

	it("takes prefixes, ranges and globs where it has", function()
		local i = "interval"
		assert.same({ "192.0.2.1", "c0000201", "c0000201" }, elem("ipv4_addr", i, "192.0.2.1"))
		assert.same({ "10.0.0.0/8", "0a000000", "0affffff" }, elem("ipv4_addr", i, "10.0.0.7/8"))
		assert.same({ "10.0.0.0/8", "0a000000", "0affffff" }, elem("ipv4_addr", i, { prefix = "10.0.0.0/8" }))
		assert.same({ "0.0.0.0/0", "00000000", "ffffffff" }, elem("ipv4_addr", i, "0.0.0.0/0"))
		assert.same({ "10.0.0.1-10.0.0.9", "0a000001", "0a000009" }, elem("ipv4_addr", i, "10.0.0.1-10.0.0.9"))
		assert.same({ "10.0.0.0/31", "0a000000", "0a000001" }, elem("ipv4_addr", i, { range = { "10.0.0.0", "10.0.0.1" } }))
		assert.same({ "fe80::/10", "fe8" .. ("0"):rep(29), "febf" .. ("f"):rep(28) }, elem("ipv6_addr", i, "fe80::/10"))
		assert.same({ "80-443", "0050", "01bb" }, elem("inet_service", i, "80-443"))
		assert.same({ "0-65535", "0000", "ffff" }, elem("inet_service", i, "0-65535"))
		assert.same({ "6-17", "06", "11" }, elem("inet_proto", i, "tcp-udp"))
		assert.same({ "ipv6-icmp", "3a", "3a" }, elem("inet_proto", i, "ipv6-icmp"))
		assert.same({ "0-8", "00", "08" }, elem("icmp_type", i, "echo-reply-echo-request"))
		assert.same({ "\"eth*\"", "657468" .. ("0"):rep(26), "657468" .. ("f"):rep(26) }, elem("ifname", i, { glob = "eth*" }))
		assert.equal("range 10.0.0.9-10.0.0.1 ends before it begins", elem("ipv4_addr", i, "10.0.0.9-10.0.0.1"))
		assert.matches("ends before it begins", elem("mark", i, { range = { 5, 1 } }))
		assert.matches("is no IPv4 address", elem("ipv4_addr", i, "10.0.0.0/33"))
		assert.matches("is no port", elem("inet_service", i, "80-"))
		assert.matches("is no port", elem("inet_service", i, "80/4"))
		assert.matches("a pattern is the begin of a name", elem("ifname", i, { glob = "e*h" }))
		assert.matches("patterns are for names", elem("mark", i, { glob = "1*" }))
	end)

	it("keeps a name with a star what it is: a name", function()
		assert.same({ "\"eth*\"", "6574682a" .. ("0"):rep(24) }, elem("ifname", "", "eth*"))
		assert.same({ "\"*\"", "2a" .. ("0"):rep(30) }, elem("ifname", "", "*"))
		assert.is_true(T.elem({ type = "ifname" }, { glob = "*" }).catchall)
		assert.is_true(T.elem({ type = "ipv4_addr" }, "*").catchall)
	end)

	it("turns numbers in host order for sets with intervals", function()
		assert.same({ "0x00000001-0x00000005", "00000001", "00000005" }, elem("mark", "interval", "1-5"))
		assert.same({ "0x00000100/24", "00000100", "000001ff" }, elem("mark", "interval", "0x100/24"))
		assert.same({ "0x00000001", "01000000" }, elem("mark", "", "1"))
	end)

	it("is made of as many parts as its type", function()
		assert.same({ "192.0.2.1 . 80", "c000020100500000" }, elem("ipv4_addr . inet_service", "", "192.0.2.1 . 80"))
		assert.same({ "192.0.2.1 . 80", "c000020100500000" },
			elem("ipv4_addr . inet_service", "", { concat = { { addr = "192.0.2.1" }, 80 } }))
		assert.same({ "\"a . b\" . 0x00000001", "61202e2062" .. ("0"):rep(22) .. "01000000" },
			elem("ifname . mark", "", { concat = { "a . b", 1 } }))
		assert.same({ "10.0.0.0/8 . 80-90 . 0x00000007", "0a0000000050000000000007", "0affffff005a000000000007" },
			elem("ipv4_addr . inet_service . mark", "interval", "10.0.0.0/8 . 80-90 . 7"))
		assert.same({ "\"e*\" . 10.0.0.0/8", "65" .. ("0"):rep(30) .. "0a000000", "65" .. ("f"):rep(30) .. "0affffff" },
			elem("ifname . ipv4_addr", "interval", { concat = { { glob = "e*" }, { prefix = "10.0.0.0/8" } } }))
		for _, bad in ipairs { "192.0.2.1", "192.0.2.1 . 80 . 1", "192.0.2.1 . ", " . 80", " . ", " . . " } do
			assert.matches("has not the 2 parts", elem("ipv4_addr . inet_service", "", bad), bad)
		end
		assert.matches("has not the 2 parts", elem("mark . mark", "", { concat = { 1 } }))
		assert.matches("one scalar is asked", elem("mark", "", { concat = { 1, 2 } }))
		assert.matches("is no port", elem("ipv4_addr . inet_service", "", "192.0.2.1 . x"))
	end)

	it("has the data that its map asks for", function()
		assert.same({ "192.0.2.1 : 0x00000005", "05000000" }, data({ type = "ipv4_addr", data = "mark" }, 5))
		assert.same({ "192.0.2.1 : 10.0.0.1 . 80", "0a00000100500000" },
			data({ type = "ipv4_addr", data = "ipv4_addr . inet_service" }, "10.0.0.1 . 80"))
		assert.same({ "192.0.2.1 : 10.0.0.0/24 . 80-90", "0a000000005000000a0000ff005a0000" },
			data({ type = "ipv4_addr", data = "interval ipv4_addr . inet_service" }, "10.0.0.0/24 . 80-90"))
		assert.same({ "192.0.2.1 : 10.0.0.1", "0a0000010a000001" }, data({ type = "ipv4_addr", data = "interval ipv4_addr" }, "10.0.0.1"))
		assert.matches("is no single IPv4", data({ type = "ipv4_addr", data = "ipv4_addr" }, "10.0.0.0/24"))
		assert.matches("is a map", data({ type = "ipv4_addr", data = "mark" }, nil))
		assert.matches("is a set", data({ type = "ipv4_addr" }, 1))
		local object = { type = "ipv4_addr", obj_type = 1 }
		assert.same({ "192.0.2.1 : \"c1\"", "" }, data(object, "c1"))
		assert.same({ "192.0.2.1 : \"c1\"", "" }, data(object, { obj = "c1", kind = 5 }))
		assert.matches("is a quota, the data of 's' is the name of a counter", data(object, { obj = "q1", kind = 6 }))
		assert.matches("is the name of an object", data(object, 5))
	end)

	it("takes verdicts", function()
		local function verdict(s)
			local r = data({ type = "ipv4_addr", data = "verdict" }, s)
			return type(r) == "table" and r[1] or r
		end
		assert.equal("192.0.2.1 : accept", verdict "accept")
		assert.equal("192.0.2.1 : drop", verdict "drop")
		assert.equal("192.0.2.1 : continue", verdict "continue")
		assert.equal("192.0.2.1 : return", verdict "return")
		assert.equal("192.0.2.1 : jump vm-tap0", verdict "jump vm-tap0")
		assert.equal("192.0.2.1 : goto vm-tap0", verdict "goto  vm-tap0")
		assert.matches("is no verdict", verdict "reject")
		assert.matches("is no verdict", verdict "goto")
		assert.matches("is no name of a chain", verdict "goto a b")
		assert.matches("is no name of a chain", verdict "goto ")
		assert.matches("is no name of a chain", verdict("goto " .. ("x"):rep(256)))
		assert.matches("is a verdict", verdict(1))
	end)

	it("brings its timeout and comment", function()
		local e = T.elem({ type = "ipv4_addr", flags = "interval timeout" },
			{ prefix = "10.0.0.0/8", timeout = 90000, comment = "why\n" })
		assert.equal("10.0.0.0/8 timeout 1m30s comment \"why\\x0a\"", e.text)
		local m = T.elem({ type = "ipv4_addr", data = "verdict" }, { addr = "192.0.2.1", comment = "c" }, "drop")
		assert.equal("192.0.2.1 comment \"c\" : drop", m.text)
	end)
end)

describe("a value", function()
	it("is printed in nft's notation", function()
		assert.equal("{ 80, 443 }", T.text { list = { 80, 443 } })
		assert.equal("{ }", T.text { list = {} })
		assert.equal("192.0.2.0/24", T.text { prefix = "192.0.2.7/24" })
		assert.equal("1-5", T.text { range = { 1, 5 } })
		assert.equal("\"eth*\"", T.text { glob = "eth*" })
		assert.equal("\"eth0\" . 80", T.text { concat = { "eth0", 80 } })
		assert.equal("@v4", T.text { obj = "v4" })
		assert.equal("192.0.2.1 timeout 5s comment \"c\"", T.text { addr = "192.0.2.1", timeout = 5000, comment = "c" })
		assert.equal("\"a\\x22; drop\\x0a\"", T.text "a\"; drop\n")
		assert.equal("nil", T.text(nil))
	end)

	it("is escaped in an element as in a rule", function()
		for name, text in pairs {
			["eth0.5-a_b"] = [["eth0.5-a_b"]], ["größe0"] = [["größe0"]], ["日本"] = [["日本"]],
			["a\"} drop"] = [["a\x22} drop"]], ["a\\b"] = [["a\x5cb"]], ["a\xff"] = [["a\xff"]], ["a\u{9b}31m"] = [["a\xc2\x9b31m"]],
		} do
			assert.equal(text, T.text(name))
			assert.equal(text, T.elem({ type = "ifname" }, name).text)
			assert.equal((text:gsub('"$', '*"')), T.text { glob = name .. "*" })
			local globbed = T.elem({ type = "ifname", flags = "interval" }, { glob = name .. "*" })
			if text:find "\\x[c-f]" then -- no pattern may have these
				assert.is_nil(globbed)
			else
				assert.equal((text:gsub('"$', '*"')), globbed.text)
			end
			local commented = T.elem({ type = "ipv4_addr" }, { addr = "192.0.2.1", comment = name }).text
			assert.equal("192.0.2.1 comment " .. text, commented)
			assert.equal(commented, T.text { addr = "192.0.2.1", comment = name })
		end
	end)

	it("is equal to another of the same kind and content", function()
		assert.is_true(T.same({ list = { 1, "a" } }, { list = { 1, "a" } }))
		assert.is_false(T.same({ list = { 1, "a" } }, { list = { 1, "b" } }))
		assert.is_false(T.same("1", 1))
		assert.is_true(T.same({ prefix = "10.0.0.1/8" }, { prefix = "10.0.0.0/8" }))
		assert.is_false(T.same({ addr = "10.0.0.1" }, { addr = "10.0.0.1", timeout = 1 }))
		assert.is_false(T.same({ addr = "10.0.0.1", comment = "a" }, { addr = "10.0.0.1", comment = "b" }))
		assert.is_true(T.same(nil, nil))
	end)
end)
