-- SPDX-License-Identifier: GPL-2.0-or-later
-- The operator's tool against a server that says what it was asked.
local control = require "rnm.core".control

local program = (os.getenv "RNM_BUILD" or "build") .. "/rnm"
local dir, path, pid

local function quote(s)
	return "'" .. s:gsub("'", "'\\''") .. "'"
end

-- A shell command → output and messages together, exit status.
local function try(command)
	local p = assert(io.popen("unset LD_PRELOAD; ( " .. command .. " ) 2>&1 </dev/null; echo $?"))
	local out, status = p:read "a":match "^(.-)(%d+)\n$"
	p:close()
	return out, tonumber(status)
end

local function rnm(args)
	return try(("%s -s %s %s"):format(program, path, args))
end

setup(function()
	assert(io.open(program), program .. " is not built"):close()
	local p = io.popen "mktemp -d"
	dir = p:read "l"
	p:close()
	path = dir .. "/s.sock"
	pid = assert(control.serve(path))
end)
teardown(function()
	if pid then
		control.stop(pid)
	end
	os.execute("rm -rf " .. dir)
end)

describe("rnm", function()
	it("asks and prints", function()
		assert.same({ "pong\n", 0 }, { rnm "ping" })
		assert.same({ "pong\n", 0 }, { rnm "plan" })
		assert.same({ "<inet>\n<t>\n<s>\n", 0 }, { rnm "list inet t s" })
	end)

	it("passes words as they are", function()
		assert.same({ "<ban>\n<address=203.0.113.9>\n<why=a \"b\" c\\>\n", 0 }, { rnm [[emit ban address=203.0.113.9 'why=a "b" c\']] })
	end)

	it("passes code as it is", function()
		assert.matches("^got <print%('a\\n'%)\nreturn 2>\n", (rnm("eval " .. quote "print('a\\n')\nreturn 2")))
		assert.matches("^got <1 %+ 2>\n", (rnm "eval 1 + 2"))
		assert.matches("^got <%-%-dry%-run %-%-pack wan %-%- x>\n", (rnm "eval --dry-run --pack wan x"))
		assert.matches("^got <%-%-dry%-run %-%-read%-only %-%-pack wan %-%- x>\n", (rnm "eval -p wan -r -n x"))
		assert.matches("^got <%-1>\n", (rnm "eval -- -1"))
		assert.matches("^got <a\nb\n>\n", (try(("printf 'a\\r\\nb\\n' | %s -s %s eval"):format(program, path))))
		assert.matches("^got <a\nb\n>\n", (try(("printf 'a\\nb\\n' | %s -s %s eval -"):format(program, path))))
	end)

	it("leaves control bytes alone unless a terminal reads them", function()
		assert.matches("\27%[31mred\xc2\x9b\n$", (rnm "eval x"))
		assert.matches("\\x1b%[31mred\\x9b\r\n$", (try(("NO_COLOR=1 script -qec '%s -s %s eval x' /dev/null"):format(program, path))))
	end)

	it("says what went wrong first, and fails with 1", function()
		assert.same({ "rnm: [eval]:1: 'end' expected near <eof>\nmore\n", 1 }, { rnm "eval function" })
		assert.same({ "rnm: unknown command 'reload'; 'help' lists them\n", 1 }, { rnm "reload" })
		local out, status = try(program .. " -s /nonexistent/s ping")
		assert.matches("^rnm: no daemon: there is no socket '/nonexistent/s'", out)
		assert.equal(1, status)
		out, status = try("head -c 70000 /dev/zero | tr '\\0' x | " .. program .. " -s " .. path .. " eval")
		assert.matches("longer than 61440 bytes", out)
		assert.equal(1, status)
		assert.same({ "rnm: the code has a NUL byte: only text is taken\n", 1 },
			{ try("printf 'a\\0b' | " .. program .. " -s " .. path .. " eval") })
	end)

	it("tells wrong usage with 2", function()
		for args, message in pairs {
			["pnig"] = "there is no command 'pnig'; did you mean 'ping'?",
			["xyzzyx"] = "there is no command 'xyzzyx'; 'rnm help' lists them",
			[""] = "usage: rnm",
			["--nonsense"] = "nonsense",
			["ping now"] = "'ping' takes no arguments",
			["status --jsn"] = "'status' takes no arguments but --json",
			["status --json x"] = "'status' takes no arguments but --json",
			["why"] = "what? An ADDRESS",
			["monitor x"] = "takes no arguments",
			["emit"] = "a TOPIC is missing",
			["emit a=b"] = "'a=b' is not a topic",
			["emit ban x"] = "'x' is not KEY=VALUE",
			["emit ban 1=x"] = "'1=x' is not KEY=VALUE",
			["emit ban 'a b=x'"] = "'a b=x' is not KEY=VALUE",
			["eval --pack 'a b' x"] = "'a b' is not a pack's name",
			["delta x"] = "'delta' takes no arguments but --json",
			["undo 1 2"] = "one of: how many",
			["help a b"] = "one topic",
			["eval --nonsense x"] = "options come before the CODE",
			["check x"] = "unexpected argument 'x'",
			["test a b"] = "unexpected argument 'b'",
			["test --x"] = "there is no option '--x'; busted's own go behind --",
			["test -f"] = "'-f' needs a value",
			["test a -f x"] = "options come before the folder: '-f'",
			["nft"] = "a command is missing: load, compile",
			["nft lood x"] = "'nft lood' is not there; did you mean 'load'?",
			["nft xyzzyx"] = "'nft xyzzyx' is not there: load, compile",
			["nft load"] = "the file is missing",
			["nft load a b"] = "one file at a time",
			["nft load --nonsense a"] = "wrong option",
			["nft compile -c a"] = "wrong option",
			["nft load -D x a"] = "NAME=VALUE is expected",
		} do
			local out, status = rnm(args)
			assert.is_truthy(out:find(message, 1, true), args .. "\n" .. out)
			assert.equal(2, status, args)
		end
	end)

	it("helps", function()
		local out, status = rnm "help"
		assert.equal(0, status)
		for _, name in ipairs { "ping", "status", "reload", "eval", "monitor", "plan", "list", "emit", "check", "test", "nft", "version" } do
			assert.matches("\n  " .. name .. "[ \n]", out)
		end
		assert.equal(out, (rnm "--help"))
		assert.matches("^rnm reload %[%-%-json%]\n", (rnm "help reload"))
		assert.matches("^nft.table%(family, name, spec%)\n", (rnm "help nft.table"))
		assert.matches("did you mean nft.table", (rnm "help nft.tabel"))
		assert.matches("^rnm %d+%.%d+", (rnm "version"))
	end)

	it("fails when its output can not be written", function()
		local out, status = rnm "ping >/dev/full"
		assert.equal(1, status)
		assert.matches("writing the output", out)
	end)

	it("runs specs with its own modules at hand", function()
		local f = assert(io.open(dir .. "/a_spec.lua", "w"))
		f:write [[it("finds them", function() assert.is_function(require "rnm.core".config.parse) end)]]
		f:close()
		-- with the preloaded sanitizers, if any: busted loads the module
		local function test(args)
			local p = io.popen(("env -u LUA_CPATH -u LUA_PATH %s test %s 2>&1; echo $?"):format(program, args))
			local out = p:read "a"
			p:close()
			return out
		end
		assert.matches("1 success.+\n0\n$", test(dir))
		f = assert(io.open(dir .. "/b_spec.lua", "w"))
		f:write [[it("fails", function() error "boom" end) it("too", function() error "boom" end)]]
		f:close()
		assert.equal(1, select(2, try(program .. " test " .. dir)))
		assert.matches("1 success.+0 failures.+\n0\n$", test("-f finds " .. dir))
		assert.matches("^ok 1 %- finds them\n1%.%.1\n0\n$", test("--output=TAP " .. dir .. "/a_spec.lua"))
		assert.matches("run 3 of 3", test(dir .. "/a_spec.lua -- --repeat=3"))
		assert.same({ "rnm: busted is not installed (Debian: apt install lua-busted; elsewhere: luarocks --lua-version 5.4 install busted)\n", 1 },
			{ try("PATH=/nonexistent " .. program .. " test " .. dir) })
		assert.same({ "rnm: '/nonexistent': No such file or directory\n", 1 }, { rnm "test /nonexistent" })
	end)

	it("monitors until the daemon ends or it is interrupted", function()
		local socket = dir .. "/m.sock"
		local server = assert(control.serve(socket))
		local log = dir .. "/log"
		os.execute(("%s -s %s monitor >%s 2>&1; echo status $? >>%s"):format("( " .. program, socket, log, log) .. ") &")
		for _ = 1, 100 do
			if control.call(socket, "publish 1")[1] == "heard" then
				break
			end
			os.execute "sleep 0.05"
		end
		control.stop(server)
		local function read()
			local f = io.open(log)
			local text = f:read "a"
			f:close()
			return text
		end
		for _ = 1, 100 do
			if read():find "status" then
				break
			end
			os.execute "sleep 0.05"
		end
		assert.matches("^watching\nOK line 1 0+1\nstatus 0\n$", read())
		local out, status = rnm "monitor & p=$!; sleep 0.5; kill -TERM $p; wait $p"
		assert.same({ "watching\n", 0 }, { out, status })
	end)
end)
