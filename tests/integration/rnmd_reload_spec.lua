-- SPDX-License-Identifier: GPL-2.0-or-later
-- Reload: all of it, or nothing.
local daemon = require "daemon"
local nft = require "nft"
local rnmd = require "rnmd"
local sh = require "sh"

local base = [[
local t = nft.table("inet", "t")
t:set("wan", { type = "ipv4_addr", elements = net.addrs { zone = "wan", family = "ipv4" } })
local c = t:chain("out", { type = "filter", hook = "output", priority = 0 })
c:rule "ip daddr 127.0.0.1 counter accept"
c:rule "ip daddr 127.0.0.2 counter drop"
]]
local zones = "interfaces:\n  - name: wan0\n    nftables_zone: wan\n"

describe("a reload of rnmd", function()
	local ns, d, m

	before_each(function()
		ns = rnmd.quiet_ns()
		ns:veth("wan0", "wan1")
		ns:run "ip addr add 203.0.113.7/24 dev wan0"
	end)

	after_each(function()
		if m then
			m:close()
			m = nil
		end
		rnmd.clean()
	end)

	local function start(packs)
		packs = packs or {}
		packs["base.lua"] = base
		d = daemon.start(ns, { config = zones, packs = packs })
		ns:run "echo 1 | socat -u - UDP:127.0.0.1:9"
		m = nft.monitor(ns)
	end

	-- The whole ruleset, handles and counters included.
	local function state()
		return ns:run "nft -a list ruleset"
	end

	-- The reload must fail with a message, and nothing may have changed for anybody.
	local function refused(pattern, what)
		local before, status = state(), rnmd.status(d, "pack base: [^,]+")
		m:generations()
		local _, ok, message = d:ask "reload"
		assert.is_false(ok, what)
		assert.matches(pattern, message)
		assert.equal(before, state(), what)
		local n, text = m:generations()
		assert.equal(0, n, text)
		assert.equal(status, rnmd.status(d, "pack base: [^,]+"))
		-- They go on following the network.
		ns:run "ip addr add 203.0.113.8/24 dev wan0"
		rnmd.settle(d)
		assert.same({ "203.0.113.7", "203.0.113.8" }, nft.set(ns, "inet t wan"))
		ns:run "ip addr del 203.0.113.8/24 dev wan0"
		rnmd.settle(d)
		assert.equal(before, state())
		assert.matches("reload refused", d:log())
	end

	local mistakes = {
		["a syntax error"] = { "local x = = 1", "bad%.lua:1: unexpected symbol" },
		["a runtime error"] = { "nft.table('inet', 't'):chain('new')\nerror 'no such luck'", "bad%.lua:2: no such luck" },
		["a misspelt rule"] = { "nft.table('inet', 't'):chain('new'):rule('tcp dprot 22 accept')", "dport" },
		["a misspelt hook"] = { "function on_adr_change() end", "on_addr_change" },
		["a failing block"] = { "rnm.block(function () nft.table('inet', 't'):chain('new') error 'blocked' end)",
			"bad%.lua:1: blocked" },
		["a hook failing for an address"] = { "function on_addr_change(ev) error('hooked ' .. ev.address) end", "hooked" },
		["a conflict of packs"] = { "nft.table('inet', 't'):set('wan', { type = 'ipv6_addr' })", "base%.lua:2" },
		["a rule that the kernel refuses"] = {
			"nft.table('bridge', 'b'):chain('in', { type = 'filter', hook = 'input', priority = 0 }):rule('meta pkttype set host')\nnft.table('inet', 't'):chain('new')",
			"bad [^\n]*bad%.lua:1: [^\n]*pkttype" },
		["a rule that its chain's hook does not take"] = { "nft.table('inet', 't'):chain('out'):rule('ipsec in reqid 1')", "bad%.lua:1:%d+: this works in hook" },
		["a chain that the kernel refuses"] = {
			"nft.table('inet', 't'):chain('new', { type = 'nat', hook = 'prerouting', priority = -200 })",
			"bad [^\n]*bad%.lua:1" },
	}

	it("changes nothing for a pack that is wrong", function()
		start()
		local before = state()
		for what, case in pairs(mistakes) do
			d:pack("bad.lua", case[1])
			refused(case[2], what)
			-- Without the cause it goes through.
			sh.run(("rm %s/policies.d/bad.lua"):format(d.dir))
			d:cmd "reload"
			assert.equal(before, state(), what)
		end
		rnmd.stop(d)
	end)

	it("changes nothing for a configuration with mistakes", function()
		start()
		d:configure(zones .. "quux: 1\nlog: debgu\n")
		refused "config%.yaml:4:1: quux: unknown key"
		d:configure "interfaces: [ {\n"
		refused "config%.yaml:%d+"
		d:configure(zones .. "packs:\n  nowhere: {}\n")
		refused "packs%.nowhere: no such pack"
		-- Zones of a refused configuration are not taken.
		d:pack("bad.lua", "error 'no'")
		d:configure "interfaces:\n  - name: wan1\n    nftables_zone: wan\n"
		refused "bad%.lua:1: no"
		sh.run(("rm %s/config.yaml"):format(d.dir))
		refused "config%.yaml"
		rnmd.stop(d)
	end)

	it("sends nothing where nothing changed, by either way", function()
		start()
		local before = state()
		assert.matches("counter packets [1-9]", before)
		m:generations()
		d:cmd "reload"
		d.process:signal "HUP"
		sh.eventually(function() return select(2, d:log():gsub("reloaded", "")) == 2 end)
		assert.equal(0, (m:generations()))
		assert.equal(before, state())
		rnmd.stop(d)
	end)

	it("keeps what stays, and brings what is new, in one batch", function()
		start { ["old.lua"] = "nft.table('inet', 'old'):chain('c'):rule('accept')" }
		local kept = state():match "[^\n]*127%.0%.0%.1[^\n]*"
		m:generations()
		d:pack("base.lua", (base:gsub("127%.0%.0%.2 counter drop", "127.0.0.3 counter drop")))
		d:pack("new.lua", "nft.table('inet', 'new'):chain('c'):rule('accept')")
		sh.run(("rm %s/policies.d/old.lua"):format(d.dir))
		d:cmd "reload"
		local n, text = m:generations()
		assert.equal(1, n, text)
		local now = state()
		assert.is_truthy(now:find(kept, 1, true))
		assert.matches("127%.0%.0%.3 counter packets 0", now)
		assert.not_matches("127%.0%.0%.2", now)
		assert.matches("table inet new", now)
		assert.not_matches("table inet old", now)
		assert.not_matches("pack old", rnmd.status(d))
		rnmd.stop(d)
	end)

	it("leaves a table alone that somebody else made meanwhile", function()
		d = daemon.start(ns, { packs = { ["a.lua"] = [[nft.table("inet", "mine")]] } })
		ns:run "nft add table inet other; nft add chain inet other c; nft add rule inet other c counter"
		local before = nft.ruleset(ns)
		d:pack("b.lua", [[nft.table("inet", "other"):chain("c"):rule("counter accept") nft.table("inet", "third")]])
		d:cmd "reload"
		assert.matches("pending: table inet other: a table of this name exists and is not rnm's", rnmd.status(d), 1, true)
		assert.equal(before, (nft.ruleset(ns):gsub("table inet third {\n}\n", "")))
		ns:run "nft delete table inet other"
		d:cmd "reload"
		assert.matches("counter packets 0 bytes 0 accept", nft.ruleset(ns), 1, true)
		rnmd.stop(d)
	end)

	it("moves zones", function()
		start { ["hook.lua"] = [[
local s = nft.table("inet", "t"):set("hooked", { type = "ipv4_addr" })
rnm.on("addr_change", { zone = "wan", family = "ipv4" }, function (ev)
  if ev.action == "del" then s:del(ev.address) else s:add(ev.address) end
end)]] }
		ns:run "ip addr add 198.51.100.1/24 dev wan1"
		rnmd.settle(d)
		m:generations()
		d:configure "interfaces:\n  - name: wan1\n    nftables_zone: wan\n"
		d:cmd "reload"
		local n, text = m:generations()
		assert.equal(1, n, text)
		assert.same({ "198.51.100.1" }, nft.set(ns, "inet t wan"))
		assert.same({ "198.51.100.1" }, nft.set(ns, "inet t hooked"))
		rnmd.stop(d)
	end)

	it("takes new limits, and tells what it can not take", function()
		start { ["busy.lua"] = "for i = 1, 200000 do local x = i end\nrnm.on('message', function () while true do end end)" }
		d:configure(zones .. "limits:\n  main_instructions: 100k\n")
		refused "busy%.lua:1: [^\n]*instruction"
		d:configure(zones .. "limits:\n  hook_instructions: 50k\nsocket:\n  mode: \"0600\"\nlog: warn\n")
		assert.same({ "socket.mode takes effect at a restart" }, d:cmd "reload")
		assert.matches("warn config: socket%.mode takes effect at a restart", d:log())
		assert.same({ "socket.mode takes effect at a restart" }, d:cmd "reload") -- as long as it has none
		d:cmd "emit x"
		assert.matches("instruction budget of 50k used up", d:log())
		assert.not_matches("info rnmd: reloaded", d:log()) -- the level is in force
		d:configure(zones)
		assert.same({}, d:cmd "reload")
		rnmd.stop(d)
	end)

	it("tells what it drops of the console", function()
		start()
		d:cmd "eval nft.table('inet', 't'):chain('out'):rule('ip daddr 127.0.0.9 drop')"
		d:pack("bad.lua", "error 'no'")
		assert.is_false((select(2, d:ask "reload")))
		assert.not_matches("dropped", d:log())
		assert.matches("127%.0%.0%.9", nft.ruleset(ns))
		sh.run(("rm %s/policies.d/bad.lua"):format(d.dir))
		local line = "console: eval:1: dropped: rule of chain inet t out: ip daddr 127.0.0.9 drop"
		assert.same({ line }, d:cmd "reload")
		assert.is_truthy(d:log():find("warn pack: " .. line, 1, true))
		assert.not_matches("127%.0%.0%.9", nft.ruleset(ns))
		assert.same({}, d:cmd "reload")
		rnmd.stop(d)
	end)

	it("loses no event that comes meanwhile", function()
		start()
		local writer = sh.spawn(ns:enter() .. "sh -c " .. sh.quote [[
for i in $(seq 1 150); do ip addr add 10.9.0.$i/32 dev wan0; [ $((i % 5)) = 0 ] && ip addr del 10.9.0.$((i - 2))/32 dev wan0; done]])
		local reloads, bad = 0, 0
		repeat
			d:pack("other.lua", reloads % 3 == 2 and "error 'no'" or ("nft.table('inet', 't'):chain('c%d')"):format(reloads))
			local _, ok = d:ask "reload"
			reloads = reloads + 1
			bad = bad + (ok and 0 or 1)
		until writer:status()
		assert.equal(0, (writer:stop()))
		rnmd.settle(d)
		local want = { "203.0.113.7" }
		for address in ns:run("ip -4 -o addr show dev wan0"):gmatch "inet (10%.9%.0%.%d+)/32" do
			table.insert(want, address)
		end
		table.sort(want)
		assert.equal(121, #want)
		assert.same(want, nft.set(ns, "inet t wan"))
		assert.is_true(reloads >= 6 and bad == reloads // 3, ("%d of %d"):format(bad, reloads))
		assert.same({}, d:cmd "plan")
		rnmd.stop(d)
	end)
end)
