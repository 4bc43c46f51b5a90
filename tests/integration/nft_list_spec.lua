-- SPDX-License-Identifier: GPL-2.0-or-later
-- kernel_list() against the nft that is installed: the same text, and what is loaded from it is listed the same again.
local core = require("rnm.core")
local sh = require "sh"

local function have_nft()
	return os.execute "nft --version >/dev/null 2>&1"
end

local function nft(text)
	local name = os.tmpname()
	local f = assert(io.open(name, "w"))
	f:write(text)
	f:close()
	local p = assert(io.popen("nft -f " .. name .. " 2>&1"))
	local out = p:read "a"
	local ok = p:close()
	os.remove(name)
	assert(ok, out)
end

local function nft_list(args)
	local p = assert(io.popen("nft " .. args))
	local out = p:read "a"
	p:close()
	return out
end

local function list(t)
	return assert(core.nft.decompile.list(t or {}))
end

local ruleset = [[
table inet t {
	comment "a table"
	counter c1 {
		comment "hits"
		packets 3 bytes 4
	}
	quota q1 {
		over 500 mbytes
	}
	set a {
		type ipv4_addr
		elements = { 192.0.2.1, 192.0.2.2, 192.0.2.3 }
	}
	set b {
		type ipv4_addr
		flags interval
		auto-merge
		elements = { 10.0.0.0/8, 192.0.2.1-192.0.2.9 }
	}
	set p {
		type inet_service
		elements = { 1, 2, 3, 4, 5, 6, 7 }
	}
	set two {
		typeof ip saddr . tcp dport
		flags interval
		elements = { 10.0.0.0/8 . 22, 192.0.2.1 . 80-90 }
	}
	set dyn {
		type ipv4_addr
		size 128
		flags dynamic,timeout
		timeout 1m
	}
	map v {
		type ipv4_addr : verdict
		flags interval
		elements = { 192.0.2.1 : accept, 10.0.0.0/8 : jump other, * : drop }
	}
	map o {
		type ipv4_addr : counter
		elements = { 192.0.2.1 : "c1" }
	}
	chain other {
		comment "goes on"
		counter packets 5 bytes 6 return
	}
	chain in {
		type filter hook input priority filter - 5; policy drop;
		ct state established,related accept
		ip saddr @b tcp dport @p accept comment "hello there"
		ip saddr vmap @v
		counter name ip saddr map @o
		add @dyn { ip saddr timeout 10s limit rate 5/second }
		tcp dport 22 jump {
			ip saddr { 192.0.2.1, 192.0.2.7 } accept
			counter packets 0 bytes 0 drop
		}
		meta mark set ip saddr map { 192.0.2.1 : 0x00000001, 192.0.2.2 : 0x00000002 }
		ip saddr . tcp dport @two log prefix "two " level info
	}
}
]]

describe("kernel_list", function()
	setup(function()
		if have_nft() then
			nft "flush ruleset"
			nft(ruleset)
		end
	end)
	teardown(function()
		if have_nft() then
			nft "flush ruleset"
		end
	end)

	it("prints what nft prints", function()
		if not have_nft() then
			pending "no nft"
			return
		end
		assert.equal(nft_list "list ruleset", list())
		assert.equal(nft_list "-a list ruleset", list { handles = true })
		assert.equal(nft_list "-s list ruleset", list { stateless = true })
		assert.equal(nft_list "-t list ruleset", list { terse = true })
		assert.equal(nft_list "list tables", list { what = "tables" })
		assert.equal(nft_list "list chains", list { what = "chains" })
		assert.equal(nft_list "list sets", list { what = "sets" })
		assert.equal(nft_list "list maps", list { what = "maps" })
		assert.equal(nft_list "list counters", list { what = "objects", obj_type = 1 })
		assert.equal(nft_list "list set inet t b", list { what = "set", family = "inet", table = "t", name = "b" })
		assert.equal(nft_list "list chain inet t in", list { what = "chain", family = "inet", table = "t", name = "in" })
	end)

	it("is a fixed point", function()
		if not have_nft() then
			pending "no nft"
			return
		end
		local text = list()
		nft "flush ruleset"
		nft(text)
		assert.equal(text, list())
	end)

	it("can be loaded where a rule adds to a map that is not said to be dynamic", function()
		if not have_nft() then
			pending "no nft"
			return
		end
		nft "flush ruleset"
		nft [[
			table ip t {
				map m { type ipv4_addr . ipv4_addr : mark; }
				chain c { add @m { ip saddr . ip daddr : meta mark }; }
			}
		]]
		local text = list() -- has the size that the kernel gave it, which nft takes for a fixed one
		nft "flush ruleset"
		local file = os.tmpname()
		sh.write(file, text)
		sh.run(("%s/rnm nft load %s"):format(os.getenv "RNM_BUILD" or "build", file))
		os.remove(file)
		assert.equal(text, (list():gsub("\n%s*flags dynamic", "")))
	end)

	it("says of which objects a map is whose keys are declared by typeof", function()
		local file = os.tmpname()
		sh.write(file, "table inet typed { counter n { }; map m { typeof ip saddr . tcp dport : counter; }; }\n")
		sh.run(("%s/rnm nft load %s"):format(os.getenv "RNM_BUILD" or "build", file))
		os.remove(file)
		local q = { what = "map", family = "inet", table = "typed", name = "m" }
		assert.matches("typeof ip saddr . tcp dport : counter\n", list(q), 1, true)
	end)

	it("says what is not there", function()
		local ok, message, code = core.nft.decompile.list { family = "inet", table = "nowhere" }
		assert.is_nil(ok)
		assert.equal(2, code)
		assert.is_string(message)
	end)
end)
