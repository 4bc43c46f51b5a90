-- SPDX-License-Identifier: GPL-2.0-or-later
-- The control socket of the running daemon, as people and scripts use it.
local daemon = require "daemon"
local nft = require "nft"
local rnmd = require "rnmd"
local sh = require "sh"

local simple = [[
local t = nft.table("inet", "t")
local s = t:set("here", { type = "ipv4_addr", elements = net.addrs { iface = "wan0", family = "ipv4" } })
t:chain("input", { type = "filter", hook = "input", priority = 0 }):rule "ip daddr @here counter accept"
local told = t:set("told", { type = "ipv4_addr", flags = "timeout" })
rnm.on("message", { topic = "ban" }, function (ev)
  local ok, why = told:add(ev.data.address, { timeout = ev.data.time or "1h" })
  if not ok then rnm.log.warn(why) end
end)
function double(n) return 2 * n end
]]

describe("rnmd's control socket", function()
	local ns, d

	before_each(function()
		ns = rnmd.quiet_ns()
		ns:veth("wan0", "wan1")
		ns:run "ip addr add 192.0.2.1/24 dev wan0"
		d = daemon.start(ns, { packs = { ["simple.lua"] = simple }, config = "limits:\n  main_instructions: 5M\n  main_time: 10s\n" })
	end)

	after_each(rnmd.clean)

	-- Answer as it comes, without ctl.lua.
	local function raw(text, options)
		return sh.run(("printf %s | socat -t 5 %s - UNIX-CONNECT:%s"):format(sh.quote((text:gsub("\n", "\\n"))), options or "", d.socket))
	end

	it("answers lines with lines", function()
		assert.equal("pong\nOK\n", raw "ping\n")
		assert.equal("pong\nOK\n", raw "ping\r\n")
		assert.equal("pong\nOK\npong\nOK\npong\nOK\n", raw "ping\n\nping\n ping \n")
		assert.equal("", raw "ping") -- what does not end may be half of something else
		assert.matches("^ERR [^\n]*'pong'[^\n]*did you mean 'ping'%?\n$", raw "pong\n")
		assert.matches("^rnmd [%d.]+, pid " .. d.process.pid .. ", .*\nOK\n$", raw "status\n")
		assert.matches("^table inet t {\n.*ip daddr @here counter accept.*\nOK\n$", raw "list\n")
		assert.equal(raw "list\n", raw "list inet t\n")
		assert.equal(raw "list inet t here\n", raw "list \"inet t\" here\n")
		assert.equal(d:rnm "list inet t", d:rnm "list 'inet t'")
		assert.matches("^ERR [^\n]*left open\n$", raw "list \"inet t\n")
		assert.matches("set here {.*192%.0%.2%.1.*\nOK\n$", raw "list inet t here\n")
		assert.matches("^ERR [^\n]*\n$", raw "list inet nowhere\n")
		assert.equal("OK\n", raw "plan\n")
		assert.equal("OK\n", raw "reload\n")
		rnmd.stop(d)
	end)

	it("is let go when nobody reads what is watched, and at once when told so", function()
		local rnm = ("env -u LD_PRELOAD %s/rnm -s %s"):format(os.getenv "RNM_BUILD" or "build", d.socket)
		for _, form in ipairs { "monitor", "monitor --json", "record -" } do
			local p = sh.spawn(("sh -c '%s %s | head -n 1'"):format(rnm, form))
			sh.eventually(function()
				ns:run "ip addr add 192.0.2.2/24 dev wan0; ip addr del 192.0.2.2/24 dev wan0"
				return p:status()
			end, 20, form)
			assert.equal(0, (p:stop()))
			-- in the middle of what comes, wherever that is
			p = sh.spawn(("%s %s"):format(rnm, form))
			sh.eventually(function()
				ns:run "for i in $(seq 3 20); do ip addr add 192.0.2.$i/24 dev wan0; ip addr del 192.0.2.$i/24 dev wan0; done"
				return p:output() ~= ""
			end, 20, form)
			assert.equal(0, (p:stop "INT"))
		end
		rnmd.stop(d)
	end)

	it("is of root, and its group", function()
		assert.matches("^6[06]0 0\n$", sh.run(("stat -c '%%a %%u' %s"):format(d.socket)))
		local out, code = sh.try(("setpriv --reuid=65534 --regid=65534 --clear-groups sh -c 'echo ping | socat - UNIX:%s'"):format(d.socket))
		assert.is_true(code ~= 0 or out:find "denied" ~= nil, out)
		rnmd.stop(d)
	end)

	it("runs Lua, all or nothing", function()
		assert.equal("3\nOK\n", raw "eval return 1 + 2\n")
		assert.equal("42\nOK\n", raw "eval --pack simple return double(21)\n")
		assert.matches("OK\n$", raw "eval nft.table('inet', 'e'):chain('c'):rule('tcp dport 1 drop')\n")
		assert.matches("table inet e {\n\tchain c {\n\t\ttcp dport 1 drop", nft.ruleset(ns))
		local before, m = nft.ruleset(ns), nft.monitor(ns)
		for code, pattern in pairs {
			["error 'no'"] = "eval:1: no",
			["nft.table('inet', 'e'):chain('d') error 'no'"] = "eval:1: no",
			["nft.table('inet', 'e'):chain('d'):rule('tcp dprot 1 drop')"] = "dport",
			["nft.table('inet', 't'):chain('input'):rule('tcp dport 9 tproxy ip to :80')"] = "the kernel refused: console [^\n]*tproxy",
			["while true do end"] = "instruction budget",
			["local x = = 1"] = "unexpected symbol",
			["net.addrs {}:first().x.y = 1"] = "nil value",
		} do
			local _, ok, message = d:ask("eval " .. code)
			assert.is_false(ok, code)
			assert.matches(pattern, message)
		end
		local _, ok, message = d:ask "eval --pack nowhere return 1"
		assert.is_false(ok)
		assert.matches("nowhere", message)
		assert.equal(before, nft.ruleset(ns))
		local n, text = m:generations()
		assert.equal(0, n, text)
		assert.same({}, d:cmd "plan")
		-- Gone with the next reload.
		d:cmd "reload"
		assert.not_matches("table inet e", nft.ruleset(ns))
		m:close()
		rnmd.stop(d)
	end)

	it("shows what would be, and leaves it", function()
		local before, m = ns:run "nft -a list ruleset", nft.monitor(ns)
		local lines = d:cmd "eval --dry-run nft.table('inet', 't'):chain('input'):rule('tcp dport 23 drop')"
		assert.equal("+ add rule inet t input tcp dport 23 drop", (lines[#lines]:gsub(" +#.*", "")))
		lines = d:cmd "eval --dry-run --pack simple nft.table('inet', 'u'):set('s', { type = 'ipv4_addr', elements = { '1.2.3.4' } })"
		assert.matches("%+ add table inet u  # simple eval:1, in eval, by eval\n%+ add set inet u s .*\n%+ add element inet u s { 1.2.3.4 }", table.concat(lines, "\n"))
		assert.equal(before, ns:run "nft -a list ruleset")
		assert.equal(0, (m:generations()))
		assert.same({}, d:cmd "plan")
		ns:run "ip addr add 192.0.2.2/24 dev wan0"
		rnmd.settle(d)
		assert.same({ "192.0.2.1", "192.0.2.2" }, nft.set(ns, "inet t here"))
		assert.not_matches("dport 23", nft.ruleset(ns))
		m:close()
		rnmd.stop(d)
	end)

	it("delivers messages", function()
		assert.equal("1 handler\nOK\n", raw "emit ban address=203.0.113.9 time=10m\n")
		assert.same({ "203.0.113.9" }, nft.set(ns, "inet t told"))
		assert.equal("0 handlers\nOK\n", raw "emit nobody a=1\n")
		assert.equal("1 handler\nOK\n", raw "emit ban address=nonsense\n")
		assert.matches("warn [^\n]*nonsense", d:log())
		assert.matches("^ERR [^\n]*KEY=VALUE", raw "emit ban address\n")
		assert.matches("^ERR ", raw "emit\n")
		assert.equal("1 handler\nOK\n", raw "emit ban \"address=203.0.113.10\" time=1h\n")
		-- A message outlives a reload.
		d:cmd "reload"
		assert.same({ "203.0.113.10", "203.0.113.9" }, nft.set(ns, "inet t told"))
		rnmd.stop(d)
	end)

	it("escapes what could be taken for an end", function()
		assert.equal("\\OK\nOK\n", raw "eval print 'OK'\n")
		assert.equal("\\ERR it is not\nOK\n", raw "eval print 'ERR it is not'\n")
		assert.equal("\\OKAY\n\\\\x\nOK\n", raw "eval print 'OKAY' print(string.char(92) .. 'x')\n")
		local lines, ok = d:ask "eval print 'OK' print 'ERR'"
		assert.is_true(ok)
		assert.same({ "OK", "ERR" }, lines)
		rnmd.stop(d)
	end)

	it("is what rnm speaks to", function()
		for args, want in pairs {
			["ping"] = "^pong\n$",
			["status"] = "^rnmd ",
			["list"] = "^table inet t ",
			["list inet t here"] = "192%.0%.2%.1",
			["plan"] = "^$",
			["reload"] = "^$",
			["eval 'return 1 + 2'"] = "^3\n$",
			["eval --pack simple 'return double(4)'"] = "^8\n$",
			["eval --dry-run \"nft.table('inet', 'x')\""] = "%+ add table inet x",
			["emit ban address=203.0.113.7"] = "^1 handler\n$",
		} do
			local out, code = d:rnm(args)
			assert.equal(0, code, args .. "\n" .. out)
			assert.matches(want, out)
		end
		assert.equal("3\n", (d:rnm "eval - <<'E'\nlocal a = 1\nreturn a + 2\nE"))
		local out, code = d:rnm "eval 'error(\"no\")'"
		assert.equal(1, code)
		assert.matches("no", out)
		code = select(2, d:rnm "frobnicate")
		assert.equal(2, code)
		rnmd.stop(d)
		out, code = d:rnm "ping"
		assert.equal(1, code)
		assert.is_truthy(out:find(d.socket, 1, true), out)
	end)

	it("streams events and batches to who watches", function()
		local watchers = {}
		for i = 1, 3 do
			watchers[i] = i == 1 and sh.spawn(("%s/rnm -s %s monitor"):format(os.getenv "RNM_BUILD" or "build", d.socket))
				or sh.spawn(("sh -c '(echo monitor; sleep 100) | socat - UNIX:%s'"):format(d.socket))
		end
		sh.eventually(function()
			d:cmd "eval nft.table('inet', 'probe')"
			d:cmd "reload"
			for _, w in ipairs(watchers) do
				if not w:output():find "commit" then return false end
			end
			return true
		end)
		ns:run "ip addr add 192.0.2.2/24 dev wan0"
		rnmd.settle(d)
		for _, w in ipairs(watchers) do
			local text = sh.eventually(function() return w:output():match "event [^\n]*192%.0%.2%.2.*" end)
			assert.matches("event addr add wan0 192%.0%.2%.2/24[^\n]*\ncommit event [^\n]*: 1 operations, [^\n]*\n"
				.. "%+ add element inet t here { 192%.0%.2%.2 }[^\n]*simple", text)
		end
		for _, w in ipairs(watchers) do
			w:stop()
		end
		rnmd.settle(d)
		rnmd.stop(d)
	end)

	it("does not wait for a client that does not read, or does not end", function()
		-- One that asks for much and reads nothing; one that watches and reads nothing; one in the middle of a line.
		local stuck = {
			sh.spawn(([[sh -c 'for i in $(seq 1 3000); do echo list; done | socat -u - UNIX:%s']]):format(d.socket)),
			sh.spawn(([[sh -c '(echo monitor; sleep 100) | socat -u - UNIX:%s']]):format(d.socket)),
			sh.spawn(([[sh -c '(printf "eval return "; sleep 100) | socat - UNIX:%s']]):format(d.socket)),
		}
		sh.sleep(0.1)
		local lines = {}
		for i = 1, 200 do
			lines[i] = ("addr add 10.0.0.%d/32 dev wan0"):format(i)
		end
		rnmd.ip_batch(ns, lines)
		for _ = 1, 5 do
			local t0 = sh.run "date +%s%N"
			assert.equal("pong\nOK\n", raw "ping\n")
			assert.is_true((sh.run "date +%s%N" - t0) / 1e6 < 300 * rnmd.slow)
			d:cmd "eval for i = 1, 500 do nft.table('inet', 'big'):chain('c'):rule('tcp dport $p drop', { p = i }) end"
		end
		assert.equal(201, #nft.set(ns, "inet t here"))
		for _, p in ipairs(stuck) do
			p:stop "KILL"
		end
		rnmd.settle(d)
		rnmd.stop(d)
	end)

	it("serves many at once", function()
		local out = sh.run(([[for i in $(seq 1 40); do
			(printf 'eval return %%d\nping\n' $i | socat -t 10 - UNIX:%s) & done; wait]]):format(d.socket))
		local sum = 0
		for n in out:gmatch "%f[%d](%d+)\n" do sum = sum + tonumber(n) end
		assert.equal(40 * 41 // 2, sum)
		assert.equal(40, select(2, out:gsub("pong", "")))
		rnmd.stop(d)
	end)

	it("bounds what it takes", function()
		assert.matches("^ERR ", sh.run(("{ head -c 70000 /dev/zero | tr '\\0' x; echo; } | socat -t 5 - UNIX:%s"):format(d.socket)))
		assert.matches("^ERR ", raw "eval return \1\n")
		assert.equal("pong\nOK\n", raw "ping\n")
		rnmd.stop(d)
	end)
end)
