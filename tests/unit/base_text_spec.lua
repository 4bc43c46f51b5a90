-- SPDX-License-Identifier: GPL-2.0-or-later
local base = require "rnm.core".base

describe("globs", function()
	it("match whole strings", function()
		for _, c in ipairs { { "*", "" }, { "*", "x" }, { "tap*", "tap" }, { "tap*", "tap0" }, { "*0", "eth0" }, { "e?h*0", "eth10" },
			{ "a*b*c", "aXbYbZc" }, { "", "" }, { "**", "x" }, { "?", "x" }, { "[a]", "[a]" }, { "a*?", "ab" } } do
			assert.is_true(base.glob(c[1], c[2]), c[1] .. " " .. c[2])
		end
		for _, c in ipairs { { "", "x" }, { "?", "" }, { "tap*", "xtap" }, { "*0", "eth01" }, { "a*b*c", "aXbYbZ" }, { "eth", "ETH" },
			{ "a*?", "a" }, { "[a]", "a" } } do
			assert.is_false(base.glob(c[1], c[2]), c[1] .. " " .. c[2])
		end
	end)

	it("do not take exponential time", function()
		local start = os.clock()
		assert.is_false(base.glob(("*a"):rep(40) .. "b", ("a"):rep(2000)))
		assert.is_true(os.clock() - start < 1)
	end)
end)

describe("durations", function()
	it("are read", function()
		for text, ms in pairs { ["90"] = 90000, ["1h30m"] = 5400000, ["2d"] = 172800000, ["500ms"] = 500, ["1w"] = 604800000,
			["1m5ms"] = 60005, ["0"] = 0, ["1w2d3h4m5s6ms"] = 788645006, ["9223372036854775807ms"] = math.maxinteger } do
			assert.equal(ms, base.duration(text), text)
		end
	end)

	it("are refused", function()
		for _, text in ipairs { "", "h", "1x", "1h30", "1m1h", "1s1s", "-1", "1.5h", " 1s", "1s ", "1S", "9223372036854775808ms",
			"18446744073709551615", "99999999999999999999999", "15250284452472w" } do
			assert.is_nil(base.duration(text), text)
		end
	end)

	it("print as nft prints them and come back", function()
		assert.equal("1h30m", base.duration_format(5400000))
		assert.equal("45s", base.duration_format(45000))
		assert.equal("500ms", base.duration_format(500))
		assert.equal("7d", base.duration_format(604800000))
		assert.equal("0s", base.duration_format(0))
		for _, ms in ipairs { 1, 999, 1000, 61001, 86400000, 90061001, math.maxinteger } do
			assert.equal(ms, base.duration(base.duration_format(ms)))
		end
	end)
end)

describe("numbers", function()
	it("are read whole or not at all", function()
		assert.equal(10, base.u64("10", 10))
		assert.equal(255, base.u64("0xfF", 255))
		assert.equal(0, base.u64("0", 0))
		assert.equal(-1, base.u64("18446744073709551615", -1))
		assert.equal(-1, base.u64("0xffffffffffffffff", -1))
		for _, text in ipairs { "", "0x", "11", "1 ", " 1", "-1", "+1", "1e1", "0xg", "18446744073709551616", "0x10000000000000000" } do
			assert.is_nil(base.u64(text, 10), text)
		end
	end)
end)

describe("suggestions", function()
	local words = { "address", "addresses", "gateway", "dhcp", "mtu", "up", "managed" }

	it("find the nearest word", function()
		assert.equal("address", base.suggest("adress", words))
		assert.equal("address", base.suggest("addrses", words))
		assert.equal("addresses", base.suggest("adresses", words))
		assert.equal("gateway", base.suggest("GATEWAI", words))
		assert.equal("mtu", base.suggest("mut", words))
		assert.equal("dhcp", base.suggest("dhcpd", words))
	end)

	it("leave what is too far away", function()
		assert.is_nil(base.suggest("nonsense", words))
		assert.is_nil(base.suggest("", words))
		assert.is_nil(base.suggest("xyz", words))
		assert.is_nil(base.suggest(("address"):rep(100), words))
	end)

	it("never repeat the word itself", function()
		assert.is_nil(base.suggest("gateway", words))
		assert.equal("addresses", base.suggest("address", words))
	end)
end)

describe("text from outside", function()
	it("is clean only without control characters", function()
		for _, s in ipairs { "eth0", "größe", "日本", "\u{10ffff}", "\u{a0}" } do
			assert.is_true(base.clean(s), s)
		end
		for _, s in ipairs { "", "a\n", "\0", "\x7f", "\xc2\x9b31m", "\xff", "\xc0\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xe2\x82",
			"\xe0\x80\xaf", "\xf0\x80\x80\xaf" } do
			assert.is_false(base.clean(s), (s:gsub(".", function(c) return ("%02x "):format(c:byte()) end)))
		end
	end)

	it("becomes valid JSON", function()
		assert.equal([["a\"b\\c"]], base.json([[a"b\c]]))
		assert.equal([["\n\t\u0000\u001b\u007f"]], base.json("\n\t\0\27\x7f"))
		assert.equal('"größe"', base.json("größe"))
		assert.equal('"a\u{fffd}b"', base.json("a\xffb"))
		assert.equal('"\u{fffd}\u{fffd}\u{fffd}"', base.json("\xed\xa0\x80"))
		assert.equal('"\u{fffd}\u{fffd}"', base.json("\xe2\x82"))
		assert.equal('""', base.json(""))
	end)

	it("is escaped without loss", function()
		assert.equal([[a\x0ab\x5cx0a\x00]], base.escape("a\nb\\x0a\0"))
		assert.equal([[größe "日" \x1b[31m\x7f\xc2\x9b\xff\xe2\x82\x00\x5c]], base.visible("größe \"日\" \27[31m\127\u{9b}\xff\xe2\x82\0\\"))
		assert.equal([["größe \x22日\x22\x5c\x9b"]], base.quote('größe "日"\\\x9b'))
		assert.equal('""', base.quote "")
	end)

	it("ends with a NUL however the buffer grew", function()
		local s, ends, cleared = base.buf(500, ("x"):rep(63))
		assert.equal((("x"):rep(63) .. ";"):rep(500), s)
		assert.is_true(ends)
		assert.is_true(cleared)
	end)
end)

describe("the log", function()
	it("writes one line for one line", function()
		local out, tapped = base.log(1, "net", "lost \27[31mred\r and \xc2\x9b and \xff")
		assert.equal("warn net: lost \\x1b[31mred\\x0d and \\xc2\\x9b and \\xff\n", out)
		assert.equal("1|net|lost \\x1b[31mred\\x0d and \\xc2\\x9b and \\xff\n", tapped)
	end)

	it("writes a traceback as lines of one level", function()
		assert.equal("error pack: one\nerror pack: \ttwo\n", (base.log(0, "pack", "one\n\ttwo\n")))
	end)

	it("numbers its lines for the journal", function()
		assert.equal("<3>error a: x\n<3>error a: y\n", (base.log(0, "a", "x\ny", true)))
		assert.equal("<6>info a: x\n", (base.log(2, "a", "x", true)))
	end)

	it("keeps quiet below its level", function()
		local out, tapped = base.log(3, "a", "x")
		assert.equal("", out)
		assert.equal("", tapped)
	end)
end)

describe("errors", function()
	it("keep the first text and grow in front", function()
		local none, first, second, text, code, freed = base.err()
		assert.equal("no error", none)
		assert.equal(-2, first)
		assert.equal(-5, second)
		assert.equal("file: inner 1", text)
		assert.equal(-2, code)
		assert.is_true(freed)
	end)
end)
