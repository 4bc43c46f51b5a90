-- SPDX-License-Identifier: GPL-2.0-or-later
-- rnm packs: switched at run time, over restarts; and code that rnmd died in, which does not run again.
local daemon = require "daemon"
local nft = require "nft"
local rnmd = require "rnmd"
local sh = require "sh"

local one = [[nft.table("inet", "one"):chain("c"):rule "tcp dport 1 accept"]]
local two = [[
nft.table("inet", "two"):chain("c"):rule "tcp dport 2 counter accept"
local s = nft.table("inet", "two"):set("wan", { type = "ipv4_addr" })
rnm.on("addr_change", { iface = "wan0", family = "ipv4" }, function (ev)
  if ev.action == "del" then s:del(ev.address) else s:add(ev.address) end
end)]]
-- Kills the daemon when it is told to, as a fault in C would.
local deadly = [[
nft.table("inet", "deadly"):chain("c"):rule "tcp dport 3 accept"
rnm.on("message", { topic = "die" }, function (ev)
  local pid = io.open("/proc/self/stat"):read "n"
  os.execute(("kill -%s %d"):format(ev.data.signal, pid))
  local t = os.clock()
  while os.clock() - t < 5 do end
end)
rnm.on("message", { topic = "other" }, function () nft.table("inet", "deadly") end)
rnm.on("message", { topic = "fine" }, function () rnm.log.warn "fine it is" end)]]
-- A sanitizer would write a report of what is meant to happen.
local log = os.getenv "RNM_SANITIZER_LOG"
local mortal = ("env ASAN_OPTIONS=detect_leaks=1:handle_segv=0:handle_abort=0%s %s/rnmd"):format(
	log and ":log_path=" .. log or "", os.getenv "RNM_BUILD" or "build")
local trusted = "packs:\n  deadly: { trusted: true }\nlimits: { hook_time: 20s }\n"

