-- SPDX-License-Identifier: GPL-2.0-or-later
-- Answers of the kernel as bytes: what is well formed is told, what is not costs its attribute and nothing else.
local parse = require "rnm.core".kread.parse

local function pad(s)
	return s .. ("\0"):rep(-#s % 4)
end

-- One attribute; value: bytes, a string with its NUL already, or a list of attributes.
local function attr(number, value)
	if type(value) == "table" then
		value, number = table.concat(value), number | 0x8000
	end
	return pad(string.pack("=I2I2", #value + 4, number) .. value)
end

local function z(s)
	return s .. "\0"
end

local function be32(n)
	return string.pack(">I4", n)
end

local function be64(n)
	return string.pack(">I8", n)
end

local function message(...)
	local body = string.pack("=I1I1I2", 2, 0, 0) .. table.concat({ ... })

	return string.pack("=I4I2I2I4I4", #body + 16, 0xa00, 0, 1, 0) .. body
end

local function one(kind, ...)
	local told = parse(kind, message(...))
	assert.is_true(#told <= 1)
	return told[1]
end

-- Every way to cut a message, with its length told as it is then and as it was.
local function cut(kind, whole, ...)
	for n = 0, #whole do
		local bytes = whole:sub(1, n)
		if n >= 4 then
			parse(kind, string.pack("=I4", n) .. bytes:sub(5), ...)
		end
		parse(kind, bytes, ...)
	end
end

-- Every byte of it something else.
local function twist(kind, whole, ...)
	for i = 17, #whole do
		for _, c in ipairs { 0, 1, 4, 0x7f, 0xff } do
			parse(kind, whole:sub(1, i - 1) .. string.char(c) .. whole:sub(i + 1), ...)
		end
	end
end

describe("an answer about", function()
	it("a table takes names with their end, numbers of their size", function()
		local t = one("tables", attr(1, z "t"), attr(2, be32(3)), attr(3, be32(5)), attr(4, be64(77)), attr(6, "\0\3hi\0"))
		assert.same({ "t", 3, 5, 77, "hi" }, { t.name, t.flags, t.use, t.handle, t.comment })
		assert.is_nil(one("tables", attr(1, "t")))
		assert.is_nil(one("tables", attr(1, "\0")))
		assert.is_nil(one("tables", attr(1, ("x"):rep(256) .. "\0")))
		assert.is_nil(one "tables")
		t = one("tables", attr(1, z "t"), attr(2, "\0\0\3"), attr(4, be32(7)), attr(6, "\0\2hi"))
		assert.same({ 0, 0 }, { t.flags, t.handle })
		assert.is_nil(t.comment)
		assert.is_false(t.own)
	end)

	it("a chain takes devices that can be some", function()
		local hook = { attr(1, be32(0)), attr(2, be32(-7 & 0xffffffff)), attr(3, z "lo"),
			attr(4, { attr(1, z "lo"), attr(1, ("d"):rep(16) .. "\0"), attr(2, z "x"), attr(1, "nul"), attr(1, z "eth0") }) }
		local c = one("chains", attr(1, z "t"), attr(3, z "c"), attr(4, hook), attr(5, be32(1)), attr(7, z "filter"))
		assert.same({ "filter", -7, true, 1 }, { c.type, c.priority, c.base, c.policy })
		assert.same({ "lo", "eth0" }, c.devices)
		c = one("chains", attr(1, z "t"), attr(3, z "c"), attr(7, z(("f"):rep(16))))
		assert.same({ "", false, -1 }, { c.type, c.base, c.policy })
		assert.is_nil(one("chains", attr(3, z "c")))
	end)

	it("a flowtable takes its hook apart", function()
		local f = one("flowtables", attr(1, z "t"), attr(2, z "f"), attr(7, be32(1)),
			attr(3, { attr(1, be32(0)), attr(2, be32(10)), attr(3, { attr(1, z "a"), attr(1, z "b") }) }))
		assert.same({ 10, 1, { "a", "b" } }, { f.priority, f.flags, f.devices })
	end)

	it("an object takes what its type has, in any order", function()
		local o = one("objects", attr(4, { attr(1, be64(5)), attr(4, be64(6)), attr(2, be32(1)) }), attr(3, be32(2)), attr(2, z "q"), attr(1, z "t"))
		assert.same({ 5, 6, true }, { o.bytes, o.used, o.over })
		o = one("objects", attr(1, z "t"), attr(2, z "h"), attr(3, be32(3)), attr(4, { attr(1, ("f"):rep(40)), attr(3, "\6") }))
		assert.same({ ("f"):rep(15), 6 }, { o.helper, o.l4proto })
		o = one("objects", attr(1, z "t"), attr(2, z "o"), attr(3, be32(7)),
			attr(4, { attr(2, "\17"), attr(3, { attr(1, be32(8)), attr(15, be32(9)), attr(16, be32(1)), attr(0, be32(1)), attr(2, "x") }) }))
		assert.same({ 8, 0, [15] = 9 }, o.policy)
		o = one("objects", attr(1, z "t"), attr(2, z "s"), attr(3, be32(8)), attr(4, { attr(1, ("s"):rep(500)) }))
		assert.equal(255, #o.secmark)
		assert.is_table(one("objects", attr(1, z "t"), attr(2, z "x"), attr(3, be32(999)), attr(4, { attr(1, be64(1)) })))
		assert.is_nil(one("objects", attr(1, z "t"), attr(2, z "x")))
	end)

	it("a set finds types and widths, or says that they are not known", function()
		local function key(id, len, ...)
			local s = one("sets", attr(1, z "t"), attr(2, z "s"), attr(4, be32(id)), attr(5, be32(len)), ...)
			return s and s.key
		end
		assert.equal("ipv4_addr 32", key(7, 4))
		assert.equal("ipv4_addr . inet_service 32,16", key(7 << 6 | 13, 8))
		assert.equal("integer 24", key(4, 3))
		assert.equal("ipv4_addr . integer 32,64", key(7 << 6 | 4, 12))
		assert.equal("invalid 24", key(63, 3))
		assert.equal("invalid 96", key(7 << 6 | 13, 12))
		assert.equal("ipv4_addr . invalid 32,32", key(7 << 6 | 63, 8))
		assert.equal("invalid 64", key(4 << 6 | 4, 8))
		assert.equal("integer . integer 24,8", key(4 << 6 | 4, 8, attr(9, { attr(2, { attr(1, { attr(1, be32(3)) }), attr(1, { attr(1, be32(1)) }) }) })))
		assert.equal("invalid 64", key(4 << 6 | 4, 8, attr(9, { attr(2, { attr(1, { attr(1, be32(300)) }) }) })))
		assert.is_nil(key(7, 0))
		assert.is_nil(key(7, 65))
		assert.is_nil(key(7, 0xffffffff))
	end)

	it("a set believes in its user data only what fits", function()
		local function entry(type, value)
			return string.char(type, #value) .. value
		end
		local function u32(type, v)
			return entry(type, string.pack("=I4", v))
		end
		local function set(len, udata)
			return one("sets", attr(1, z "t"), attr(2, z "s"), attr(4, be32(4)), attr(5, be32(len)), attr(13, udata))
		end
		local function described(kind, data)
			return entry(3, u32(0, kind) .. entry(1, data))
		end
		local ttl = described(7, u32(0, 12) .. u32(1, 8))
		assert.same({ "ip ttl", "integer 8" }, { set(1, ttl).typeof, set(1, ttl).key })
		assert.equal("integer 16", set(2, ttl).key)
		assert.is_nil(set(1, described(7, u32(0, 12) .. u32(1, 99))).typeof)
		assert.is_nil(set(1, described(7, u32(0, 99) .. u32(1, 1))).typeof)
		assert.is_nil(set(1, described(8, u32(0, 3) .. u32(1, 1))).typeof)
		assert.is_nil(set(1, described(77, "")).typeof)
		assert.is_nil(set(1, described(13, "")).typeof)
		local deep = u32(0, 7) .. entry(1, u32(0, 12) .. u32(1, 8))
		for _ = 1, 20 do
			deep = #deep < 200 and u32(0, 13) .. entry(1, entry(0, deep)) or deep
		end
		assert.is_nil(set(1, entry(3, deep)).typeof)
		assert.is_nil(set(1, "\3\200short").typeof)
		assert.is_nil(set(1, entry(7, "no end")).comment)
		assert.equal("c", set(1, entry(7, z "c")).comment)
	end)

	it("elements pairs begins and ends, whatever their order", function()
		local function el(key, flags)
			return attr(1, { attr(1, { attr(1, key) }), flags and attr(3, be32(flags)) or "" })
		end
		local function texts(...)
			local out = {}
			for i, e in ipairs(parse("elems", message(attr(3, { ... })))) do
				out[i] = e.text
			end
			return table.concat(out, " ")
		end
		assert.equal("1.0.0.0/8 3.0.0.0-3.0.0.4", texts(el("\3\0\0\5", 1), el "\1\0\0\0", el "\3\0\0\0", el("\2\0\0\0", 1)))
		assert.equal("255.0.0.0/8", texts(el "\255\0\0\0"))
		assert.equal("", texts(el("\3\0\0\5", 1)))
		assert.equal("1.0.0.0/8", texts(el "\1\0\0\0", el "\1\0\0\0", el("\2\0\0\0", 1), el("\2\0\0\0", 1)))
		assert.equal("", texts(el "\1\0\0", el "\1\0\0\0\0", el(("k"):rep(65))))
	end)

	it("rules keeps the place of an expression that nobody knows", function()
		local function expr(name, ...)
			return attr(1, { attr(1, z(name)), attr(2, { ... }) })
		end
		local r = one("rules", attr(1, z "t"), attr(2, z "c"), attr(3, be64(9)), attr(7, "\0\2h\0\200\16" .. string.pack("=I8I8", 5, 6)),
			attr(4, { expr("counter", attr(1, be64(3)), attr(2, be64(4))), expr "nobody", expr("cmp", attr(1, "x")), attr(1, "") }))
		assert.same({ "c", "h", 5, 9 }, { r.name, r.comment, r.id, r.handle })
		assert.equal(4, #r.exprs)
		assert.matches("^counter pkts 4 bytes 3", r.exprs[1])
		assert.same({ "?", "?" }, { r.exprs[2], r.exprs[4] })
	end)

	it("anything stands every cut and every other byte", function()
		local hook = { attr(1, be32(0)), attr(2, be32(1)), attr(3, { attr(1, z "lo"), attr(1, z "eth0") }) }
		local set = message(attr(1, z "t"), attr(2, z "s"), attr(3, be32(12)), attr(4, be32(7 << 6 | 13)), attr(5, be32(8)),
			attr(6, be32(7)), attr(7, be32(4)), attr(9, { attr(1, be32(5)), attr(2, { attr(1, { attr(1, be32(4)) }), attr(1, { attr(1, be32(2)) }) }) }),
			attr(13, "\0\4\0\0\0\0\3\20\0\4\7\0\0\0\1\12\0\4\12\0\0\0\1\4\11\0\0\0\7\2c\0"),
			attr(18, { attr(1, { attr(1, z "counter"), attr(2, { attr(1, be64(1)) }) }) }))
		local elems = message(attr(3, { attr(1, { attr(1, { attr(1, "\1\2\3\4") }), attr(6, "\0\2c\0"), attr(4, be64(5)), attr(5, be64(4)),
			attr(7, { attr(1, z "limit"), attr(2, { attr(1, be64(1)), attr(2, be64(1)) }) }) }),
			attr(1, { attr(1, { attr(1, "\1\2\3\5") }), attr(3, be32(1)), attr(2, { attr(2, { attr(1, be32(-3 & 0xffffffff)), attr(2, z "x") }) }) }) }))
		for kind, whole in pairs {
			tables = message(attr(1, z "t"), attr(6, "\0\3hi\0\200\8rnm\1spec")),
			chains = message(attr(1, z "t"), attr(3, z "c"), attr(4, hook), attr(12, "\0\2c\0")),
			flowtables = message(attr(1, z "t"), attr(2, z "f"), attr(3, hook)),
			objects = message(attr(1, z "t"), attr(2, z "o"), attr(3, be32(7)), attr(4, { attr(2, "\17"), attr(3, { attr(1, be32(8)) }) })),
			sets = set,
			elems = elems,
			rules = message(attr(1, z "t"), attr(2, z "c"), attr(3, be64(9)), attr(4, { attr(1, { attr(1, z "immediate"),
				attr(2, { attr(1, be32(0)), attr(2, { attr(2, { attr(1, be32(1)), attr(2, z "chain") }) }) }) }) })),
		} do
			cut(kind, whole)
			twist(kind, whole)
		end
	end)
end)
