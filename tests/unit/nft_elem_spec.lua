-- SPDX-License-Identifier: GPL-2.0-or-later
local nft = require("rnm.core").nft

local function hex(s)
	return s and (s:gsub(".", function(c)
		return ("%02x"):format(c:byte())
	end))
end

-- Texts of the elements as the set then holds them, or the message.
local function elems(set, text, params)
	local list, message = nft.elems { set = set, text = text, params = params }
	if not list then
		return message
	end
	local out = {}
	for i, el in ipairs(list) do
		out[i] = el.text
	end
	return out, list
end

describe("elements as they are written", function()
	it("of one address each", function()
		assert.same({ "10.1.2.3", "0.0.0.0", "255.255.255.255" }, elems({ type = "ipv4_addr" }, "{ 10.1.2.3, 0.0.0.0, 255.255.255.255 }"))
		assert.same({ "10.0.0.0/8", "10.1.2.3", "10.1.2.3-10.1.2.7", "0.0.0.0/0", "1.2.3.4" },
			elems({ type = "ipv4_addr", flags = "interval" }, "{ 10.9.9.9/8, 10.1.2.3, 10.1.2.3-10.1.2.7, 0.0.0.0/0, 1.2.3.4/32 }"))
		assert.same({ "2001:db8::/32", "::1" }, elems({ type = "ipv6_addr", flags = "interval" }, "{ 2001:db8::/32, ::1 }"))
		local _, list = elems({ type = "ipv4_addr", flags = "interval" }, "{ 10.0.0.0/8 }")
		assert.same({ "0a000000", "0affffff" }, { hex(list[1].key), hex(list[1].key_end) })
	end)

	it("with everything that follows a key", function()
		local texts, list = elems({ type = "ipv4_addr", flags = "timeout, interval" },
			'{ 1.2.3.4-1.2.3.9 timeout 1h expires 30m comment "x y" counter packets 5 bytes 6, * quota over 1 mbytes limit rate 5/second }')
		assert.same({ '1.2.3.4-1.2.3.9 timeout 1h expires 30m comment "x y"', "*" }, texts)
		assert.equal("counter pkts 5 bytes 6 ", list[1].exprs)
		assert.equal("quota bytes 1048576 consumed 0 flags 1 \nlimit rate 5/second burst 5 type packets flags 0x0 ", list[2].exprs)
	end)

	it("of concatenations and names", function()
		local texts, list = elems({ type = "ipv4_addr . inet_service", flags = "interval" }, "{ 10.0.0.0/8 . 80-90, $pair, 1.1.1.1 . ssh }",
			{ pair = { concat = { { prefix = "10.0.0.0/9" }, 22 } } })
		assert.same({ "10.0.0.0/8 . 80-90", "10.0.0.0/9 . 22", "1.1.1.1 . 22" }, texts)
		assert.same({ "0a00000000500000", "0affffff005a0000" }, { hex(list[1].key), hex(list[1].key_end) })
		assert.same({ '"eth*"', '"lo"', '"a*"' }, (elems({ type = "ifname", flags = "interval" }, [[{ "eth*", lo, "a\*" }]])))
		list = select(2, elems({ type = "mark", flags = "interval" }, "{ 1-10 }")) -- compared as bytes, so big endian
		assert.same({ "00000001", "0000000a" }, { hex(list[1].key), hex(list[1].key_end) })
	end)

	it("of maps", function()
		assert.same({ "0x00000001 : accept", "0x00000002 : jump foo", "* : goto bar", "0x00000003 : jump web" },
			elems({ type = "mark", data = "verdict" }, "{ 1 : accept, 2 : jump foo, * : goto bar, 3 : $web }", { web = { obj = "web" } }))
		assert.same({ "0x00000001 : 1.2.3.4 . 80" }, elems({ type = "mark", data = "ipv4_addr . inet_service" }, "{ 1 : 1.2.3.4 . 80 }"))
		assert.same({ "0x00000001 : 1.2.3.4-1.2.3.8", "0x00000002 : 10.0.0.0/8" },
			elems({ type = "mark", data = "ipv4_addr", data_interval = true }, "{ 1 : 1.2.3.4-1.2.3.8, 2 : 10.0.0.0/8 }"))
		assert.same({ '0x00000001 : "cnt"' }, elems({ type = "mark", object = 1 }, "{ 1 : cnt }"))
	end)

	it("are refused with their place", function()
		local cases = {
			{ { type = "ipv4_addr" }, "{ 10.0.0.0/8 }", "a prefix needs a set with the flag interval" },
			{ { type = "ipv4_addr" }, "{ 10.0.0.1-10.0.0.9 }", "a range needs a set with the flag interval" },
			{ { type = "ifname" }, '{ "eth*" }', "a pattern needs a set with the flag interval" },
			{ { type = "ipv4_addr", flags = "interval" }, "{ 10.0.0.9-10.0.0.1 }", "ends before it begins" },
			{ { type = "ipv4_addr", flags = "interval" }, "{ 10.0.0.0/33 }", "prefix length 33" },
			{ { type = "ipv4_addr" }, "{ 10.0.0.256 }", "is no IPv4 address" }, { { type = "ipv4_addr" }, "{ 010.0.0.1 }", "is no IPv4 address" },
			{ { type = "inet_service" }, "{ 1 timeout 1s }", "has not the flag timeout" }, { { type = "inet_service" }, "{ 1 : accept }", "expected `,` or `}`" },
			{ { type = "mark", data = "verdict" }, "{ 1 }", "`:` and the value" }, { { type = "mark", data = "mark" }, "{ 1 : accept }", "a verdict, the values of @s are of type mark" },
			{ { type = "mark . mark" }, "{ 1 }", "concatenations of 2 parts" }, { { type = "mark . mark" }, "{ 1 . 2 . 3 }", "3 values" },
			{ { type = "mark . mark" }, "{ 1 . * }", "stands alone" }, { { type = "mark" }, "{ $none }", "has no value" },
		}
		for _, c in ipairs(cases) do
			local m = elems(c[1], c[2])
			assert.is_string(m, c[2])
			assert.is_truthy(m:find(c[3], 1, true), ("%s: %s"):format(c[2], m))
		end
	end)
end)

describe("statements of sets", function()
	it("are all that keep state", function()
		assert.equal("counter pkts 0 bytes 0 \nquota bytes 524288000 consumed 0 flags 1 \nlimit rate 5/second burst 5 type packets flags 0x0 \n" ..
			"last never \nconnlimit count 5 flags 1 ", nft.stateful "counter quota over 500 mbytes limit rate 5/second last ct count over 5")
	end)

	it("are nothing else", function()
		for text, says in pairs { accept = "unexpected `accept`", ["counter accept"] = "unexpected `accept`", ["counter name x"] = "keeps no state", [""] = "expected counter" } do
			local s, message = nft.stateful(text)
			assert.is_nil(s)
			assert.is_truthy(message:find(says, 1, true), message)
		end
	end)
end)
