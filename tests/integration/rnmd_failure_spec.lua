-- SPDX-License-Identifier: GPL-2.0-or-later
-- A pack that fails takes nobody with it, says so, and comes back by itself.
local daemon = require "daemon"
local nft = require "nft"
local rnmd = require "rnmd"
local sh = require "sh"

local good = [[
nft.table("inet", "t"):set("good", { type = "ipv4_addr", elements = net.addrs { iface = "wan0", family = "ipv4" } })]]

describe("a failing pack", function()
	local ns

	before_each(function()
		ns = rnmd.quiet_ns()
		ns:veth("wan0", "wan1")
	end)

	after_each(rnmd.clean)

	local function start(packs, config)
		packs["90-good.lua"] = good
		return daemon.start(ns, { packs = packs, config = config })
	end

	local function add(d, address)
		ns:run(("ip addr add %s/24 dev wan0"):format(address))
		rnmd.settle(d)
	end

	it("loses its own changes of an event only, and is replayed", function()
		local d = start { ["bad.lua"] = [[
local s = nft.table("inet", "t"):set("bad", { type = "ipv4_addr" })
rnm.on("addr_change", { iface = "wan0", family = "ipv4" }, function (ev)
  if ev.action == "del" then s:del(ev.address) return end
  s:add(ev.address)
  if net.links { name = "trouble" }:first() then
    nft.table("inet", "t"):chain "half"
    error "there is trouble"
  end
end)]] }
		add(d, "192.0.2.1")
		ns:run "ip link add trouble type bridge"
		local m = nft.monitor(ns)
		add(d, "192.0.2.2")
		local n, text = m:generations()
		assert.equal(1, n, text)
		assert.same({ "192.0.2.1", "192.0.2.2" }, nft.set(ns, "inet t good"))
		assert.same({ "192.0.2.1" }, nft.set(ns, "inet t bad"))
		assert.not_matches("half", nft.ruleset(ns))
		local status = rnmd.status(d)
		assert.matches("pack bad: degraded", status)
		assert.matches("pack bad: last error: [^\n]*there is trouble", status)
		assert.matches("pack good: running", status)
		assert.matches("bad%.lua:7: there is trouble\n?.*stack traceback.*bad%.lua:7", d:log())

		-- It goes on receiving events, and heals once the cause is gone.
		ns:run "ip link del trouble"
		local t0 = os.time()
		sh.eventually(function() return rnmd.status(d, "pack bad: running") end, 6 * rnmd.slow)
		assert.is_true(os.time() - t0 <= 5 * rnmd.slow)
		assert.same({ "192.0.2.1", "192.0.2.2" }, nft.set(ns, "inet t bad"))
		add(d, "192.0.2.3")
		assert.equal(3, #nft.set(ns, "inet t bad"))
		m:close()
		rnmd.stop(d)
	end)

	it("keeps what its block stated until the block runs again", function()
		local d = start { ["blocky.lua"] = [[
local c = nft.table("inet", "t"):chain "blocky"
c:rule "tcp dport 1 drop"
rnm.block(function ()
  for _, a in ipairs(net.addrs { iface = "wan0", family = "ipv4" }) do
    c:rule("ip daddr $a accept", { a = a.address })
    if a.address == "192.0.2.66" then error "not this one" end
  end
end)
rnm.each(net.links { name = "lo" }, function () c:rule "tcp dport 2 drop" end)]] }
		add(d, "192.0.2.1")
		local before = ns:run "nft -a list chain inet t blocky"
		add(d, "192.0.2.66")
		assert.equal(before, ns:run "nft -a list chain inet t blocky")
		assert.matches("pack blocky: degraded", rnmd.status(d))
		assert.matches("blocky%.lua:6: not this one", d:log())
		assert.same({ "192.0.2.1", "192.0.2.66" }, nft.set(ns, "inet t good"))
		ns:run "ip addr del 192.0.2.66/24 dev wan0"
		add(d, "192.0.2.5")
		sh.eventually(function() return rnmd.status(d, "pack blocky: running") end, 6 * rnmd.slow)
		assert.matches("ip daddr 192.0.2.1 accept.*ip daddr 192.0.2.5 accept", nft.ruleset(ns))
		rnmd.stop(d)
	end)

	it("is stopped by its budget", function()
		local d = start({ ["loop.lua"] = [[
local s = nft.table("inet", "t"):set("loop", { type = "ipv4_addr" })
rnm.on("addr_change", { iface = "wan0", family = "ipv4" }, function (ev)
  s:add(ev.address)
  while ev.address == "192.0.2.66" do pcall(function () while true do end end) end
end)]] }, "limits:\n  hook_time: 50ms\n")
		add(d, "192.0.2.1")
		local t0 = sh.run "date +%s%N"
		add(d, "192.0.2.66")
		assert.is_true((sh.run "date +%s%N" - t0) / 1e6 < 500 * rnmd.slow)
		assert.same({ "192.0.2.1" }, nft.set(ns, "inet t loop"))
		assert.same({ "192.0.2.1", "192.0.2.66" }, nft.set(ns, "inet t good"))
		assert.matches("pack loop: degraded", rnmd.status(d))
		assert.matches("loop%.lua:4", d:log())
		ns:run "ip addr del 192.0.2.66/24 dev wan0"
		sh.eventually(function() return rnmd.status(d, "pack loop: running") end, 6 * rnmd.slow)
		rnmd.stop(d)
	end)

	it("is left out at start, with others running", function()
		local d = start { ["broken.lua"] = "nft.table('inet', 't'):chain('broken')\nlocal x = nil + 1",
			["syntax.lua"] = "nft.table('inet', 't'))",
			["later.lua"] = "nft.table('inet', 't'):chain('later'):rule('jump broken')" }
		add(d, "192.0.2.1")
		assert.same({ "192.0.2.1" }, nft.set(ns, "inet t good"))
		assert.not_matches("chain broken", nft.ruleset(ns))
		local status = rnmd.status(d)
		assert.matches("pack broken: failed", status)
		assert.matches("pack broken: last error: [^\n]*broken%.lua:2: attempt to perform arithmetic", status)
		assert.matches("pack syntax: failed", status)
		assert.matches("pending: later [^\n]*chain broken is not stated", status)
		rnmd.stop(d)
	end)

	it("that is mended is loaded by a reload", function()
		local d = start { ["broken.lua"] = "error 'no'" }
		d:pack("broken.lua", "nft.table('inet', 't'):chain('mended')")
		d:cmd "reload"
		assert.matches("chain mended", nft.ruleset(ns))
		assert.matches("pack broken: running", rnmd.status(d))
		rnmd.stop(d)
	end)

	it("loses a rule that the kernel refuses, and that rule only", function()
		local d = start { ["wrong.lua"] = [[
local t = nft.table("inet", "t")
local c = t:chain("out", { type = "filter", hook = "output", priority = 0 })
c:rule "tcp dport 1 drop"
c:rule "meta l4proto tcp tproxy to :80"
c:rule "tcp dport 3 drop"
rnm.on("addr_change", { iface = "wan0", family = "ipv4" }, function (ev)
  local own = t:chain("own", { type = "filter", hook = "input", priority = 10 })
  own:rule("ip daddr $a accept", { a = ev.address })
  own:rule("ip daddr $a tcp dport 9 tproxy ip to :80", { a = ev.address })
end)]] }
		assert.matches("tcp dport 1 drop[^\n]*\n%s*tcp dport 3 drop", nft.ruleset(ns))
		assert.not_matches("tproxy", nft.ruleset(ns))
		assert.matches("wrong [^\n]*wrong%.lua:4", d:log())
		assert.matches("refused: out [^\n]*wrong%.lua:4", rnmd.status(d))
		add(d, "192.0.2.1")
		assert.same({ "192.0.2.1" }, nft.set(ns, "inet t good"))
		assert.matches("ip daddr 192.0.2.1 accept", nft.ruleset(ns))
		assert.not_matches("tproxy", nft.ruleset(ns))
		assert.matches("wrong [^\n]*wrong%.lua:9", d:log())
		-- What was refused is not tried again with every event: only when its rest is over, which the clock may bring.
		local m = nft.monitor(ns)
		local refusals
		for i = 1, 5 do
			local _, before = d:log():gsub("the kernel refused", "")
			add(d, "198.51.100." .. i)
			local n, text = m:generations()
			assert.equal(1, n, text)
			refusals = select(2, d:log():gsub("the kernel refused", "")) - before
			if refusals == 1 then -- of the new address's rule
				break
			end
		end
		assert.equal(1, refusals)
		m:close()
		rnmd.stop(d)
	end)

	it("loses many rules that the kernel refuses at one go", function()
		local d = start { ["many.lua"] = [[
local c = nft.table("inet", "t"):chain("out", { type = "filter", hook = "output", priority = 0 })
for i = 1, 100 do
  c:rule("tcp dport $i tproxy ip to :80", { i = i })
  c:rule("tcp dport $i accept", { i = i })
end]] }
		local text = nft.ruleset(ns)
		assert.equal(100, select(2, text:gsub("tcp dport %d+ accept", "")))
		assert.not_matches("tproxy", text)
		assert.equal(1, (select(2, d:log():gsub("the kernel refused", ""))))
		assert.matches("pack many: [^\n]* 10[01] errors", rnmd.status(d))
		add(d, "192.0.2.1")
		assert.same({ "192.0.2.1" }, nft.set(ns, "inet t good"))
		rnmd.stop(d)
	end)

	it("overfills a set without harm to the others", function()
		local d = start { ["small.lua"] = [[
nft.table("inet", "t"):set("small", { type = "ipv4_addr", size = 3, elements = net.addrs { iface = "wan0", family = "ipv4" } })]] }
		local want = {}
		for i = 1, 6 do
			add(d, "192.0.2." .. i)
			want[i] = "192.0.2." .. i
		end
		assert.same(want, nft.set(ns, "inet t good"))
		assert.same({ "192.0.2.1", "192.0.2.2", "192.0.2.3" }, nft.set(ns, "inet t small"))
		assert.matches("small small%.lua:1: %+ add element inet t small { 192%.0%.2%.4 }: the set is full", d:log())
		assert.matches("pack small: degraded", rnmd.status(d))
		rnmd.stop(d)
	end)

	it("is undone for the events that it fails in, of many in one batch", function()
		local d = start { ["bad.lua"] = [[
local s = nft.table("inet", "t"):set("bad", { type = "ipv4_addr" })
rnm.on("addr_change", { iface = "wan0", family = "ipv4" }, function (ev)
  s:add(ev.address)
  if ev.address:find "3$" then error "three" end
end)]] }
		local m, lines, every, most = nft.monitor(ns), {}, {}, {}
		for i = 1, 40 do
			lines[i] = ("addr add 10.0.0.%d/32 dev wan0"):format(i)
			every[i] = "10.0.0." .. i
			most[#most + 1] = i % 10 ~= 3 and every[i] or nil
		end
		table.sort(every)
		table.sort(most)
		m:generations()
		d.process:signal "STOP"
		rnmd.ip_batch(ns, lines)
		d.process:signal "CONT"
		rnmd.settle(d)
		local n, text = m:generations()
		assert.is_true(n <= 2, text) -- more than one where it took longer than max_delay
		assert.same(every, nft.set(ns, "inet t good"))
		assert.same(most, nft.set(ns, "inet t bad"))
		m:close()
		rnmd.stop(d)
	end)

	it("in conflict with another loses its share", function()
		local d = start { ["10-one.lua"] = [[
nft.table("inet", "t"):map("m", { type = "ipv4_addr : mark" }):add("192.0.2.1", 1)]], ["20-two.lua"] = [[
local m = nft.table("inet", "t"):map("m", { type = "ipv4_addr : mark" })
nft.table("inet", "t"):chain "two"
rnm.each(net.addrs { iface = "wan0", family = "ipv4" }, function (a) m:add(a.address, 2) end)]] }
		add(d, "192.0.2.1")
		assert.same({ "192.0.2.1" }, nft.set(ns, "inet t good"))
		assert.same({ "192.0.2.1 : 1" }, nft.map(ns, "inet t m"))
		assert.matches("pack two: degraded", rnmd.status(d))
		assert.matches("10%-one%.lua:1", d:log())
		assert.matches("20%-two%.lua:3", d:log())
		ns:run "ip addr del 192.0.2.1/24 dev wan0"
		sh.eventually(function() return rnmd.status(d, "pack two: running") end, 6 * rnmd.slow)
		add(d, "192.0.2.2")
		assert.same({ "192.0.2.1 : 1", "192.0.2.2 : 2" }, nft.map(ns, "inet t m"))
		rnmd.stop(d)
	end)
end)
