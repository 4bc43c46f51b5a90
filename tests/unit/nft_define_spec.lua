-- SPDX-License-Identifier: GPL-2.0-or-later
local file = require("rnm.core").nft_file
local nft = require "nftfile"
local parse = nft.parse
local lines = nft.lines
local of = nft.of
local message = nft.message
local rules = nft.rules
local elements = nft.elements

describe("define", function()
	local function rule(defs, text, t)
		local c = of("rule", defs .. "\ntable t { chain c { " .. text .. " } }", t)
		return c.error and c.error:match "^[^\n]*" or c.tree
	end

	it("stands for words, ranges, prefixes, concatenations, sets", function()
		for value, want in pairs {
			["22"] = "22", ["22-80"] = "22-80", ["{ 22, 80-90 }"] = "{ 22, 80-90 }", ["10.0.0.0/8"] = "10.0.0.0/8", ["1.1.1.1 . 80"] = "1.1.1.1 . 80", ["@s"] = "@s",
			['"eth0"'] = '"eth0"', ["eth*"] = "eth*", ["tcp"] = "tcp", ["established,related"] = "established,related", ["{ tcp . 22 }"] = "{ tcp . 22 }",
			["{\n22,\n80\n}"] = "{ 22, 80 }", ["1h"] = "1h",
		} do
			assert.equal("<19> == " .. want, rule("define x = " .. value, "tcp dport $x"), value)
		end
	end)

	it("is taken apart in lists", function()
		assert.equal("<19> == { 1, 2, 3, 4 }", rule("define a = { 2, 3 }", "tcp dport { 1, $a, 4 }"))
		assert.equal("<19> == { 1, 2, 3, 4 }", rule("define a = { 2, 3 }\ndefine b = { 1, $a }", "tcp dport { $b, 4 }"))
		assert.equal("<19> == { 1 }", rule("define a = { }", "tcp dport { $a, 1 }"))
		assert.equal("<19> == 1-9", rule("define a = 1", "tcp dport $a - 9"))
		assert.equal("<19> == 10.0.0.0/8", rule("define a = 10.0.0.0\ndefine b = 8", "ip saddr $a/$b"))
		assert.same({ "1", "2", "3" }, elements "define a = { 2, 3 }\ntable t { set s { type mark; elements = { 1, $a } } }")
		assert.same({ "2", "3" }, elements "define a = { 2, 3 }\ntable t { set s { type mark; elements = $a; } }")
		assert.same({ "2 : accept", "3 : accept" }, elements "define a = { 2, 3 }\ntable t { map s { type mark : verdict; elements = { $a : accept } } }")
		assert.same({}, elements "define a = { }\ntable t { set s { type mark; elements = $a; } }")
		assert.same({ "1 : accept", "2 : goto x" }, elements "define c = x\ndefine a = { 1 : accept, 2 : goto $c }\nadd element t m $a")
	end)

	it("stands in the text of the rule", function()
		assert.same({ 'iifname "eth0" tcp dport { 22, { 80, 90 } } accept' },
			rules 'define wan = "eth0"\ndefine a = { 80,\n 90 }\ndefine b = { 22, $a } # b\ntable t { chain c { iifname $wan tcp dport $b accept } }')
	end)

	it("names chains, and fills in prefixes", function()
		assert.equal("jump x", of("elements", "define c = x\nadd element t m { 1 : jump $c }").elements[1]:sub(5))
		assert.same({ "jump x" }, rules "define c = x\ntable t { chain d { jump $c } }")
		assert.is_nil(of("rule", 'define a = "in"\ntable t { chain c { log prefix "$a: $a-x" } }').error)
		assert.matches("nothing defines %$b here", rule("define a = 1", 'log prefix "$b"'))
		assert.matches("is no text", rule("define a = { 1 }", 'log prefix "$a"'))
	end)

	it("has scopes as blocks are", function()
		assert.same({ "tcp dport 4", "tcp dport 1" }, rules "define p = 1\ntable t { chain c { redefine p = 4; tcp dport $p } ; chain d { tcp dport $p } }")
		assert.same({ "tcp dport 1", "tcp dport 1" }, rules "define p = 1\ntable t { chain c { tcp dport $p } ; chain d { undefine p }; chain e { tcp dport $p } }")
		assert.same({ "tcp dport 1", "tcp dport 2", "tcp dport { 2, 7 }" },
			rules "define p = 1\nadd rule t c tcp dport $p\nredefine p = 2\nadd rule t c tcp dport $p\nredefine p = { $p, 7 }\nadd rule t c tcp dport $p")
		assert.same({ "tcp dport 3" }, rules "table t { chain c { define p = 1; } ; }\ndefine p = 3\nadd rule t c tcp dport $p")
		local c = of("rule", "table t { define p = 1; }\nadd rule t c tcp dport $p")
		assert.same({ "p", "tcp dport $p" }, { c.param, c.rule })
	end)

	it("is not said twice", function()
		assert.equal("test.nft:2:8: p is defined already, use `redefine` for a new value", (message "define p = 1\ndefine p = 2"))
		assert.matches("p is defined already", (message "define p = 1\ntable t { chain c { define p = 2; } }"))
		assert.same({ "tcp dport 2" }, rules "define p = 1\nundefine p\ndefine p = 2\nadd rule t c tcp dport $p")
	end)

	it("comes from outside, and can be said again", function()
		assert.same({ "tcp dport 5", "iifname eth0" }, rules("add rule t c tcp dport $p\nadd rule t c iifname $if", { define = { "p=5", "if=eth0" } }))
		assert.matches("expected NAME=VALUE", (message("", { define = { "p" } })))
	end)

	it("knows the longest name", function()
		assert.equal("<19> == 7", rule("define a-b = 7\ndefine a = 1", "tcp dport $a-b"))
		assert.equal("<19> == 7", rule("define a/8 = 7\ndefine a = 1", "tcp dport $a/8"))
	end)

	it("is refused with the reason", function()
		assert.equal("test.nft:2:17: nothing defines $pots here; did you mean $ports?", (message "define ports = 1\ndefine x = { 1, $pots }"))
		assert.equal(1, select(2, message "define x = $y\ndefine z = { $x, 1 }\n"))
		for _, text in ipairs { "define = 1", "define a 1", "define a =", "define a = \n1", "define 1a = 1", "define a = { 1", "define a = 1 2", "define a = { 1 } x", "undefine" } do
			assert.is_nil(parse(text), text)
		end
	end)

	it("does not grow without bounds", function()
		local t = { "define a0 = { 1, 2 }" }
		for i = 1, 40 do
			t[#t + 1] = ("define a%d = { $a%d, $a%d }"):format(i, i - 1, i - 1)
		end
		local text = table.concat(t, "\n")
		local start = os.clock()
		assert.matches("nested too deep", elements(text .. "\nadd element t s $a40"))
		assert.matches("too large", rules(text .. "\nadd rule t c tcp dport $a20")[1])
		assert.matches("too long", elements(text .. "\nadd element t s { $a22, $a22, $a22, $a22 }"))
		for i = #t, 16, -1 do
			t[i] = nil
		end
		t[#t + 1] = "add rule t c tcp dport $a14"
		t[#t + 1] = "add element t s $a14"
		local cmds = parse(table.concat(t, "\n"))
		assert.equal(32768, #cmds[2].elements)
		assert.is_true(os.clock() - start < 20)
	end)
end)

describe("values from outside", function()
	local params = { one = "192.0.2.1", list = { "1", "2*", 3 }, live = true }

	it("stay names in rules", function()
		local c = of("rule", "add rule t c ip saddr $addr", { params = params })
		assert.same({ "addr", "ip saddr $addr" }, { c.param, c.rule })
	end)

	it("are data in elements", function()
		assert.same({ "$one", '"1"', '"2\\x5c*"', "3", "$live" }, elements("add element t s { $one, $list, $live }", { params = params }))
	end)

	it("stand in sizes and times", function()
		local s = of("set", "add set t s { type mark; size $n; timeout $d; }", { params = { n = 5, d = "1h" } })
		assert.same({ 5, 3600000 }, { s.size, s.timeout })
		assert.matches("nothing defines %$m here; did you mean %$mm", (message("add set t s { type mark; size $m; }", { params = { mm = 5 } })))
	end)
end)

describe("include", function()
	it("continues the block it stands in", function()
		local files = {
			defs = { "define p = 22" }, ["*.nft"] = { "add chain t x", "add chain t y" },
			chains = { "chain a { accept; }\nchain b { include \"rules\"; }" }, rules = { "tcp dport $p accept\ndrop" },
		}
		assert.same({ "add chain ip t x", "add chain ip t y", "add table ip t", "add chain ip t a", "add chain ip t b", "add rule ip t a accept",
			"add rule ip t b tcp dport 22 accept", "add rule ip t b drop" },
			lines('include "defs"\ninclude "*.nft"\ntable t { include "chains"; }', { files = files }))
	end)

	it("tells errors of the included file in its place", function()
		assert.equal("bad#1:2:1: unexpected `foo`, expected a command, like `table …` or `add rule …`",
			(message('include "bad"', { files = { bad = { "\nfoo" } } })))
		assert.equal("x#1:1:1: this `}` closes nothing", (message('table t { include "x"; }', { files = { x = { "}" } } })))
		assert.equal("test.nft:1:9: there is no file nope", (message('include "nope"', { files = {} })))
		assert.matches("files can not be included here", (message 'include "x"'))
	end)

	it("is bounded", function()
		assert.matches("does one include itself", (message('include "a"', { files = { a = { 'include "a"' } } })))
		assert.matches("more than 1024 files are included", (message('include "a"', { files = { a = { 'include "b";include "b"' }, b = { ('include "c";'):rep(600) }, c = { "" } } })))
	end)
end)

describe("files on disk", function()
	local dir

	local function write(name, text, mode)
		local path = dir .. "/" .. name
		local f = assert(io.open(path, "w"))
		f:write(text)
		f:close()
		os.execute(("chmod %s '%s'"):format(mode or "644", path))
		return path
	end

	setup(function()
		local p = io.popen "mktemp -d"
		dir = p:read "l"
		p:close()
		os.execute(("chmod 755 %s && mkdir -p %s/d/sub %s/out"):format(dir, dir, dir))
		write("d/b.nft", "B")
		write("d/a.nft", "A")
		write("d/C.nft", "C")
		write("d/.hidden.nft", "H")
		write("d/sub/x.nft", "X")
		write("d/open.conf", "O", "666")
		write("out/secret.nft", "S")
		os.execute(("ln -s ../out/secret.nft %s/d/link.lnk; ln -s a.nft %s/d/inner.lnk; ln -s ../out %s/d/outdir"):format(dir, dir, dir))
	end)

	teardown(function()
		os.execute("rm -r '" .. dir .. "'")
	end)

	local function texts(pattern, from, confined, ...)
		local t, why = file.include(pattern, from, confined, ...)
		if not t then
			return why
		end
		local out = {}
		for i = 2, #t, 2 do
			out[#out + 1] = t[i]
		end
		return table.concat(out)
	end

	it("come sorted, without hidden ones", function()
		assert.equal("CAB", texts(dir .. "/d/*.nft", "x", false))
		assert.equal("AB", texts("[ab].nft", "x", false, dir .. "/d"))
		assert.equal("", texts(dir .. "/none/*", "x", false))
		assert.equal("", texts(dir .. "/d/sub", "x", false))
		assert.equal("A", texts("a.nft", "x", false, dir .. "/out", dir .. "/d"))
		assert.equal("there is no file nope.nft", texts("nope.nft", "x", false, dir .. "/d"))
		assert.equal("/dev/null is no regular file", texts("/dev/null", "x", false))
	end)

	it("are confined to folders for a daemon", function()
		local d = dir .. "/d"
		assert.equal("A", texts("a.nft", d .. "/main.nft", true, d))
		assert.equal("X", texts("x.nft", d .. "/sub/main.nft", true, d))
		assert.equal("A", texts("a.nft", d .. "/sub/main.nft", true, d))
		assert.equal("A", texts(d .. "/a.nft", "pack", true, d))
		assert.equal("CAB", texts("*.nft", d .. "/main.nft", true, d))
		assert.equal("A", texts("inner.lnk", d .. "/main.nft", true, d))
		assert.matches("leads out of", texts("link.lnk", d .. "/main.nft", true, d))
		assert.matches("leads out of", texts("outdir/secret.nft", d .. "/main.nft", true, d))
		assert.matches("leads out of", texts("outdir/*.nft", d .. "/main.nft", true, d))
		assert.matches("`..` can not be included here", texts("../out/secret.nft", d .. "/main.nft", true, d), 1, true)
		assert.matches("lies outside", texts(dir .. "/out/secret.nft", d .. "/main.nft", true, d))
		assert.matches("lies outside", texts("/etc/passwd", d .. "/main.nft", true, d))
		assert.matches("can be written by everybody", texts("open.conf", d .. "/main.nft", true, d))
		assert.matches("there is no file", texts("secret.nft", dir .. "/out/main.nft", true, d))
	end)
end)

describe("errors", function()
	it("are told all at once, in the order of the text, also those of rules", function()
		local _, errors, n = parse [[
table t {
	chain c {
		tcp dprot 22
		policy drp
		accept
	}
	st s { type mark; }
	set u { type nonsense; flags foo; }
}
add rule t c foo
bogus
]]
		local got = {}
		for at in errors:gmatch "test.nft:(%d+:%d+): " do
			got[#got + 1] = at
		end
		assert.same({ "3:7", "4:10", "7:2", "8:15", "8:31", "10:14", "11:1" }, got)
		assert.equal(6 + 1, n)
	end)

	it("show the line and a caret", function()
		local _, errors = parse "table t {\n\tchain c { type filter hook inputt priority 0; }\n}"
		assert.equal('test.nft:2:29: no hook "inputt" in family ip; did you mean "input"?\n     chain c { type filter hook inputt priority 0; }\n' ..
			"                                ^^^^^^", errors)
	end)

	it("are counted when there are many", function()
		local _, errors, n = parse(("foo\n"):rep(50))
		assert.equal(50, n)
		assert.matches("30 more errors$", errors)
		assert.equal(20, select(2, errors:gsub("test.nft:%d+:", "")))
	end)

	it("know their line in long texts", function()
		local text = ("# a comment of some length\n"):rep(5000) .. "foo\n" .. ("x"):rep(9000) .. " y z"
		local _, errors = parse(text)
		assert.matches("^test.nft:5001:1: ", errors)
		text = "table t { chain c {\n" .. ("accept\n"):rep(3000) .. "foo\n}\n}"
		local last
		for _, c in ipairs(parse(text)) do
			last = c
		end
		assert.matches("^test.nft:3002:1: ", last.error)
	end)

	it("tell of blocks that are never closed once", function()
		local e, n = message "table t {\n chain c {\n accept\n"
		assert.equal("test.nft:2:10: this block is never closed", e)
		assert.equal(1, n)
	end)

	it("tell where braces were left open, and what follows is read", function()
		local _, errors, n = parse "table t {\n chain c {\n  tcp dport { 22, 80\n }\n chain d { foo; }\n}\ntable u { chain x { accept }\n\ntable v { bar; }\n"
		assert.equal(4, n)
		for i, want in ipairs { "2:10: this block is never closed", "5:12: unexpected `foo`", "7:9: this block is never closed", "9:11: unexpected `bar`" } do
			assert.matches("test.nft:" .. want, errors, 1, true, i)
		end
	end)

	it("of the compiler have their place in the file", function()
		local text = "define ports = 22\ndefine net = 10.0.0.0/8\ntable t {\n\tchain c {\n\t\taccept\n\t\t%s\n\t}\n}"
		local function error_of(rule)
			local cmds = parse(text:format(rule), { compile = true })
			return cmds[#cmds].error, cmds[#cmds].text
		end
		assert.matches("test.nft:6:13: $prts has no value; did you mean $ports?" , (error_of "tcp dport $prts"), 1, true)
		assert.matches("^test.nft:6:13: ", (error_of "tcp dport 70000"))
		assert.matches("^test.nft:6:13: ", (error_of "tcp dport $net"))
		local e, t = error_of "ip saddr $net   tcp dport { $ports, 80 } # here\n"
		assert.same({ nil, "ip saddr 10.0.0.0/8 tcp dport { 22, 80 }" }, { e, t })
	end)

	it("tell of bytes that no text has", function()
		assert.matches("a NUL byte in the text", (message "table t\0"))
		assert.matches("byte 0xff", (message "table \255"))
		assert.matches("the quote is never closed", (message 'table t { comment "x }'))
	end)

	it("propose what a chain's line was meant to be", function()
		local c = of("rule", "table t { chain c { polcy accept; } }")
		assert.matches("unexpected `polcy`; did you mean `policy`?", c.error, 1, true)
	end)

	it("do not grow with the square of the text", function()
		for _, text in ipairs {
			("x;"):rep(100000), ("table t { chain c {"):rep(20000), ("{"):rep(100000), ("table t { set s { elements = {"):rep(10000), ("define a = { "):rep(20000),
			"table t { chain c { " .. ("x "):rep(100000) .. "} }", ("$x "):rep(50000), ('"'):rep(99999), ("}"):rep(50000),
			"add element t s { " .. ("{ "):rep(50000), "add element t s { " .. ("1 . "):rep(50000) .. " }",
		} do
			local start = os.clock()
			parse(text)
			assert.is_true(os.clock() - start < 5, text:sub(1, 30))
		end
	end)
end)
