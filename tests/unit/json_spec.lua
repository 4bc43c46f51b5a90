-- SPDX-License-Identifier: GPL-2.0-or-later
local core = require "rnm.core"
local json = core.json

local null = json.read "null"

local function why(text, max)
	local value, message = json.read(text, max)
	assert.is_nil(value)
	return message
end

describe("a JSON document", function()
	it("is read as it is written", function()
		for text, want in pairs {
			["true"] = true,
			["false"] = false,
			['""'] = "",
			[" \t\r\n[ ] "] = {},
			["{}"] = {},
			["[1,-0,1.50,2e3,1E-2,-12.5e+7]"] = { "1", "-0", "1.50", "2e3", "1E-2", "-12.5e+7" },
			['{"a":{"b":[true,{"c":"d"}]},"":"empty"}'] = { a = { b = { true, { c = "d" } } }, [""] = "empty" },
			[ [["\"\\\/\b\f\n\r\t"]] ] = '"\\/\b\f\n\r\t',
			[ [["\u00e4\u20ac\ud83d\uDE00\u0000."]] ] = "ä€😀\0.",
			['"ä€😀\127"'] = "ä€😀\127",
			['["a" , null]'] = { "a", null },
		} do
			assert.same(want, (json.read(text)), text)
		end
		assert.equal("userdata", type(null))
	end)

	it("keeps the text of a value as it stood", function()
		for _, text in ipairs { "1.0e0", [["\u0041b"]], '{"a" : [ 1 ]}' } do
			assert.equal(text, select(2, json.read("  " .. text .. " \n")))
		end
	end)

	it("is refused with the place when it is none", function()
		for text, message in pairs {
			[""] = "byte 1: expected a value",
			["  "] = "byte 3: expected a value",
			["nul"] = "byte 1: expected a value",
			["True"] = "byte 1: expected a value",
			["1 2"] = "byte 3: something stands behind the value",
			["{} x"] = "byte 4: something stands behind the value",
			["01"] = "byte 1: a number does not begin with 0",
			["-"] = "byte 2: expected a digit",
			["+1"] = "byte 1: expected a value",
			["1."] = "byte 3: expected a digit behind the point",
			[".5"] = "byte 1: expected a value",
			["1e"] = "byte 3: expected a digit of the exponent",
			["NaN"] = "byte 1: expected a value",
			["[1,]"] = "byte 4: expected a value",
			["[1"] = "byte 3: expected ',' or ']'",
			["[1}"] = "byte 3: expected ',' or ']'",
			['{"a" 1}'] = "byte 6: expected ':' behind the name",
			["{a:1}"] = "byte 2: expected a member's name in quotes",
			['{"a":1,}'] = "byte 8: expected a member's name in quotes",
			['{"a":1'] = "byte 7: expected ',' or '}'",
			['"a'] = "byte 3: a string does not end",
			['"\\'] = "byte 2: an unknown escape",
			['"a\nb"'] = "byte 3: a control byte in a string must be escaped",
			['"\0"'] = "byte 2: a control byte in a string must be escaped",
			["\0"] = "byte 1: expected a value",
			["[\0]"] = "byte 2: expected a value",
			['"\\x41"'] = "byte 2: an unknown escape",
			['"\\u12g4"'] = "byte 6: expected four hexadecimal digits behind \\u",
			['"\\u12'] = "byte 6: expected four hexadecimal digits behind \\u",
			['"\\ud800"'] = "byte 4: the first half of a surrogate pair stands alone",
			['"\\ud800\\u0041"'] = "byte 4: the first half of a surrogate pair stands alone",
			['"\\udc00"'] = "byte 4: the second half of a surrogate pair stands alone",
			['"\xff"'] = "byte 2: no UTF-8",
			['"\xc0\x80"'] = "byte 2: no UTF-8",
			['"\xed\xa0\x80"'] = "byte 2: no UTF-8",
			['"\xf4\x90\x80\x80"'] = "byte 2: no UTF-8",
			['"\xe2\x82'] = "byte 2: no UTF-8",
			["'a'"] = "byte 1: expected a value",
			["/**/1"] = "byte 1: expected a value",
			["\xef\xbb\xbf1"] = "byte 1: expected a value",
		} do
			assert.equal(message, why(text), text)
		end
	end)

	it("has no name twice", function()
		assert.equal('byte 12: the name "a" stands twice', why '{"a":1,"a":2}')
		assert.equal('byte 17: the name "a" stands twice', why [[{"a":1,"\u0061":2}]])
		assert.same({ a = "1", ["a\0"] = "2" }, (json.read [[{"a":1,"a\u0000":2}]]))
		local list = {}
		for i = 1, 50 do
			list[i] = ('"n%d":%d'):format(i, i)
		end
		assert.equal("50", json.read("{" .. table.concat(list, ",") .. "}").n50)
		list[51] = '"n17":0'
		assert.matches('the name "n17" stands twice$', why("{" .. table.concat(list, ",") .. "}"))
	end)

	it("is bounded in depth and number", function()
		assert.is_table((json.read(("["):rep(32) .. ("]"):rep(32))))
		assert.equal("byte 33: deeper than 32", why(("["):rep(33) .. ("]"):rep(33)))
		assert.equal("byte 161: deeper than 32", why(('{"a":'):rep(100000)))
		assert.is_table((json.read("[1,2,3]", 4)))
		assert.equal("more than 4 values", why("[1,2,3,4]", 4))
		assert.equal("more than 4 values", why('{"a":{"b":{"c":{"d":1}}}}', 4))
	end)

	it("costs time in proportion to its length", function()
		local function cost(n)
			local list = {}
			for i = 1, n do
				list[i] = ('"name %d":"\\u00e4"'):format(i)
			end
			local text, best = "{" .. table.concat(list, ",") .. "}", math.huge
			for _ = 1, 5 do
				local t0 = os.clock()
				assert.is_nil(json.read(text .. "x"))
				best = math.min(best, os.clock() - t0)
			end
			return best
		end
		assert.is_true(cost(40000) < 12 * cost(10000) + 0.001)
	end)

	it("gives whole numbers in a range", function()
		for text, want in pairs { ["0"] = 0, ["-5"] = -5, ["10"] = 10 } do
			assert.equal(want, json.int(text, -5, 10))
		end
		for _, text in ipairs { "11", "-6", "1.0", "1e1", '"1"', "99999999999999999999", "[1]", "true" } do
			assert.is_nil(json.int(text, -5, 10))
		end
		assert.equal(math.mininteger, json.int("-9223372036854775808", math.mininteger, math.maxinteger))
	end)

	it("that is written is read as what was meant", function()
		for _, bytes in ipairs { "plain", 'q"\\\n\0\31\127ä€😀', "\xffbad\xc3" } do
			assert.equal((bytes:gsub("[\xff\xc3]$", "\u{fffd}"):gsub("^\xff", "\u{fffd}")), (json.read(core.base.json(bytes))))
		end
	end)
end)