describe("rnm packs", function()
	local ns

	before_each(function()
		ns = rnmd.quiet_ns()
	end)

	after_each(rnmd.clean)

	local function packs(d, name)
		local text = table.concat(d:cmd("packs" .. (name and " show " .. name or "")), "\n")
		return text
	end

	it("disables and enables one, each in one batch, over reload and restart", function()
		ns:veth("wan0", "wan1")
		ns:run "ip addr add 192.0.2.1/24 dev wan0"
		local d = daemon.start(ns, { packs = { ["one.lua"] = one, ["20-two.lua"] = two } })
		assert.matches("two +20 +running +1 +0 .*20%-two%.lua", packs(d))
		local handle = ns:run("nft -a list chain inet one c"):match "tcp dport 1 accept.-handle %d+"
		local m = nft.monitor(ns)
		d:cmd "packs disable two"
		rnmd.settle(d)
		assert.equal(1, m:generations())
		assert.not_matches("table inet two", nft.ruleset(ns))
		assert.matches(handle, ns:run "nft -a list chain inet one c", 1, true)
		assert.matches("two +20 +disabled", packs(d))
		assert.matches("disabled by an operator", packs(d))
		assert.matches("pack two: disabled by an operator", rnmd.status(d))
		assert.matches('"name":"two","state":"disabled","disabled":"by an operator"', d:cmd("status --json")[1])
		assert.same({ "two is disabled already" }, d:cmd "packs disable two")
		d:cmd "reload"
		assert.not_matches("table inet two", nft.ruleset(ns))
		local checked = ns:run(("%s/rnm -s %s check -c %s"):format(os.getenv "RNM_BUILD" or "build", d.socket, d.config))
		assert.matches("note: pack two: disabled by an operator\n", checked)
		assert.matches("fine: 1 tables", checked)
		d:halt()
		d:launch()
		assert.not_matches("table inet two", nft.ruleset(ns))
		assert.matches("two +20 +disabled", packs(d))

		-- One that does not load stays disabled.
		d:pack("20-two.lua", two .. "\nerror 'not yet'")
		local _, ok, why = d:ask "packs enable two"
		assert.is_falsy(ok)
		assert.matches("pack two: .*20%-two%.lua:6: not yet", why)
		assert.matches("two +20 +disabled", packs(d))
		assert.not_matches("table inet two", nft.ruleset(ns))
		d:pack("20-two.lua", two)
		m = nft.monitor(ns)
		d:cmd "packs enable two"
		rnmd.settle(d)
		assert.equal(1, m:generations())
		m:close()
		assert.matches("tcp dport 2", nft.ruleset(ns))
		assert.same({ "192.0.2.1" }, nft.set(ns, "inet two wan"))
		assert.matches(handle, ns:run "nft -a list chain inet one c", 1, true)
		assert.same({ "two is enabled already" }, d:cmd "packs enable two")
		d:halt()
		d:launch()
		assert.matches("two +20 +running", packs(d))
		assert.same({}, d:cmd "plan")
		rnmd.stop(d)
	end)

	it("shows and switches for programs too", function()
		local d = daemon.start(ns, { packs = { ["one.lua"] = one } })
		assert.matches('^%[{"name":"one","state":"running","disabled":null,"order":50,"path":"[^"]*/one%.lua","trusted":false',
			d:cmd("packs --json")[1])
		assert.matches('"runs":%[{"what":"main chunk"', d:cmd("packs --json show one")[1])
		assert.matches('"state":"disabled"', d:cmd("packs --json disable one")[1])
		assert.matches('"state":"running"', d:cmd("packs --json enable one")[1])
		rnmd.stop(d)
	end)

	it("says which of both rules where the configuration has a word too", function()
		local d = daemon.start(ns, { packs = { ["one.lua"] = one }, config = "packs:\n  one: { enabled: false }\n" })
		local _, ok, why = d:ask "packs enable one"
		assert.is_falsy(ok)
		assert.matches("config%.yaml:2: packs%.one%.enabled is false, which rules", why)
		assert.matches("one .*disabled.*by the configuration", packs(d))
		assert.matches("disabled by the configuration already", d:cmd("packs disable one")[1])
		assert.matches("by an operator and by the configuration", packs(d))
		_, ok, why = d:ask "packs disable onne"
		assert.is_falsy(ok)
		assert.matches("no pack 'onne'; did you mean 'one'", why)
		_, ok, why = d:ask "packs freeze one"
		assert.is_falsy(ok)
		assert.matches("expected show, enable, disable", why)
		rnmd.stop(d)
	end)

	it("holds a hook back, and releases it", function()
		ns:veth("wan0", "wan1")
		ns:run "ip addr add 192.0.2.1/24 dev wan0"
		local d = daemon.start(ns, { packs = { ["two.lua"] = two } })
		local _, ok, why = d:ask "packs quarantine two on_link_change"
		assert.is_falsy(ok)
		assert.matches("has no 'on_link_change'; it has: on_addr_change@two%.lua:3", why)
		d:cmd "packs quarantine two two.lua:3"
		ns:run "ip addr add 192.0.2.2/24 dev wan0"
		rnmd.settle(d)
		assert.same({ "192.0.2.1" }, nft.set(ns, "inet two wan"))
		assert.matches("state: quarantined", packs(d, "two"))
		assert.matches("on_addr_change@two%.lua:3  quarantined", packs(d, "two"))
		assert.matches("quarantine: on_addr_change at two%.lua:3 since .*: put there by an operator", packs(d, "two"))
		assert.matches("pack two: quarantined: on_addr_change at two%.lua:3", rnmd.status(d))
		d:cmd "packs release two on_addr_change"
		assert.same({ "192.0.2.1", "192.0.2.2" }, nft.set(ns, "inet two wan"))
		assert.matches("state: running", packs(d, "two"))

		-- All of it: what it stated stays, over reload and restart, until its source is another.
		d:cmd "packs quarantine two"
		ns:run "ip addr add 192.0.2.3/24 dev wan0"
		d:cmd "reload"
		assert.same({ "192.0.2.1", "192.0.2.2" }, nft.set(ns, "inet two wan"))
		d:halt()
		d:launch()
		assert.matches("two +50 +quarantined", packs(d))
		assert.same({ "192.0.2.1", "192.0.2.2" }, nft.set(ns, "inet two wan"))
		assert.matches("tcp dport 2", nft.ruleset(ns))
		d:pack("two.lua", two .. "\n")
		d:cmd "reload"
		assert.matches("two +50 +running", packs(d))
		assert.same({ "192.0.2.1", "192.0.2.2", "192.0.2.3" }, nft.set(ns, "inet two wan"))
		rnmd.stop(d)
	end)

	local function die(d, signal)
		d:ask("emit die signal=" .. signal)
		sh.eventually(function() return d.process:status() end)
	end

	for _, signal in ipairs { "SEGV", "ABRT" } do
		it("puts a hook that rnmd died in by SIG" .. signal .. " into quarantine", function()
			local d = daemon.start(ns, { packs = { ["deadly.lua"] = deadly, ["one.lua"] = one }, config = trusted, program = mortal })
			die(d, signal)
			d:halt "KILL"
			d:launch()
			assert.matches("on_message at deadly%.lua:2 is in quarantine", d:log())
			assert.matches("quarantine: on_message at deadly%.lua:2 since .*: rnmd died in it by SIG" .. signal, packs(d))
			assert.matches("tcp dport 3", nft.ruleset(ns))
			d:cmd "emit die signal=SEGV"
			d:cmd "emit fine"
			assert.matches("fine it is", d:log())
			d:halt()
			d:launch()
			d:cmd "emit die signal=SEGV"
			assert.matches("quarantine: on_message at deadly%.lua:2", packs(d))
			d:cmd "packs release deadly"
			assert.not_matches("quarantine", packs(d))
			rnmd.stop(d)
		end)
	end

	it("knows a hook again that rnmd died in, however long its file's name is", function()
		local name = ("x"):rep(120)
		local d = daemon.start(ns, { packs = { ["deadly/init.lua"] = ("require %q"):format(name),
			["deadly/" .. name .. ".lua"] = deadly }, config = trusted, program = mortal })
		die(d, "SEGV")
		d:halt "KILL"
		d:launch()
		d:cmd "emit die signal=SEGV"
		assert.matches("quarantine: on_message at deadly/x+%.lua:2 since .*SIGSEGV", packs(d))
		rnmd.stop(d)
	end)

	it("takes one kill for an operator's, and three in a row for the hook's fault", function()
		local d = daemon.start(ns, { packs = { ["deadly.lua"] = deadly }, config = trusted, program = mortal })
		for i = 1, 3 do
			die(d, "KILL")
			d:halt "KILL"
			d:launch()
			if i < 3 then
				assert.not_matches("quarantine: ", packs(d))
				assert.matches("the rnmd before died while on_message at deadly%.lua:2 ran", d:log())
			end
		end
		assert.matches("quarantine: on_message at deadly%.lua:2 since .*died in it 3 times within 60 seconds", packs(d))
		rnmd.stop(d)
	end)

	it("leaves out a pack whose main chunk rnmd died in, and keeps what it left in the kernel", function()
		local d = daemon.start(ns, { packs = { ["deadly.lua"] = deadly, ["one.lua"] = one }, config = trusted, program = mortal })
		d:pack("deadly.lua", deadly .. "\nos.execute('kill -SEGV ' .. io.open('/proc/self/stat'):read 'n')\nfor i = 1, 1e9 do end")
		d:ask "reload"
		d:halt "KILL"
		d:launch()
		assert.matches("deadly +50 +quarantined", packs(d))
		assert.matches("quarantine: main chunk since .*by SIGSEGV", packs(d))
		assert.matches("tcp dport 3", nft.ruleset(ns))
		assert.matches("tcp dport 1", nft.ruleset(ns))
		-- The next text is another one.
		d:pack("deadly.lua", deadly)
		d:cmd "reload"
		assert.matches("deadly +50 +running", packs(d))
		assert.matches("main chunk is out of quarantine", d:log())
		assert.matches("tcp dport 3", nft.ruleset(ns))
		d:halt()
		d:launch()
		assert.not_matches("quarantine", packs(d))
		rnmd.stop(d)
	end)

	it("goes on when what it kept is broken", function()
		local d = daemon.start(ns, { packs = { ["one.lua"] = one } })
		d:cmd "packs disable one"
		d:halt()
		sh.write(d.socket .. ".state/packs", '{"format":"rnm packs 1","disabled":[{"pack":"one"}],"quarantined":[],"deaths":[]}')
		d:launch()
		assert.matches('packs: disabled%[0%]: "since": expected a number.*kept as .*packs%.bad', d:log())
		assert.matches("one +50 +running", packs(d))
		rnmd.stop(d)
	end)

	it("reads back what it wrote of files with long names", function()
		local name = ("x"):rep(120)
		local d = daemon.start(ns, { packs = { ["one.lua"] = one, ["long/init.lua"] = ("require %q"):format(name),
			["long/" .. name .. ".lua"] = "rnm.block(function () end)" } })
		d:cmd "packs disable one"
		d:cmd "packs quarantine long block"
		d:halt()
		d:launch()
		assert.matches("one +50 +disabled", packs(d))
		assert.matches("long +50 +quarantined", packs(d))
		rnmd.stop(d)
	end)

	it("tells the service manager's watchdog that it is alive", function()
		local dir = sh.tempdir()
		local listener = sh.spawn(("socat -u UNIX-RECV:%s/n OPEN:%s/log,creat,append"):format(dir, dir))
		sh.eventually(function() return select(2, sh.try("test -S " .. dir .. "/n")) == 0 end)
		local d = daemon.start(ns, { packs = { ["one.lua"] = one },
			program = ("env NOTIFY_SOCKET=%s/n WATCHDOG_USEC=200000 %s/rnmd"):format(dir, os.getenv "RNM_BUILD") })
		sh.eventually(function()
			local _, n = sh.run("cat " .. dir .. "/log"):gsub("WATCHDOG=1", "")
			return n >= 3
		end)
		assert.matches("READY=1\n.*WATCHDOG=1", sh.run("cat " .. dir .. "/log"))
		rnmd.stop(d)
		listener:stop "KILL"
	end)
end)
