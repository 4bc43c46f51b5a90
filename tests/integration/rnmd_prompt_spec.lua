-- SPDX-License-Identifier: GPL-2.0-or-later
-- The prompt in the running daemon: what it shows of the kernel, what it takes back, two operators at once.
local daemon = require "daemon"
local nft = require "nft"
local rnmd = require "rnmd"
local terminal = require "terminal"

describe("the prompt in the daemon", function()
	local ns, d, open

	before_each(function()
		ns = rnmd.quiet_ns()
		ns:veth("wan0", "wan1")
		ns:run "ip addr add 192.0.2.1/24 dev wan0"
		d = daemon.start(ns, { packs = { ["p.lua"] = [[
			t = nft.table("inet", "fw")
			s = t:set("blocked", { type = "ipv4_addr" })
			t:chain("input", { type = "filter", hook = "input", priority = 0 }):rule "ip saddr @blocked drop"
		]] } })
		open = {}
	end)
	after_each(function()
		for _, t in ipairs(open) do
			t:stop()
		end
		rnmd.clean()
	end)

	local function prompt(...)
		local t = terminal.start({ (os.getenv "RNM_BUILD" or "build") .. "/rnm", "-s", d.socket, "eval", ... }, { env = { XDG_STATE_HOME = d.dir } })
		open[#open + 1] = t
		return t:shows "rnm[^\n]*>$"
	end

	it("completes, states, shows and takes back", function()
		local t = prompt()
		local before = nft.ruleset(ns)
		t:type 'nft.table("inet", "f':wait '"f'
		t:press "\t":wait 'nft.table("inet", "fw'
		t:type '"):ch':wait ":ch"
		t:press "\t":wait ":chain"
		t:type '("inp':wait '("inp'
		t:press "\t":wait '("input'
		t:type '"):ru':wait ":ru"
		t:press "\t":wait 'nft.table("inet", "fw"):chain("input"):rule'
		t:type '("tcp dport 23 drop")\r':wait "chain inet fw input\nrnm>"
		t:type '\12nft.table("inet", "fw"):chain "input"\r':shows "tcp dport 23 drop\n%s*}\n}\nrnm>$"
		assert.matches("tcp dport 23 drop", nft.ruleset(ns))
		t:type 'nft.table("inet", "fw"):set("blocked"):add "192.0.2.9"\r':wait "true\nrnm>"
		assert.same({ "192.0.2.9" }, nft.set(ns, "inet fw blocked"))
		t:type "\12:delta\r":shows "# #1 [%d%-]+ [%d:]+, uid 0 pid %d+: nft.table"
		t:shows "%+ add rule inet fw input tcp dport 23 drop\n# #2 .*\n%+ add element inet fw blocked { 192.0.2.9 }\nrnm>$"
		t:type "\12:plan\r":wait ":plan\nrnm>"
		t:type "\12:dry on\rnft.table('inet', 'fw'):chain('new')\r":shows "\n%+ add chain inet fw new  # console eval:1[^\n]*\nrnm%(dry%)>$"
		t:type "\12:dry off\r:undo 2\r":shows "undone: #2 .*\nundone: #1 .*\nrnm>$"
		assert.equal(before, nft.ruleset(ns))
		t:type "\12:undo\r":wait "there is nothing to undo\nrnm>"
		t:type "\12for i = 1, 2 do\rprint(i)\rend\r":wait "...> end\n1\n2\nrnm>"
		t:type "\12error 'no'\r":shows "eval:1: no\n.*\nrnm>$"
		t:type "\4"
		assert.equal(0, t:close())
		rnmd.stop(d)
	end)

	it("tells two operators apart, and lets neither disturb the other", function()
		local a, b = prompt(), prompt("--pack", "p")
		a:type "shared = 7\rfunction half\r":wait "...>"
		b:type "s:add('10.0.0.1')\r":wait "true\nrnm(p)>"
		a:type "typed() return 1 end\rnft.table('inet', 'a'):chain('c')\r":shows "chain inet a c.*\nrnm>$"
		b:type ":undo 9\r":shows "undone: #%d+  s:add.*\nrnm%(p%)>$"
		assert.matches("table inet a", nft.ruleset(ns))
		b:type ":undo\r":shows "there is nothing of yours to undo; the last eval is #%d+ of uid 0, pid %d+"
		b:type ":pack\r":wait "rnm>"
		b:type "return shared, halftyped\r":wait "7\nnil\nrnm>"
		b:type ":undo all\r":shows "undone: #%d+  nft.table%('inet', 'a'%).*\nrnm>$"
		assert.not_matches("table inet a", nft.ruleset(ns))
		rnmd.stop(d)
	end)

	it("changes nothing when it is read-only", function()
		local before, m = nft.ruleset(ns), nft.monitor(ns)
		local t = prompt "--read-only"
		t:type "nft.table('inet', 'fw'):set('blocked'):read()\r":wait "{}\nrnm(read-only)>"
		t:type "nft.table('inet', 'x'):chain('c'):rule('drop')\r":shows "this prompt is read%-only.*>$"
		t:type "rnm.emit 'x'\r":shows "rnm.emit: this prompt is read%-only.*>$"
		assert.equal(before, nft.ruleset(ns))
		assert.equal(0, (m:generations()))
		m:close()
		rnmd.stop(d)
	end)

	it("is there as commands too", function()
		d:cmd "eval nft.table('inet', 'x'):chain('c')"
		assert.matches("pid %d+: nft.table%('inet', 'x'%):chain%('c'%)\n%+ add table inet x\n%+ add chain inet x c\n$", d:rnm "delta")
		assert.matches('^{"evals":%[{"id":1,.*"code":"nft.table', d:rnm "delta --json")
		assert.matches("^undone: #1", d:rnm "undo")
		assert.same({ "10 0", "wan0", "wan1" }, d:cmd 'complete net.link("wan')
		rnmd.stop(d)
	end)

	it("knows an operator again whose session was begun outside of the pid namespace", function()
		local build = os.getenv "RNM_BUILD" or "build"
		d:halt()
		d:write("inside", ([[
			%s/rnmd -c %s -s %s &
			rnm="%s/rnm -s %s"
			until $rnm ping; do sleep 0.05; done >/dev/null 2>&1
			$rnm eval "nft.table('inet', 'x'):chain('c')"
			$rnm undo
			kill $!
			wait $!
			echo "status $?"
		]]):format(build, d.config, d.socket, build, d.socket))
		local out = ns:run(("env -u LD_PRELOAD unshare --pid --fork --mount-proc sh %s/inside 2>&1"):format(d.dir))
		assert.matches("\nundone: #1 ", out)
		assert.matches("\nstatus 0\n?$", out)
	end)
end)
