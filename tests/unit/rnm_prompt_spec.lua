-- SPDX-License-Identifier: GPL-2.0-or-later
-- The prompt of `rnm eval` on a terminal, against a server that says what it was asked.
local control = require "rnm.core".control
local terminal = require "terminal"

local program = (os.getenv "RNM_BUILD" or "build") .. "/rnm"
local dir, path, pid, t

local function start(options, args)
	options = options or {}
	options.env = { HOME = dir, XDG_STATE_HOME = "" }
	local argv = { program, "-s", path, "eval" }
	for _, a in ipairs(args or {}) do
		argv[#argv + 1] = a
	end
	t = terminal.start(argv, options)
	t:wait "Ctrl-D leaves.\nrnm>"
	return t
end

-- Types, and waits for what the server got; its second line is always the same.
local function sends(keys, code)
	t:type(keys):wait("got <" .. code .. ">\n\\x1b[31mred\\x9b\nrnm>")
end

describe("the prompt", function()
	setup(function()
		local p = io.popen "mktemp -d"
		dir = p:read "l"
		p:close()
		path = dir .. "/s.sock"
		pid = assert(control.serve(path))
	end)
	teardown(function()
		control.stop(pid)
		os.execute("rm -rf " .. dir)
	end)
	before_each(function()
		os.execute("rm -rf " .. dir .. "/.local")
	end)
	after_each(function()
		if t then
			t:stop()
		end
		t = nil
	end)

	it("edits lines", function()
		start()
		sends("abc\27[D\27[DX\1Y\5Z\127\r", "YaXbc")
		sends("abc\1\27[3~\r", "bc")
		sends("one two\23\r", "one")
		sends("one two\27[D\27[D\27[D\21\r", "two")
		sends("one two\27[1~\6\6\6\11\r", "one")
		sends("äöü\27[D\127\r", "äü")
		t:type "abandoned\3"
		t:wait "abandoned\nrnm>"
		sends("b\r", "b")
		t:type "\4"
		assert.equal(0, t:close())
		t = nil
	end)

	it("shows wide characters, long lines and what a resize does", function()
		start { columns = 30 }
		t:type "'日本語' é e\204\129x":wait "rnm> '日本語' é e\204\129x"
		assert.equal(6 + 8 + 1 + 1 + 1 + 2, t.column)
		t:type "\21":wait "rnm>"
		t:type(("abcdefghij"):rep(10)):wait "hij"
		assert.matches("\nrnm> [a-j]+$", t:text())
		assert.is_true(#t:text():match "[^\n]*$" <= 30)
		t:type "\1":wait "rnm> abcdefghijabcdefghijabcd"
		t:resize(24, 60):wait(("rnm> " .. ("abcdefghij"):rep(10)):sub(1, 59))
		t:type "\5\21":wait "rnm>"
	end)

	it("begins a line until a chunk is whole, and edits all of it", function()
		start()
		t:type "local function f()\r":wait "rnm> local function f()\n...>"
		t:type "return 2\r":wait "...> return 2\n...>"
		sends("end\r", "local function f()\nreturn 2\nend")
		-- Up goes into the text of several lines, and from its first line into the history.
		t:type "\27[A":wait "rnm> local function f()\n...> return 2\n...> end"
		sends("\27[A\5 + 1\27[B\5 -- done\r", "local function f()\nreturn 2 + 1\nend -- done")
		t:type "x = {\r":wait "...>"
		t:type "1,\3":wait "rnm>"
		sends("y\r", "y")
		-- An empty line sends what is not whole: the daemon's word is wanted.
		t:type "function\r":wait "...>"
		t:type "\r":wait "[eval]:1: 'end' expected near <eof>\nmore\nrnm>"
		sends("a\27\rb\r", "a\nb")
		sends("error('near <eof>')\r", "error('near <eof>')")
	end)

	it("takes what is pasted as it is", function()
		start()
		t:type "\27[200~function f()\r\n\tlocal x = 'ä'\r\n\r\n\tnet.\7\27[2J\r\nend\27[201~":wait "...> end"
		sends("\r", "function f()\n        local x = 'ä'\n\n        net.[2J\nend")
	end)

	it("keeps a history, for each other prompt too", function()
		start()
		sends("one\r", "one")
		sends("two\r", "two")
		sends("\27[A\27[A\r", "one")
		sends("\16\16\16\0163\27[D\27[C\8\27[B\16\0163\r", "one3")
		sends("for i = 1, 2 do\27\rend -- \\\r", "for i = 1, 2 do\nend -- \\")
		local first = t
		start()
		sends("\27[A\r", "for i = 1, 2 do\nend -- \\")
		sends("other\r", "other")
		t:type "\4"
		t:close()
		t = first
		sends("last\r", "last")
		t:type "\4"
		t:close()
		local f = assert(io.open(dir .. "/.local/state/rnm/history"))
		assert.equal("one\ntwo\none\none3\nfor i = 1, 2 do\\nend -- \\\\\nother\nlast\n", f:read "a")
		f:close()
		local p = io.popen("stat -c %a " .. dir .. "/.local/state/rnm/history " .. dir .. "/.local/state/rnm")
		assert.equal("600\n700\n", p:read "a")
		p:close()
		f = assert(io.open(dir .. "/.local/state/rnm/history", "w"))
		for i = 1, 3000 do f:write("line" .. i .. "\n") end
		f:close()
		start()
		sends("\27[A\r", "line3000")
		local n = 0
		for _ in io.lines(dir .. "/.local/state/rnm/history") do n = n + 1 end
		assert.equal(1000, n)
	end)

	it("searches what was typed before", function()
		start()
		sends("first word\r", "first word")
		sends("second word\r", "second word")
		sends("third\r", "third")
		t:type "\18":wait "(search) :"
		t:type "word":wait "(search) word: second word"
		t:type "\18":wait "(search) word: first word"
		sends("\r", "first word")
		t:type "kept\18seco":wait "(search) seco: second word"
		t:type "\7":wait "rnm> kept"
		t:type "\18none at all":wait "(search) none at all ?:"
		t:type "\3":wait "rnm> kept"
		sends("\18thi\27[D\127\r", "thid")
	end)

	it("completes", function()
		start()
		t:type "x on\t":wait "rnm> x only"
		t:type "\21x n":wait "rnm> x n"
		t:press "\t"
		t:press "\t":shows "näher%s+näht\n… 7 more\nrnm> x n$"
		assert.matches("net%.addrs%s+net%.links%s+net%.link%s", t:text())
		t:type "\21x net.l\t":wait "rnm> x net.link"
		t:type "\21x nä\t":wait "rnm> x näh"
		t:type "\21\ty":wait "rnm>   y"
		t:type "\21:de\t":wait "rnm> :delta"
		t:type "\21nothing at all":wait "nothing at all"
		t:press "\t"
		t:press "\t"
		t:type "!":wait "rnm> nothing at all!"
		t:type "\21a\tb\tc":wait "a  b  c" -- many keys at once are a text that is pasted
	end)

	it("has commands of its own", function()
		start()
		t:type ":plan\r":wait "pong\nrnm>"
		t:type ":hlp\r":wait "there is no :hlp; did you mean :help?\nrnm>"
		t:type ":plan x\r":wait ":plan takes no arguments\nrnm>"
		t:type ":help set:del\r":shows "\nset:del%(e%)\n  Takes an element.+\nrnm>$"
		t:type ":help nft.tabel\r":wait "did you mean nft.table?\nrnm>"
		t:type ":pack wan\r":wait "rnm(wan)>"
		t:type "x\r":wait "got <--pack wan -- x>\n\\x1b[31mred\\x9b\nrnm(wan)>"
		t:type ":dry on\r":wait "rnm(wan, dry)>"
		t:type "x\r":wait "got <--dry-run --pack wan -- x>\n\\x1b[31mred\\x9b\nrnm(wan, dry)>"
		t:type ":pack\r:dry off\r":wait "rnm>"
		t:type ":pack a b\r":wait "'a b' is not a pack's name\nrnm>"
		t:type ":q\r"
		assert.equal(0, t:close())
		t = nil
	end)

	it("is read-only when it is to be", function()
		t = terminal.start({ program, "-s", path, "eval", "--read-only" }, { env = { HOME = dir } })
		t:wait "rnm(read-only)>"
		t:type "x\r":wait "got <--read-only -- x>\n\\x1b[31mred\\x9b\nrnm(read-only)>"
		t:type ":undo\r":wait "this prompt is read-only\nrnm(read-only)>"
	end)

	it("has the daemon's colours, and nothing else of it moves the terminal", function()
		start { colours = true }
		t:type "x\r":wait "got <--colour -- x>\nred\\x9b\nrnm>"
		assert.matches("\27%[31mred\\x9b", t.raw)
	end)
end)
