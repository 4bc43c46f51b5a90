-- SPDX-License-Identifier: GPL-2.0-or-later
local base = require "rnm.core".base

describe("addresses", function()
	it("print as RFC 5952 says", function()
		for text, want in pairs {
			["192.0.2.1"] = "192.0.2.1",
			["0.0.0.0"] = "0.0.0.0",
			["::"] = "::",
			["::1"] = "::1",
			["0:0:0:0:0:0:0:1"] = "::1",
			["2001:DB8::A"] = "2001:db8::a",                        -- lower case
			["2001:0db8:0000:0001:0000:0000:0000:0001"] = "2001:db8:0:1::1",
			["2001:db8:0:1:1:1:1:1"] = "2001:db8:0:1:1:1:1:1",      -- one zero group stays
			["2001:0:0:1:0:0:0:1"] = "2001:0:0:1::1",               -- the longest run
			["2001:db8:0:0:1:0:0:1"] = "2001:db8::1:0:0:1",         -- the first of equal runs
			["1:0:0:0:0:0:0:0"] = "1::",
			["1:2:3:4:5:6:0:0"] = "1:2:3:4:5:6::",
			["0:0:3:4:5:6:7:8"] = "::3:4:5:6:7:8",
			["::ffff:c000:201"] = "::ffff:192.0.2.1",
			["::1:2"] = "::1:2",
			["1:2:3:4:5:6:7::"] = "1:2:3:4:5:6:7:0",
			["::2:3:4:5:6:7:8"] = "0:2:3:4:5:6:7:8",
			["1:2:3:4:5:6:7:8"] = "1:2:3:4:5:6:7:8",
			["1:2:3:4:5:6:192.0.2.1"] = "1:2:3:4:5:6:c000:201",
			["fe80::0010"] = "fe80::10",
			["ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"] = "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
		} do
			assert.equal(want, base.addr(text), text)
		end
	end)

	it("survive printing and parsing", function()
		math.randomseed(5952)
		for _ = 1, 2000 do
			local g = {}
			for i = 1, 8 do
				g[i] = ("%x"):format(math.random(3) == 1 and math.random(0, 0xffff) >> math.random(0, 15) or 0)
			end
			local long = table.concat(g, ":")
			local short = base.addr(long)
			assert.equal(short, base.addr(short))
			assert.equal(0, base.cmp(long .. "/128", short))
		end
	end)

	it("are refused when anything is wrong with them", function()
		for _, text in ipairs { "", "1.2.3", "1.2.3.4.5", "256.1.1.1", "1.2.3.4 ", " 1.2.3.4", "01.2.3.4", "1.2.3.4/24",
			"fe80::1%eth0", ":::", "1::2::3", "12345::", "1:2:3:4:5:6:7", "g::", ":", ":1", "1:", "1::2:", "1:2:3:4:5:6:7:8:",
			"1:2:3:4:5:6:7:8::", "::1:2:3:4:5:6:7:8", "1::2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8:9", "1:2:3:4:5:6:7:192.0.2.1", "localhost" } do
			assert.is_nil(base.addr(text), text)
		end
	end)
end)

