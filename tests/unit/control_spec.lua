-- SPDX-License-Identifier: GPL-2.0-or-later
local control = require "rnm.core".control

local function capture(command)
	local p = assert(io.popen(command))
	local out = p:read "a"
	p:close()
	return out
end

describe("framing", function()
	local function frames(bytes)
		local list, left = control.frames(bytes)
		local out = {}
		for i, f in ipairs(list) do
			out[i] = f[1] == "line" and f[2] or "<" .. f[1] .. ">"
		end
		return out, left
	end

	it("gives whole lines, one after the other", function()
		assert.same({ "ping", "eval 1 + 1", "<empty>", "<empty>", "status" }, (frames "ping\neval 1 + 1\r\n\n \t\nstatus\npart"))
		assert.equal(4, select(2, frames "ping\nstatus\npart"))
		assert.equal(0, select(2, frames ""))
	end)

	it("goes on after a line with control bytes", function()
		assert.same({ "<bad>", "<bad>", "<bad>", "a\tb" }, (frames "a\0b\na\27b\na\rb\na\tb\n"))
	end)

	it("ends at a line that is too long", function()
		assert.same({ ("x"):rep(65536) }, (frames(("x"):rep(65536) .. "\r\n")))
		assert.same({ "<too long>" }, (frames(("x"):rep(65537) .. "\n")))
		assert.same({ "<too long>" }, (frames(("x"):rep(65538))))
		assert.same({}, (frames(("x"):rep(65536))))
	end)

	it("takes any bytes, cut anywhere, as it takes them whole", function()
		local bytes, rest, got = "ping\r\nstatus\n\n{\nx\0y\nlast", "", {}
		local whole = frames(bytes)
		for i = 1, #bytes do
			rest = rest .. bytes:sub(i, i)
			local list, left = frames(rest)
			for _, f in ipairs(list) do
				got[#got + 1] = f
			end
			rest = rest:sub(#rest - left + 1)
		end
		assert.same(whole, got)
		assert.equal("last", rest)
	end)
end)

describe("code on one line", function()
	it("comes back as it was", function()
		for _, code in ipairs { "", "a", "a\nb\n", "print('a\\nb')", "\\", "\\\\n", "\\\n\\n", "äö" } do
			local line = control.escape(code)
			assert.is_nil(line:find "\n")
			assert.equal(code, control.unescape(line))
		end
		assert.equal("a\\d\\", control.unescape "a\\d\\")
	end)
end)

describe("arguments", function()
	it("are words, quoted where they must be", function()
		assert.same({ "ban", "address=203.0.113.9", "time=10m" }, control.words " ban  address=203.0.113.9\ttime=10m ")
		assert.same({ "a b", 'c"d\\', "", "x y" }, control.words [["a b" "c\"d\\" "" x" "y]])
		assert.same({ "a\\b" }, control.words "a\\b")
		assert.same({}, control.words "")
		local _, message = control.words 'a "b'
		assert.equal('a " is left open', message)
		assert.equal("more than 1024 words", select(2, control.words(("a "):rep(1025))))
	end)

	it("come back as they were", function()
		local list = { "plain", "", "a b", "tab\there", 'q"q', "b\\s", "n\nl", "ban=1", "äö" }
		local line = control.quote(table.unpack(list))
		assert.is_nil(line:find "\n")
		assert.same(list, control.words(line))
		assert.equal("ban address=10.0.0.1", control.quote("ban", "address=10.0.0.1"))
	end)
end)

describe("the control socket", function()
	local dir, path, pid
	local fds = {}

	local function connect()
		local fd = assert(control.connect(path))
		fds[#fds + 1] = fd
		return fd
	end
	-- All that comes until pattern is in it, or the end.
	local function read(fd, pattern, ms)
		local got = ""
		while not (pattern and got:find(pattern)) do
			local part, why = control.recv(fd, ms)
			if not part then
				return got, why
			end
			got = got .. part
		end
		return got
	end
	local function ask(bytes)
		local fd = connect()
		control.send(fd, bytes)
		control.shutdown(fd)
		local got, why = read(fd)
		assert.equal("eof", why)
		return got
	end

	before_each(function()
		dir = capture "mktemp -d":gsub("%s+$", "")
		path = dir .. "/s.sock"
		pid = assert(control.serve(path))
	end)
	after_each(function()
		for _, fd in ipairs(fds) do
			control.close(fd)
		end
		fds = {}
		if pid then
			control.stop(pid)
		end
		os.execute("rm -rf " .. dir)
	end)

	it("answers in lines and ends with OK or ERR", function()
		assert.equal("pong\nOK\n", ask "ping\n")
		assert.equal("a b \nOK\n", ask " echo  a b \n")
		assert.equal("pong\nOK\n", ask "ping \t\n")
		assert.equal("OK\n", ask "echo\n")
		assert.equal("so far\n\\OK second\nthird\nERR first\n", ask "fail\n")
		assert.equal("so far\nERR No such file or directory\n", ask "fail 1\n")
		assert.equal("ERR 'ping' takes no arguments\n", ask "ping now\n")
		assert.equal("ERR unknown command 'pnig'; did you mean 'ping'?\n", ask "pnig\n")
		assert.equal("ERR unknown command 'xyzzyx'; 'help' lists them\n", ask "xyzzyx\n")
		assert.equal("ERR control bytes in the line\npong\nOK\n", ask "a\0b\nping\n")
		assert.matches("ping  answers pong\necho TEXT  says TEXT\n.*publish N  publishes lines  %(root only%)\n.*OK\n$", ask "help\n")
	end)

	it("protects lines that look like an end", function()
		assert.equal("\\OK\n\\OKAY\n\\ERR\n\\\\x\nERX\nO\n\nx\nOK\n",
			ask("echo " .. control.escape "OK\nOKAY\nERR\n\\x\nERX\nO\n\nx" .. "\n"))
		assert.same({ "OK", "ERR x", "\\n", "plain", "", "last" },
			control.call(path, "echo " .. control.escape "OK\nERR x\n\\n\nplain\n\nlast"))
	end)

	it("works with socat", function()
		assert.equal("pong\nOK\n", capture("echo ping | socat - UNIX:" .. path))
	end)

	it("answers many commands of one connection in order", function()
		local lines, want = {}, {}
		for i = 1, 500 do
			lines[i], want[i] = "echo " .. i .. (i % 2 == 0 and "\r\n" or "\n"), i .. "\nOK\n"
		end
		assert.equal(table.concat(want), ask(table.concat(lines)))
	end)

	it("puts lines together that come in pieces", function()
		local fd = connect()
		for c in ("echo slowly\nping\n"):gmatch "." do
			control.send(fd, c)
		end
		assert.equal("slowly\nOK\npong\nOK\n", read(fd, "pong\nOK\n"))
	end)

	it("runs nothing that was not ended by a newline", function()
		assert.equal("pong\nOK\n", ask "ping\necho half")
	end)

	it("sends large answers to slow readers while others are served", function()
		local fd = connect()
		control.send(fd, "big 5000000\necho after\n")
		assert.same({ "pong" }, control.call(path, "ping"))
		local got = read(fd, "after\nOK\n$")
		assert.equal(5000000, got:find("OK\nafter\nOK\n", 1, true) - 1)
		local lines, message = control.call(path, "big 20000000")
		assert.same({}, lines)
		assert.equal("the answer of 20000000 bytes is larger than 16777216", message)
	end)

	it("holds only so much for slow readers", function()
		for _ = 1, 5 do
			local fd = connect()
			control.send(fd, "big 15000000\n")
			assert.matches("^0123", (control.recv(fd)))
		end
		local lines, message = control.call(path, "ping")
		assert.same({}, lines)
		assert.equal("too many answers wait for slow readers; ask again later", message)
		control.close(table.remove(fds))
		control.close(table.remove(fds))
		assert.same({ "pong" }, control.call(path, "ping"))
	end)

	it("refuses lines without end", function()
		local fd = connect()
		control.send(fd, ("x"):rep(70000))
		assert.equal("ERR the line is longer than 64 KiB\n", (read(fd, nil, 500)))
		assert.same({ "pong" }, control.call(path, "ping"))
	end)

	it("takes no JSON in the text form", function()
		assert.equal("ERR unknown command '{}'; 'help' lists them\n", ask "\n{}\n")
	end)

	it("has room for root when readers or idle clients took it", function()
		for _ = 1, 80 do
			connect()
		end
		assert.same({ "pong" }, control.call(path, "ping"))
	end)

	it("publishes to those who asked", function()
		local a, b = connect(), connect()
		control.send(a, "monitor\nping\n")
		control.send(b, "monitor\n")
		assert.equal("watching\n", read(a, "watching\n"))
		assert.equal("watching\n", read(b, "watching\n"))
		assert.same({ "heard" }, control.call(path, "publish 2"))
		assert.matches("^\\OK line 1 0+1\n\\OK line 2 0+2\n$", (read(a, "line 2 %d+\n")))
		assert.matches("line 2", (read(b, "line 2 %d+\n")))
		control.close(table.remove(fds))
		control.shutdown(a)
		assert.same({ "heard" }, control.call(path, "publish 1"))
		assert.matches("line 1 0+1\n", (read(a, "line 1 %d+\n")))
		control.close(table.remove(fds))
		control.call(path, "publish 1")
		assert.same({ "unheard" }, control.call(path, "publish 1"))
	end)

	it("lets a slow subscriber lose lines, and says how many", function()
		local fd = connect()
		control.send(fd, "monitor\n")
		read(fd, "watching\n")
		assert.same({ "heard" }, control.call(path, "publish 20000"))
		local got = read(fd, nil, 300)
		assert.matches("line 1 ", got)
		assert.same({ "heard" }, control.call(path, "publish 1"))
		got = got .. read(fd, "lost here\n.*line 1 %d+\n")
		local n = select(2, got:gsub("OK line", ""))
		local lost = tonumber(got:match "%.%.%. (%d+) lines lost here\n")
		assert.is_true(lost > 1000)
		assert.equal(20001, n + lost)
	end)

	it("ends a subscription well when the daemon ends", function()
		local fd = connect()
		control.send(fd, "monitor\n")
		read(fd, "watching\n")
		assert.equal(0, control.stop(pid))
		pid = nil
		assert.same({ "OK\n", "eof" }, { read(fd) })
	end)

	it("ends lines that take too long", function()
		local fd = connect()
		control.send(fd, "pin")
		local got, why = read(fd, nil, 8000)
		assert.same({ "ERR the line did not end in time\n", "eof" }, { got, why })
	end)

	describe("as a file", function()
		it("is its owner's alone and goes with the server", function()
			assert.equal("600 socket\n", capture("stat -c '%a %F' " .. path))
			assert.equal(0, control.stop(pid))
			pid = nil
			assert.is_nil(control.connect(path))
			assert.equal("", capture("ls -A " .. dir))
		end)

		it("is not taken from a server that answers", function()
			local other, why = control.serve(path)
			assert.is_nil(other)
			assert.matches("another rnmd answers there", why)
			assert.same({ "pong" }, control.call(path, "ping"))
		end)

		it("is replaced when nobody answers", function()
			assert.is_nil(control.stop(pid, 9))
			assert.is_nil(control.connect(path))
			assert.equal("socket\n", capture("stat -c %F " .. path))
			local lines, message, code = control.call(path, "ping")
			assert.same({}, lines)
			assert.matches("^no daemon: nobody answers at ", message)
			assert.equal(111, code)
			pid = assert(control.serve(path))
			assert.same({ "pong" }, control.call(path, "ping"))
		end)

		it("never replaces what is no socket", function()
			os.execute("echo precious > " .. dir .. "/file")
			local other, why = control.serve(dir .. "/file")
			assert.is_nil(other)
			assert.matches("something that is no socket is there", why)
			assert.equal("precious\n", capture("cat " .. dir .. "/file"))
			assert.matches("No such file", select(2, control.serve(dir .. "/none/x.sock")))
			assert.matches("1 to 107 bytes", select(2, control.serve("/" .. ("x"):rep(200))))
		end)
	end)

	describe("gives rights by who connects:", function()
		local gid, server

		before_each(function()
			gid = tonumber(capture "getent group nogroup || getent group nobody":match "^[^:]*:[^:]*:(%d+)")
			os.execute("chmod 0755 " .. dir)
		end)
		after_each(function()
			if server then
				control.stop(server)
			end
			server = nil
		end)
		local function group_name()
			return capture("getent group " .. gid):match "^[^:]+"
		end

		it("its group may read", function()
			server = assert(control.serve(dir .. "/g.sock", tonumber("666", 8), group_name()))
			local got = control.as(12345, gid, 12345, dir .. "/g.sock", "ping\npublish 1\nping\n")
			if not got then
				pending "needs root"
				return
			end
			assert.equal("666 " .. gid .. "\n", capture("stat -c '%a %g' " .. dir .. "/g.sock"))
			assert.equal("pong\nOK\nERR permission denied: 'publish' is for root\npong\nOK\n", got)
			assert.equal("pong\nOK\n", control.as(12345, 12345, gid, dir .. "/g.sock", "ping\n"))
		end)

		it("others are refused", function()
			server = assert(control.serve(dir .. "/g.sock", tonumber("666", 8), group_name()))
			local got = control.as(12345, 12345, 12345, dir .. "/g.sock", "ping\nping\n")
			if not got then
				pending "needs root"
				return
			end
			assert.equal("ERR permission denied: this socket is for root and its group\n", got)
		end)

		it("without a group it is root's alone", function()
			server = assert(control.serve(dir .. "/g.sock", tonumber("660", 8), "no-such-group-here"))
			assert.equal("600\n", capture("stat -c %a " .. dir .. "/g.sock"))
			assert.same({ "pong" }, control.call(dir .. "/g.sock", "ping"))
		end)
	end)
end)

describe("the client", function()
	it("says that no daemon runs", function()
		local lines, message, code = control.call("/nonexistent/rnm.sock", "ping")
		assert.same({}, lines)
		assert.matches("^no daemon: there is no socket '/nonexistent/rnm.sock'", message)
		assert.equal(2, code)
	end)

	it("refuses commands of several lines", function()
		local dir = capture "mktemp -d":gsub("%s+$", "")
		local pid = assert(control.serve(dir .. "/s"))
		assert.equal("a command is one line", select(2, control.call(dir .. "/s", "ping\nping")))
		assert.matches("longer than 65536", (select(2, control.call(dir .. "/s", ("x"):rep(70000)))))
		assert.matches("does not answer", (select(2, control.call(dir .. "/s", "nap 300", 50))))
		control.stop(pid)
		os.execute("rm -rf " .. dir)
	end)
end)
