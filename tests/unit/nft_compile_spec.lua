-- SPDX-License-Identifier: GPL-2.0-or-later
-- `rnm nft compile`: the notation of nft's debugging, without rights and without a kernel that knows the tables.
local sh = require "sh"

local program = (os.getenv "RNM_BUILD" or "build") .. "/rnm"
local dir = sh.tempdir()
local file = dir .. "/f.nft"

local function compile(text, args)
	sh.write(file, text)
	local out, code = sh.try(("%s nft compile %s %s"):format(program, args or "", file))
	return out:gsub(file, "F"), code
end

local function compiles(text, want, args)
	local out, code = compile(text, args)
	assert.equal(0, code, out)
	assert.equal(want, out)
end

setup(function()
	assert(io.open(program), program .. " is not built"):close()
end)
teardown(function()
	sh.run("rm -rf " .. dir)
end)

describe("rnm nft compile", function()
	it("prints rules as nft --debug=netlink does", function()
		compiles([[
			table ip t {
				chain c {
					type filter hook input priority 0
					ip saddr 192.0.2.1 tcp dport 22 counter accept
					ct state new log prefix "x" comment "why"
				}
			}
			insert rule ip t c position 7 drop
			replace rule ip t c handle 9 return
			delete rule ip t c handle 4
		]], [[
ip t c
  [ payload load 4b @ network header + 12 => reg 1 ]
  [ cmp eq reg 1 0x010200c0 ]
  [ meta load l4proto => reg 1 ]
  [ cmp eq reg 1 0x00000006 ]
  [ payload load 2b @ transport header + 2 => reg 1 ]
  [ cmp eq reg 1 0x00001600 ]
  [ counter pkts 0 bytes 0 ]
  [ immediate reg 0 accept ]

ip t c
  [ ct load state => reg 1 ]
  [ bitwise reg 1 = ( reg 1 & 0x00000008 ) ^ 0x00000000 ]
  [ cmp neq reg 1 0x00000000 ]
  [ log prefix x ]
  userdata = { \x00\x04why\x00 }
ip t c 7
  [ immediate reg 0 drop ]

ip t c
  [ immediate reg 0 return ]

]])
	end)

	it("prints sets with their elements", function()
		compiles([[
			table ip t {
				set s { type ipv4_addr; flags interval; elements = { 192.0.2.0/24, 198.51.100.7 }; }
				set x { type inet_service; timeout 4s; size 100; elements = { 80 comment "web", 443 }; }
				set u { type ipv4_addr; flags dynamic; }
				map m { type ipv4_addr : verdict; elements = { 192.0.2.1 : jump d, * : drop }; }
				chain d { }
				chain c {
					tcp dport { 22, 80-90 } accept
					ip saddr . tcp dport { 192.0.2.1 . 22 } drop
					ip saddr vmap @m
				}
			}
		]], [[
s t 4
x t 10 timeout 4000ms size 100
u t 20
m t 8
s t 0
	element 00000000  : 1 [end]	element 000200c0  : 0 [end]	element 000300c0  : 1 [end]	element 076433c6  : 0 [end]	element 086433c6  : 1 [end]
x t 0
	element 00005000  : 0 [end]  userdata = { \x00\x04web\x00 }	element 0000bb01  : 0 [end]
m t 0
	element 010200c0  : jump -> d 0 [end]	element  : drop 2 [end]
__set%d t 7 size 5
__set%d t 0
	element 00000000  : 1 [end]	element 00001600  : 0 [end]	element 00001700  : 1 [end]	element 00005000  : 0 [end]	element 00005b00  : 1 [end]
ip t c
  [ meta load l4proto => reg 1 ]
  [ cmp eq reg 1 0x00000006 ]
  [ payload load 2b @ transport header + 2 => reg 1 ]
  [ lookup reg 1 set __set%d ]
  [ immediate reg 0 accept ]

__set%d t 3 size 1
__set%d t 0
	element 010200c0 00001600  : 0 [end]
ip t c
  [ meta load l4proto => reg 1 ]
  [ cmp eq reg 1 0x00000006 ]
  [ payload load 4b @ network header + 12 => reg 1 ]
  [ payload load 2b @ transport header + 2 => reg 9 ]
  [ lookup reg 1 set __set%d ]
  [ immediate reg 0 drop ]

ip t c
  [ payload load 4b @ network header + 12 => reg 1 ]
  [ lookup reg 1 set m dreg 0 ]

]])
	end)

	it("marks the sets that rules behind them change", function()
		compiles("table ip t { set s { type ipv4_addr; size 9; }; chain c { add @s { ip saddr }; }; }\n", [[
s t 20 size 9
ip t c
  [ payload load 4b @ network header + 12 => reg 1 ]
  [ dynset add reg_key 1 set s ]

]])
	end)

	it("merges elements of all commands where the set says so", function()
		compiles([[
			table ip t { set s { type inet_service; flags interval; auto-merge; }; }
			add element ip t s { 1-5, 6 }
			add element ip t s { 9 }
			delete element ip t s { 3 }
		]], "s t 4\ns t 0\n" .. "\telement 00000000  : 1 [end]\telement 00000100  : 0 [end]\telement 00000300  : 1 [end]\telement 00000400  : 0 [end]" ..
			"\telement 00000700  : 1 [end]\telement 00000900  : 0 [end]\telement 00000a00  : 1 [end]\n")
	end)

	it("takes values from -D and text from standard input", function()
		local out, code = sh.try(("printf 'add rule ip t c tcp dport $p accept\\n' | %s nft compile -D p=8080 -"):format(program))
		assert.equal(0, code, out)
		assert.matches("cmp eq reg 1 0x0000901f", out)
	end)

	it("prints nothing but the errors where there are some", function()
		local out, code = compile "add rule ip t c accept\nadd rule ip t c ip saddr 1.2.3 accept\nadd rule ip t c tcp dport 70000 drop\n"
		assert.equal(1, code)
		assert.matches("^F:2:", out)
		assert.matches("\nF:3:", out)
		assert.not_matches("immediate", out)
	end)

	it("has two words and three exit codes", function()
		assert.equal(2, select(2, sh.try(program .. " nft")))
		assert.equal(2, select(2, sh.try(program .. " nft compile")))
		assert.equal(2, select(2, sh.try(program .. " nft compile -c x")))
		assert.equal(2, select(2, sh.try(program .. " nft compile a b")))
		assert.equal(2, select(2, sh.try(program .. " nft compile -D x y")))
		assert.equal(2, select(2, sh.try(program .. " nft comple x")))
		assert.equal(1, select(2, sh.try(program .. " nft compile " .. dir .. "/none")))
		assert.equal(0, select(2, sh.try(program .. " nft compile /dev/null")))
	end)
end)