describe("prefixes", function()
	it("keep their host bits", function()
		assert.equal("10.0.0.7/8", base.prefix("10.0.0.7/8"))
		assert.equal("2001:db8::1/64", base.prefix("2001:db8:0::1/64"))
		assert.equal("10.0.0.7/32", base.prefix("10.0.0.7"))
		assert.equal("::1/128", base.prefix("::1"))
		assert.equal("0.0.0.0/0", base.prefix("0.0.0.0/0"))
	end)

	it("are refused when the length is none", function()
		for _, text in ipairs { "10.0.0.0/", "10.0.0.0/33", "::/129", "10.0.0.0/-1", "10.0.0.0/+8", "10.0.0.0/08",
			"10.0.0.0/8/8", "10.0.0.0/ 8", "/8", "10.0.0.0/8x", "10.0.0.0/4294967304", ("1"):rep(60) .. "/8" } do
			assert.is_nil(base.prefix(text), text)
		end
	end)

	it("are cut at any bit", function()
		assert.equal("255.255.255.240", base.mask("255.255.255.255", 28))
		assert.equal("192.0.2.127", base.last("192.0.2.0", 25))
		assert.equal("0.0.0.0", base.mask("192.0.2.1", 0))
		assert.equal("255.255.255.255", base.last("192.0.2.1", 0))
		assert.equal("192.0.2.1", base.mask("192.0.2.1", 32))
		assert.equal("2001:db8:ffff:8000::", base.mask("2001:db8:ffff:ffff:ffff::", 49))
		assert.equal("2001:db8:0:7fff:ffff:ffff:ffff:ffff", base.last("2001:db8::", 49))
	end)

	it("contain what lies in them", function()
		assert.is_true(base.contains("10.0.0.0/8", "10.255.0.0/16"))
		assert.is_true(base.contains("10.0.0.0/8", "10.0.0.0/8"))
		assert.is_true(base.contains("10.9.9.9/8", "10.1.1.1"))
		assert.is_true(base.contains("0.0.0.0/0", "203.0.113.1"))
		assert.is_true(base.contains("2001:db8::/33", "2001:db8:7fff::/48"))
		assert.is_false(base.contains("2001:db8::/33", "2001:db8:8000::/48"))
		assert.is_false(base.contains("10.0.0.0/16", "10.0.0.0/8"))
		assert.is_false(base.contains("0.0.0.0/0", "::1"))
		assert.is_false(base.contains("10.0.0.0/9", "10.128.0.1"))
	end)

	it("have an order", function()
		assert.is_true(base.cmp("9.0.0.0/8", "10.0.0.0/8") < 0)
		assert.is_true(base.cmp("10.0.0.0/8", "10.0.0.0/16") < 0)
		assert.is_true(base.cmp("255.255.255.255", "::") < 0)
		assert.equal(0, base.cmp("::/0", "::/0"))
	end)

	it("are divided into subnets", function()
		assert.equal("2001:db8:0:5::/64", base.subnet("2001:db8::/48", 64, 5))
		assert.equal("2001:db8:0:ffff::/64", base.subnet("2001:db8::/48", 64, 0xffff))
		assert.equal("10.3.0.0/16", base.subnet("10.9.9.9/8", 16, 3))
		assert.equal("10.0.0.0/8", base.subnet("10.0.0.0/8", 8, 0))
		assert.equal("2001:db8::1234:5678:9abc:def0/128", base.subnet("2001:db8::/32", 128, 0x123456789abcdef0))
		assert.equal("2001:db8::ffff:ffff:ffff:ffff/128", base.subnet("2001:db8::/64", 128, -1))
		assert.is_nil(base.subnet("2001:db8::/48", 64, 0x10000))
		assert.is_nil(base.subnet("10.0.0.0/8", 8, 1))
		assert.is_nil(base.subnet("10.0.0.0/8", 7, 0))
		assert.is_nil(base.subnet("10.0.0.0/8", 33, 0))
	end)

	it("take a host part", function()
		assert.equal("2001:db8:1:2::10", base.host("2001:db8:1:2::/64", "::10"))
		assert.equal("2001:db8:1:2::10", base.host("2001:db8:1:2:a:b:c:d/64", "ffff::10"))
		assert.equal("10.0.1.5", base.host("10.0.0.0/23", "0.0.1.5"))
		assert.equal("10.0.0.1", base.host("10.0.0.1/32", "0.0.0.9"))
		assert.is_nil(base.host("10.0.0.0/8", "::1"))
	end)
end)

describe("link-layer addresses", function()
	it("parse and print", function()
		assert.equal("02:00:0a:ff:00:01", base.mac("02:0:A:fF:00:1"))
		for _, text in ipairs { "", "02:00:00:00:00", "02:00:00:00:00:00:00", "02-00-00-00-00-00", "020:00:00:00:00:0",
			"02:00:00:00:00:", "02:00:00:00:00:0g", "02:00::00:00:00" } do
			assert.is_nil(base.mac(text), text)
		end
	end)

	it("print with any length up to 32 bytes", function()
		assert.equal("", base.mac_format(""))
		assert.equal(20 * 3 - 1, #base.mac_format(("\xaa"):rep(20)))
		assert.equal(32 * 3 - 1, #base.mac_format(("\xaa"):rep(40)))
	end)
end)
