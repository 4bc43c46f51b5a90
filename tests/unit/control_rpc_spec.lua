-- SPDX-License-Identifier: GPL-2.0-or-later
-- The JSON-RPC form of the control socket.
local core = require "rnm.core"
local control, json = core.control, core.json

describe("JSON-RPC", function()
	local dir, path, pid
	local fds = {}

	local function connect()
		local fd = assert(control.connect(path))
		fds[#fds + 1] = fd
		return fd
	end
	local function send(fd, bytes)
		while #bytes > 0 do
			bytes = bytes:sub(control.send(fd, bytes) + 1)
		end
	end
	local function read(fd, pattern, ms)
		local got = ""
		while not (pattern and got:find(pattern)) do
			local part, why = control.recv(fd, ms or 5000)
			if not part then
				return got, why
			end
			got = got .. part
		end
		return got
	end
	-- All answers to these bytes, each held to be JSON.
	local function ask(bytes)
		local fd, list = connect(), {}
		send(fd, bytes)
		control.shutdown(fd)
		local got, why = read(fd)
		assert.equal("eof", why)
		control.close(table.remove(fds))
		for line in got:gmatch "([^\n]*)\n" do
			list[#list + 1] = assert(json.read(line))
			assert.equal("2.0", list[#list].jsonrpc)
		end
		return list, got
	end
	local function request(method, params, id)
		return ('{"jsonrpc":"2.0","id":%s,"method":"%s"%s}\n'):format(id or "1", method, params and ',"params":' .. params or "")
	end
	local function call(method, params)
		local list = ask(request(method, params))
		assert.equal(1, #list)
		assert.equal("1", list[1].id)
		return list[1].result, list[1].error
	end

	setup(function()
		local p = io.popen "mktemp -d"
		dir = p:read "l"
		p:close()
		path = dir .. "/s.sock"
		pid = assert(control.serve(path))
	end)
	teardown(function()
		assert.equal(0, control.stop(pid)) -- no report of a sanitizer, no crash
		os.execute("rm -rf " .. dir)
	end)
	after_each(function()
		for _, fd in ipairs(fds) do
			control.close(fd)
		end
		fds = {}
	end)

	it("answers with results", function()
		assert.equal('{"jsonrpc":"2.0","id":1,"result":{"lines":["pong"]}}\n', select(2, ask(request "ping")))
		assert.same({ args = "--json" }, (call "bare"))
		assert.same({ lines = { "a  b", "", "c" } }, (call("echo", [[{"args":"a  b\\n\\nc"}]])))
		assert.same({ lines = {} }, (call("echo", "[]")))
		assert.same({ lines = { '<a "b">', "<>", "<x>" } }, (call("list", [[{"args":["a \"b\"","","x"]}]])))
		assert.same({ lines = { "<one>", "<two words>" } }, (call("emit", [=[["one","two words"]]=])))
		assert.same({ lines = { "<one>", "<two>" } }, (call("emit", [[{"args":"one \"two\""}]])))
	end)

	describe("goes on with others while an answer takes time, and", function()
		local function waits(bytes)
			local fd = connect()
			send(fd, bytes)
			return fd
		end
		local function woken(how)
			local got
			repeat
				got = call("wake", how).lines[1]
			until got == "woken"
		end

		it("answers at last, then the next request", function()
			local fd = waits(request("wait", nil, '"w"') .. request("ping", nil, "2"))
			assert.same({ lines = { "pong" } }, (call "ping"))
			assert.equal("timeout", select(2, read(fd, nil, 1)))
			woken()
			assert.equal('{"jsonrpc":"2.0","id":"w","result":{"lines":["OK at last"]}}\n{"jsonrpc":"2.0","id":2,"result":{"lines":["pong"]}}\n',
				read(fd, '"id":2.*\n'))
			send(fd, request("wait", nil, '"w"'))
			woken '["fail"]'
			local err = json.read(read(fd, "\n")).error
			assert.same({ "-32004", "No such file or directory", { "OK at last" } }, { err.code, err.message, err.data.lines })
		end)

		it("answers who sends nothing more", function()
			local fd = waits "wait\nping\n"
			control.shutdown(fd)
			woken()
			assert.equal("\\OK at last\nOK\npong\nOK\n", read(fd))
		end)

		it("answers no notification", function()
			local fd = waits('{"jsonrpc":"2.0","method":"wait"}\n' .. request("ping", nil, "2"))
			woken()
			assert.equal('{"jsonrpc":"2.0","id":2,"result":{"lines":["pong"]}}\n', read(fd, "\n"))
		end)
	end)

	it("echoes ids as they are", function()
		for _, id in ipairs { "0", "-1", "1.50", "1e3", '""', '"a\\u00e4\\""', "null", '"' .. ("x"):rep(1000) .. '"', "12345678901234567890" } do
			assert.equal(('{"jsonrpc":"2.0","id":%s,"result":{"lines":["pong"]}}\n'):format(id), select(2, ask(request("ping", nil, id))))
		end
		for _, id in ipairs { "[]", "{}", "true" } do
			local list = ask(request("ping", nil, id))
			assert.equal("-32600", list[1].error.code)
			assert.equal("userdata", type(list[1].id))
		end
	end)

	it("makes parameters what the text form takes", function()
		local function args(params)
			local result, err = call("json", params)
			return result and result.args:gsub("^%-%-json ", "") or err.code .. " " .. err.message
		end
		assert.equal("x", (args '{"what":"x"}'))
		assert.equal('x "y z"', (args '{"what":["x","y z"]}'))
		assert.equal('x --dry-run --pack "a b" --confirm 5', (args '{"seconds":5,"dry_run":true,"what":"x","pack":"a b"}'))
		assert.equal("x", (args '{"what":"x","dry_run":false,"pack":null}'))
		assert.equal("x --dry-run", (args '["x",true]'))
		assert.equal('x a=1 b=true "c=d e"', (args '{"what":"x","data":{"a":1,"b":true,"c":"d e"}}'))
		assert.equal("x -- --dry-run\\na", (args [[{"what":"x","code":"--dry-run\na"}]]))
		for params, message in pairs {
			["{}"] = "'json' needs the parameter 'what'",
			['{"what":1}'] = "'what' must be a string, or an array of strings, not a number",
			['{"what":["a",[]]}'] = "'what' must be a string, or an array of strings, not an array",
			['{"what":"a\\u0000b"}'] = "'what' must be a string, or an array of strings, not a string with NUL bytes",
			['{"what":"x","dry_run":1}'] = "'dry_run' must be true or false, not a number",
			['{"what":"x","pack":true}'] = "'pack' must be a string, not true or false",
			['{"what":"x","seconds":"5"}'] = "'seconds' must be a number, not a string",
			['{"what":"x","seconds":-5}'] = "'seconds' must be a whole number, 0 or more",
			['{"what":"x","seconds":1.5}'] = "'seconds' must be a whole number, 0 or more",
			['{"what":"x","data":[]}'] = "'data' must be an object, not an array",
			['{"what":"x","data":{"a":{}}}'] = "'a' must be a string, a number, true or false, not an object",
			['{"what":"x","data":{"a=b":1}}'] = "'data' has a name that is empty, or has a = or NUL byte in it",
			['{"what":"x","code":1}'] = "'code' must be a string, not a number",
			['{"what":"x","dryrun":true}'] = "'json' has no parameter 'dryrun'; did you mean 'dry_run'?",
			['{"what":"x","what\\u0000":true}'] = "'json' has no parameter 'what'",
			["[1,2,3,4,5,6,7]"] = "'json' takes at most 6 parameters",
		} do
			assert.equal("-32602 " .. message, (args(params)))
		end
		assert.equal("'ping' takes no parameters", select(2, call("ping", '["x"]')).message)
		assert.equal("'echo' takes one parameter, 'args': an array of words, or a string", select(2, call("echo", '{"text":"x"}')).message)
		assert.equal("'args' has control bytes in it", select(2, call("echo", '{"args":"a\\nb"}')).message)
	end)

	it("tells what is no request", function()
		for text, want in pairs {
			["{"] = "-32700 no JSON: byte 2: expected a member's name in quotes",
			["[{}]"] = "-32600 batches are not taken: send one object a line",
			["[]"] = "-32600 batches are not taken: send one object a line",
			["{}"] = '-32600 "jsonrpc" must be "2.0"',
			['{"jsonrpc":2.0,"method":"ping","id":1}'] = '-32600 "jsonrpc" must be "2.0"',
			['{"jsonrpc":"1.0","method":"ping","id":1}'] = '-32600 "jsonrpc" must be "2.0"',
			['{"jsonrpc":"2.0","id":1}'] = '-32600 "method" must be a string',
			['{"jsonrpc":"2.0","method":1}'] = '-32600 "method" must be a string',
			['{"jsonrpc":"2.0","method":"a\\u0000","id":1}'] = '-32600 "method" must be a string',
			['{"jsonrpc":"2.0","id":1,"method":"ping","params":1}'] = '-32602 "params" must be an object or an array',
			['{"jsonrpc":"2.0","id":1,"id":2,"method":"ping"}'] = '-32700 no JSON: byte 30: the name "id" stands twice',
			['{"a":"\xff"}'] = "-32700 no JSON: byte 7: no UTF-8",
			['{"a":"\0"}'] = "-32700 no JSON: byte 7: a control byte in a string must be escaped",
			[('{"a":'):rep(1000)] = "-32600 the request is too large: byte 161: deeper than 32",
			['{"a":[' .. ("1,"):rep(20000) .. "1]}"] = "-32600 the request is too large: more than 16384 values",
		} do
			local list = ask(text .. "\n" .. request "ping")
			assert.equal(want, list[1].error.code .. " " .. list[1].error.message)
			assert.same({ "pong" }, list[2].result.lines) -- the connection goes on
		end
		local list = ask('{"jsonrpc":"2.0","id":1,"method":"pnig"}\n' .. request "subscrbe" .. request "xyzzyx")
		assert.equal("-32601 unknown method 'pnig'; did you mean 'ping'?", list[1].error.code .. " " .. list[1].error.message)
		assert.equal("unknown method 'subscrbe'; did you mean 'subscribe'?", list[2].error.message)
		assert.equal("unknown method 'xyzzyx'; 'help' lists them", list[3].error.message)
	end)

	it("tells what failed, and where", function()
		local _, err = call "fail"
		assert.same({ code = "-32000", message = "first", data = { errno = "EINVAL", lines = { "so far", "OK second", "third" } } }, err)
		assert.equal("-32004", select(2, call("fail", '["x"]')).code)
		assert.same({ code = "-32004", message = "the kernel: /etc/x.lua:12:7: no such thing",
			data = { errno = "ENOENT", file = "/etc/x.lua", line = "12", column = "7", lines = { "more" } } }, select(2, call("json", '{"what":"bad"}')))
		_, err = call("big", '["20000000"]')
		assert.same({ "-32005", "the answer of 20000000 bytes is larger than 16777216" }, { err.code, err.message })
		-- each byte of these takes six in JSON
		_, err = call("echo", ('["%s"]'):format(("\\u007f"):rep(10)))
		assert.is_nil(err)
	end)

	it("does not answer notifications", function()
		assert.same({ "2" }, { ask('{"jsonrpc":"2.0","method":"ping"}\n{"jsonrpc":"2.0","method":"nonsense"}\n'
			.. '{"jsonrpc":"2.0","method":"ping","params":5}\n' .. request("ping", nil, "2"))[1].id })
	end)

	it("lists its methods", function()
		local methods = {}
		for _, m in ipairs(call "help".methods) do
			methods[m.name] = m
		end
		assert.same({ name = "publish", help = "publishes lines", root = true,
			params = { { name = "args", type = "string or array", needed = false } } }, methods.publish)
		assert.same({}, methods.ping.params)
		assert.same({ name = "topics", type = "boolean or array", needed = false }, methods.subscribe.params[4])
		assert.same({ name = "code", type = "string", needed = true }, methods.eval.params[1])
	end)

	it("takes requests in pieces, and many at once", function()
		local fd = connect()
		for c in request("echo", '["slow"]'):gmatch "." do
			control.send(fd, c)
		end
		assert.equal('{"jsonrpc":"2.0","id":1,"result":{"lines":["slow"]}}\n', read(fd, "\n"))
		local list = {}
		for i = 1, 3000 do
			list[i] = request("ping", nil, i)
		end
		list = ask(table.concat(list):gsub("\n", "\r\n", 100) .. "\n \n" .. request("ping", nil, '"end"'))
		assert.equal(3001, #list)
		for i = 1, 3000 do
			assert.equal(tostring(i), list[i].id)
		end
	end)

	it("bounds a line in length", function()
		local long = request("echo", '["' .. ("x"):rep(200000) .. '"]')
		assert.equal(200000, #ask(long)[1].result.lines[1])
		local fd = connect()
		send(fd, "{" .. (" "):rep(300000))
		local got, why = read(fd, nil, 3000)
		assert.equal('{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"the line is longer than 256 KiB"}}\n', got)
		assert.equal("eof", why)
		assert.same({ "pong" }, control.call(path, "ping"))
	end)

	it("lives with clients that never read, or leave in the middle", function()
		-- answers of 8 MB that nobody takes, more than a socket holds
		for _ = 1, 4 do
			send(connect(), request("big", '["8000000"]') .. request("big", '["8000000"]'))
		end
		for i = 1, 200 do
			local fd = assert(control.connect(path))
			local text = request("echo", '["' .. ("x"):rep(5000) .. '"]')
			control.send(fd, i % 2 == 0 and text:sub(1, i * 20) or text)
			control.close(fd)
		end
		local fd = assert(control.connect(path))
		send(fd, request "subscribe" .. request("big", '["8000000"]'))
		control.close(fd)
		assert.same({ "pong" }, call "ping".lines)
		-- thousands of requests, their answers taken only in the end
		fd = connect()
		local all, sent = request("echo", '["' .. ("y"):rep(200) .. '"]'):rep(4000), 0
		while sent < #all do
			local n = control.send(fd, all:sub(sent + 1, sent + 65536))
			if n < 0 then break end -- it takes no more before its answers are taken
			sent = sent + n
		end
		assert.same({ "pong" }, call "ping".lines)
		local count = 0
		while count < 4000 do
			if sent < #all then
				sent = sent + math.max(control.send(fd, all:sub(sent + 1, sent + 65536)), 0)
			end
			count = count + select(2, assert(control.recv(fd, 5000)):gsub("\n", ""))
		end
		assert.equal(4000, count)
	end)

	it("is decided by the first byte", function()
		local list = ask '[\n'
		assert.equal("-32700", list[1].error.code)
		list = ask(request "ping" .. "ping\n")
		assert.equal("-32700", list[2].error.code)
	end)

	it("forbids readers what is root's", function()
		os.execute("chmod 0755 " .. dir)
		local p = io.popen "getent group nogroup || getent group nobody"
		local name, gid = p:read "a":match "^([^:]*):[^:]*:(%d+)"
		p:close()
		local server = assert(control.serve(dir .. "/g.sock", tonumber("666", 8), name))
		local got = control.as(12345, tonumber(gid), 12345, dir .. "/g.sock", request "ping" .. request("publish", '["1"]') .. request "subscribe" .. request "unsubscribe")
		control.stop(server)
		if not got then
			pending "needs root"
			return
		end
		local list = {}
		for line in got:gmatch "[^\n]+" do
			list[#list + 1] = json.read(line)
		end
		assert.same({ "pong" }, list[1].result.lines)
		assert.equal("-32001 permission denied: 'publish' is for root", list[2].error.code .. " " .. list[2].error.message)
		assert.equal("EACCES", list[2].error.data.errno)
		assert.is_true(list[3].result.events)
	end)

	describe("subscriptions", function()
		local EVENT, COMMIT, RUN, MESSAGE = 0, 1, 2, 3

		local function subscriber(params)
			local fd = connect()
			send(fd, request("subscribe", params))
			local answer = json.read((read(fd, "\n")))
			return fd, answer.result, answer.error
		end
		local function notify(what, name, times)
			return control.call(path, ("notify %d %s %d"):format(what, name, times or 1))[1]
		end
		-- What came until "end" was told, as "method name".
		local function news(fd, last)
			local got = {}
			for line in read(fd, last or '"name":"end"[^\n]*\n'):gmatch "[^\n]+" do
				local n = json.read(line)
				assert.equal("2.0", n.jsonrpc)
				assert.is_nil(n.id)
				got[#got + 1] = n.method .. " " .. n.params.name
			end
			return got
		end

		it("give what was asked for", function()
			local fd, result = subscriber()
			assert.same({ events = true, commits = true, runs = false, topics = false }, result)
			local links, r2 = subscriber '{"events":["link","a*"],"topics":["ban*"],"commits":false}'
			assert.same({ events = { "link", "a*" }, commits = false, runs = false, topics = { "ban*" } }, r2)
			assert.equal("unwanted", notify(RUN, "wan"))
			assert.equal("unwanted", notify(MESSAGE, "unban"))
			assert.equal("wanted", notify(MESSAGE, "banana"))
			for _, name in ipairs { "link", "route", "addr" } do
				assert.equal("wanted", notify(EVENT, name))
			end
			assert.equal("wanted", notify(COMMIT, "end"))
			notify(MESSAGE, "banend")
			assert.same({ "event link", "event route", "event addr", "commit end" }, news(fd))
			assert.same({ "message banana", "event link", "event addr", "message banend" }, news(links, "banend[^\n]*\n"))
		end)

		it("are replaced and ended, while requests go on", function()
			local fd = subscriber '{"runs":true}'
			assert.equal("wanted", notify(RUN, "a"))
			send(fd, request("ping", nil, "7"))
			assert.matches('"method":"run".*\n.*"id":7', (read(fd, '"id":7[^\n]*\n')))
			send(fd, request("subscribe", '{"commits":true}'))
			read(fd, "\n")
			assert.equal("unwanted", notify(RUN, "a"))
			assert.equal("wanted", notify(COMMIT, "end"))
			assert.same({ "commit end" }, news(fd))
			send(fd, request "unsubscribe" .. request("ping", nil, "8"))
			assert.matches('"commits":false.*"id":8', (read(fd, '"id":8[^\n]*\n')))
			assert.equal("unwanted", notify(COMMIT, "a"))
			control.shutdown(fd)
			assert.equal("eof", select(2, read(fd)))
		end)

		it("are refused with the reason, and then stay as they were", function()
			local fd = subscriber '{"commits":true}'
			for params, message in pairs {
				['["x"]'] = "'subscribe' takes its parameters by name",
				['{"event":true}'] = "'subscribe' has no such parameter; did you mean 'events'?",
				['{"zzz":true}'] = "'subscribe' knows events, commits, runs and topics",
				['{"commits":["x"]}'] = "'commits' must be true or false, not an array",
				['{"events":"x"}'] = "'events' must be true, a list of names or false, not a string",
				['{"topics":[1]}'] = "'topics' must hold names of 1 to 256 bytes",
				['{"topics":["' .. ("x"):rep(257) .. '"]}'] = "'topics' must hold names of 1 to 256 bytes",
				['{"runs":true,"topics":[' .. ('"x",'):rep(64) .. '"x"]}'] = "'topics' has more than 64 names",
			} do
				send(fd, request("subscribe", params))
				local answer = json.read((read(fd, "\n")))
				assert.equal("-32602 " .. message, answer.error.code .. " " .. answer.error.message)
			end
			assert.equal("unwanted", notify(RUN, "x"))
			notify(COMMIT, "end")
			assert.same({ "commit end" }, news(fd))
		end)

		it("last when the peer sends no more, and end when it is gone", function()
			local fd = subscriber()
			control.shutdown(fd)
			assert.equal("wanted", notify(COMMIT, "end"))
			assert.same({ "commit end" }, news(fd))
			control.close(table.remove(fds))
			notify(COMMIT, "x")
			assert.equal("unwanted", notify(COMMIT, "x"))
		end)

		it("are told that the daemon ends", function()
			local server = assert(control.serve(dir .. "/e.sock"))
			local fd = assert(control.connect(dir .. "/e.sock"))
			fds[#fds + 1] = fd
			send(fd, request "subscribe")
			read(fd, "\n")
			assert.equal(0, control.stop(server))
			assert.same({ '{"jsonrpc":"2.0","method":"end","params":{}}\n', "eof" }, { read(fd) })
		end)

		it("lose what a slow reader has no room for, and say how much", function()
			local fd, n, lost = subscriber(), 0, 0
			assert.equal("wanted", notify(EVENT, "x", 20000)) -- and the server answered meanwhile
			local got = read(fd, nil, 300)
			notify(COMMIT, "end")
			got = got .. read(fd, '"name":"end"[^\n]*\n')
			for line in got:gmatch "[^\n]+" do
				local one = json.read(line)
				if one.method == "lost" then
					lost = lost + one.params.count
				elseif one.method == "event" then
					n = n + 1
				end
			end
			assert.is_true(lost > 1000)
			assert.equal(20000, n + lost)
		end)
	end)
end)
