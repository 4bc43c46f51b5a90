-- SPDX-License-Identifier: GPL-2.0-or-later
-- A stop and a start leave what is not changed as it is: handles, counters, the remaining time of elements.
local daemon = require "daemon"
local nft = require "nft"
local rnmd = require "rnmd"

local kinds = [[
local t = nft.table("inet", "t")
t:set("hash", { type = "ipv4_addr", elements = { "192.0.2.1", "192.0.2.2" } })
t:set("ranges", { type = "ipv4_addr", flags = "interval", elements = { nft.prefix "10.0.0.0/8", nft.range("192.0.2.5", "192.0.2.9"), nft.prefix "10.1.0.0/16" } })
t:set("merged", { type = "inet_service", flags = "interval", auto_merge = true, elements = { nft.range(80, 90), nft.range(91, 95) } })
t:set("pairs", { type = "ipv4_addr . inet_service", elements = { { "192.0.2.1", 80 }, { "192.0.2.2", 443 } } })
t:set("boxes", { type = "ipv4_addr . inet_service", flags = "interval", elements = { { nft.prefix "10.0.0.0/8", nft.range(80, 90) } } })
t:set("names", { type = "ifname", elements = { "eth0", "eth1" } })
t:set("bare", { typeof = "ip length" , elements = { 100, 200 } })
t:set("marks", { type = "mark", flags = "interval", elements = { nft.range(1, 10) } })
t:set("seen", { type = "ipv4_addr", flags = "dynamic, timeout", timeout = "1h", size = 100 })
t:set("aged", { type = "ipv4_addr", timeout = "1h", elements = { "192.0.2.1", { "192.0.2.2", timeout = "2h" } } })
t:set("rest", { type = "ipv4_addr", elements = { { "192.0.2.1", comment = "one" }, "*" } })
t:map("others", { type = "ipv4_addr : verdict", flags = "interval", elements = { ["192.0.2.1"] = "accept", ["*"] = "drop" } })
t:map("nat", { type = "inet_service : ipv4_addr", elements = { [80] = "192.0.2.80", [443] = "192.0.2.43" } })
local far = t:chain("far")
far:rule("counter accept")
t:map("go", { type = "ipv4_addr : verdict", elements = { ["192.0.2.1"] = "jump far", ["192.0.2.2"] = "drop" } })
local c = t:chain("in", { type = "filter", hook = "input", priority = "filter", policy = "accept", comment = "x" })
c:rules [=[
  ip saddr @hash counter accept
  ip saddr . tcp dport vmap { 10.0.0.1 . 22 : accept, 10.0.0.2 . 23 : drop }
  ip saddr @ranges tcp dport { 22, 80-90 } counter
  ip saddr vmap @go
  update @seen { ip saddr limit rate 10/second }
  meta mark @marks ct state established,related counter comment "with a comment"
  iifname @names meta l4proto { tcp, udp } th dport 53 counter
  jump far
]=]
local nat = t:chain("pre", { type = "nat", hook = "prerouting", priority = "dstnat" })
nat:rule("dnat ip to tcp dport map @nat")
nft.table("netdev", "n"):chain("ing", { type = "filter", hook = "ingress", priority = 0, devices = { "wan0" } }):rule("counter")
nft.table("ip", "plain", { comment = "with a comment" }):chain("c"):rule("ip saddr $list counter", { list = { "10.0.0.1", "10.0.0.2" } })
nft.table("ip", "live"):chain("c"):rule("ip daddr $wan counter", { wan = net.addrs { iface = "wan0", family = "ipv4" } })
-- of these the kernel tells more than was said
for _, family in ipairs { "ip", "ip6", "inet" } do
  local o = nft.table(family, "objects")
  o:ct_helper("ftp", { type = "ftp", protocol = "tcp" })
  o:ct_helper("tftp", { type = "tftp", protocol = "udp" })
  o:ct_timeout("short", { protocol = "tcp", policy = { established = 100, close = 4 } })
  o:ct_timeout("answered", "protocol udp; policy = { replied : 20 };")
  o:ct_expectation("pg", { protocol = "tcp", dport = 5432, timeout = "1h", size = 12, l3proto = family == "inet" and "ip" or nil })
  o:limit("slow", "rate 10/day burst 0 packets")
  o:limit("volume", "rate 10 kbytes/second")
  o:quota("much", "over 5 mbytes")
  o:synproxy("syn", "mss 1460; wscale 7;")
  o:chain("c"):rule("ct helper set \"ftp\""):rule("ct timeout set \"short\""):rule("limit name \"slow\" counter")
end
]]

describe("a restart", function()
	local ns

	before_each(function()
		ns = rnmd.quiet_ns()
		ns:veth("wan0", "wan1")
		ns:run "ip addr add 192.0.2.1/24 dev wan0"
	end)

	after_each(rnmd.clean)

	local function generation()
		return tonumber(ns:run([[lua5.4 -e 'print(require("rnm.core").nft.type.batch.genid())']]))
	end

	local function handles()
		return (ns:run "nft -a -s list ruleset")
	end

	it("sends nothing when nothing changed", function()
		local d = daemon.start(ns, { packs = { ["a.lua"] = kinds } })
		local before, gen = handles(), generation()
		d:halt()
		d:launch()
		assert.equal(before, handles())
		assert.equal(gen, generation())
		rnmd.stop(d)
	end)

	it("finds the sets of live lists again, in whatever order they came to be", function()
		local d = daemon.start(ns, { packs = { ["a.lua"] = [[
local c = nft.table("inet", "t"):chain("c")
rnm.block(function()
  if net.link "late" then c:rule("ip daddr $a counter", { a = net.addrs { iface = "late", family = "ipv4" } }) end
  c:rule("iifname $l counter", { l = net.links { up = true } })
  c:rule("ip saddr $n counter", { n = net.addrs { family = "ipv4" }:map(function (a) return net.host(a.network, "0.0.0.9") end) })
end)]] } })
		ns:veth("late", "late1")
		ns:run "ip addr add 198.51.100.1/24 dev late"
		rnmd.settle(d)
		local before, gen = handles(), generation()
		assert.is_truthy(before:find("@_a_3", 1, true))
		for _, how in ipairs { "TERM", "KILL" } do
			d:halt(how)
			d:launch()
			assert.equal(before, handles())
			assert.equal(gen, generation())
		end
		d:cmd "reload"
		assert.equal(gen, generation())
		rnmd.stop(d)
	end)

	it("sends nothing after a kill either", function()
		local d = daemon.start(ns, { packs = { ["a.lua"] = kinds } })
		local before, gen = handles(), generation()
		d:halt "KILL"
		d:launch()
		assert.equal(before, handles())
		assert.equal(gen, generation())
		rnmd.stop(d)
	end)

	it("goes on with what it read: later changes are small", function()
		local d = daemon.start(ns, { packs = { ["a.lua"] = kinds } })
		d:halt()
		d:launch()
		local before, gen = handles(), generation()
		ns:run "ip addr add 192.0.2.77/24 dev wan0"
		rnmd.settle(d)
		assert.equal(gen + 1, generation())
		ns:run "ip addr del 192.0.2.77/24 dev wan0"
		rnmd.settle(d)
		assert.equal(gen + 2, generation())
		assert.equal(before, handles())
		rnmd.stop(d)
	end)

	it("keeps what packets filled, whatever the set says of its size and flags; others' changes do not empty it either", function()
		local d = daemon.start(ns, { packs = { ["a.lua"] = [[
local t = nft.table("inet", "t")
t:set("plain", { type = "ipv4_addr" })
t:set("timed", { type = "ipv4_addr", timeout = "1h" })
t:set("flagged", { type = "ipv4_addr", flags = "dynamic" })
t:set("sized", { type = "ipv4_addr", size = 100 })
t:set("ports", { type = "inet_service" })
t:chain("in", { type = "filter", hook = "input", priority = "filter" }):rules [=[
  udp dport 9 add @plain { ip saddr }
  udp dport 9 update @timed { ip saddr }
  udp dport 9 add @flagged { ip saddr } add @sized { ip saddr }
  udp dport 9 jump { add @ports { udp dport }; }
]=]
]] } })
		local function filled()
			local list = {}
			for set, elements in nft.ruleset(ns):gmatch "set (%w+) {[^}]-elements = { ([%w.]+)" do
				list[#list + 1] = set .. " " .. elements
			end
			table.sort(list)
			return list
		end
		local want = { "flagged 127.0.0.1", "plain 127.0.0.1", "ports 9", "sized 127.0.0.1", "timed 127.0.0.1" }

		ns:run "ip link set lo up"
		ns:run "bash -c 'echo x >/dev/udp/127.0.0.1/9'"
		assert.same(want, filled())
		local before, gen = handles(), generation()
		d:cmd "reload"
		d:halt()
		d:launch()
		assert.same(want, filled())
		assert.equal(gen, generation())
		ns:run "nft add chain inet t foreign"
		rnmd.settle(d)
		assert.same(want, filled())
		assert.equal(before, handles())
		rnmd.stop(d)
	end)

	it("keeps the counters of rules that stay, whatever else changed", function()
		local function pack(more, port)
			return ([[
local t = nft.table("inet", "t")
t:set("s", { type = "ipv4_addr", elements = { "127.0.0.1", %s } })
local c = t:chain("in", { type = "filter", hook = "input", priority = "filter" })
c:rule("tcp dport %d counter")
c:rule("ip saddr @s udp dport 9 counter")
c:rule("tcp dport 7%d counter")
]]):format(more, port, port)
		end
		local function count()
			return nft.ruleset(ns):match "udp dport 9 counter packets (%d+)"
		end
		local function packets(n)
			ns:run(("bash -c 'for i in $(seq %d); do echo x >/dev/udp/127.0.0.1/9; done'"):format(n))
		end
		ns:run "ip link set lo up"
		local d = daemon.start(ns, { packs = { ["a.lua"] = pack('"192.0.2.7"', 1) } })
		packets(3)
		assert.equal("3", count())
		d:halt()
		packets(2)
		d:pack("a.lua", pack('"192.0.2.8", "192.0.2.9"', 2))
		d:launch()
		assert.equal("5", count())
		assert.same({ "127.0.0.1", "192.0.2.8", "192.0.2.9" }, nft.set(ns, "inet t s"))
		assert.matches("tcp dport 2 counter.*tcp dport 72 counter", nft.ruleset(ns))
		assert.not_matches("dport 1 ", nft.ruleset(ns))
		rnmd.stop(d)
	end)

	it("lets timed elements live by their remaining time", function()
		local d = daemon.start(ns, { packs = { ["a.lua"] = [[
local s = nft.table("inet", "t"):set("banned", { type = "ipv4_addr", flags = "timeout" })
local r = nft.table("inet", "t"):set("ranges", { type = "ipv4_addr", flags = "interval, timeout" })
rnm.on("message", { topic = "ban" }, function (ev) assert(s:add(ev.data.address, { timeout = ev.data.time })) end)
rnm.on("message", { topic = "net" }, function (ev) assert(r:add(nft.prefix(ev.data.net), { timeout = ev.data.time })) end)
rnm.on("message", { topic = "free" }, function (ev) assert(s:del(ev.data.address)) end)
nft.table("inet", "t"):set("stated", { type = "ipv4_addr", flags = "timeout", elements = { { "192.0.2.9", timeout = "1h" } } })
]] } })
		local function left(set, of)
			local text = ns:run("nft list set inet t " .. set)
			local time = text:match(of:gsub("%p", "%%%0") .. " timeout %w+ expires (%w+)")
			if not time then
				return nil
			end
			local s = 0
			for n, unit in time:gmatch "(%d+)(%l+)" do
				s = s + n * ({ h = 3600, m = 60, s = 1, ms = 0.001 })[unit]
			end
			return s
		end
		d:cmd "emit ban address=192.0.2.5 time=1h"
		d:cmd "emit ban address=192.0.2.6 time=2h"
		d:cmd "emit net net=10.0.0.0/8 time=1h"
		d:halt()
		ns:run "sleep 1.5"
		d:launch()
		assert.is_true(left("banned", "192.0.2.5") < 3600 - 1)
		assert.is_true(left("ranges", "10.0.0.0/8") < 3600 - 1)
		assert.is_true(left("stated", "192.0.2.9") < 3600 - 1)
		assert.is_true(left("banned", "192.0.2.6") > 3600)
		d:cmd "emit ban address=192.0.2.5 time=3h"
		assert.is_true(left("banned", "192.0.2.5") > 3 * 3600 - 60)
		d:cmd "emit free address=192.0.2.6"
		assert.same({ "192.0.2.5" }, nft.set(ns, "inet t banned"))
		rnmd.stop(d)
	end)

	it("and a reload let elements have the set's own timeout, and lose it with it", function()
		local function pack(timeout)
			return ([[
nft.table("inet", "t"):set("s", { type = "ipv4_addr", flags = "timeout", %s elements = { "192.0.2.1" } })]]):format(timeout)
		end
		local d = daemon.start(ns, { packs = { ["a.lua"] = pack "" } })
		local function minutes(timeout)
			d:pack("a.lua", pack(timeout))
			d:cmd "reload"
			assert.equal("", (d:rnm "plan --read"))
			local e = nft.list(ns, "set inet t s")[1].set.elem[1]
			return type(e) == "table" and (e.elem.expires + 60) // 60
		end
		assert.is_false(minutes "")
		assert.equal(60, minutes 'timeout = "1h",')
		assert.equal(120, minutes 'timeout = "2h",')
		assert.is_false(minutes "")
		rnmd.stop(d)
	end)

	it("takes back what somebody did to own tables meanwhile, and nothing of others", function()
		local d = daemon.start(ns, { packs = { ["a.lua"] = kinds } })
		local before = handles()
		d:halt()
		ns:run [[nft -f - <<'X'
add table inet theirs
add chain inet theirs c
add rule inet theirs c accept
add chain inet t foreign
add rule inet t foreign drop
insert rule inet t in tcp dport 9 drop
add set inet t foreignset { type ipv4_addr; }
add element inet t hash { 203.0.113.1 }
add counter inet t foreigncounter
delete element inet t ranges { 192.0.2.5-192.0.2.9 }
X]]
		d:launch()
		local theirs = ns:run "nft list table inet theirs"
		assert.matches("accept", theirs)
		ns:run "nft delete table inet theirs"
		assert.equal(before, handles())
		rnmd.stop(d)
	end)

	it("removes what no pack states any more", function()
		local d = daemon.start(ns, { packs = { ["a.lua"] = kinds } })
		d:halt()
		d:pack("a.lua", [[nft.table("inet", "t"):chain("far"):rule("counter accept")]])
		d:launch()
		local text = nft.ruleset(ns)
		assert.matches("^table inet t {\n\tchain far {\n\t\tcounter packets 0 bytes 0 accept.-\n\t}\n}\n$", text)
		rnmd.stop(d)
	end)

	it("loses nothing of a pack that fails, also in what it shares", function()
		local shared = [[
local t = nft.table("inet", "t")
local s = t:set("s", { type = "ipv4_addr" })
local r = t:set("r", { type = "ipv4_addr", flags = "interval" })
local c = t:chain("in", { type = "filter", hook = "input", priority = "filter" })
s:add("192.0.2.%d")
r:add(nft.prefix "10.%d.0.0/16")
c:rule("tcp dport %d accept")
t:chain("own%d"):rule("accept")
]]
		local function pack(n)
			return (shared:gsub("%%d", tostring(n)))
		end
		local d = daemon.start(ns, { packs = { ["10-a.lua"] = pack(1), ["20-b.lua"] = pack(2), ["30-c.lua"] = pack(3) } })
		local before, gen = handles(), generation()
		d:halt()
		d:pack("20-b.lua", "error 'no'")
		d:launch()
		assert.equal(before, handles())
		assert.equal(gen, generation())
		-- found to be wrong only when all that is stated is put together
		d:halt()
		d:pack("20-b.lua", pack(2) .. "c:rule('ip saddr 192.0.2.1 tproxy ip to :80')")
		d:launch()
		assert.matches("b: left out", d:log())
		assert.equal(before, handles())
		assert.equal(gen, generation())
		-- what others do meanwhile leaves it where it is
		d:cmd [[eval nft.table("inet", "t"):chain("in"):rule("tcp dport 99 accept")]]
		assert.matches("dport 1 accept.*dport 2 accept.*dport 3 accept.*dport 99 accept", nft.ruleset(ns))
		d:pack("20-b.lua", pack(2))
		d:cmd "reload"
		assert.equal(before, handles())
		d:pack("20-b.lua", "local gone")
		d:cmd "reload"
		assert.same({ "192.0.2.1", "192.0.2.3" }, nft.set(ns, "inet t s"))
		assert.not_matches("dport 2 ", nft.ruleset(ns))
		assert.not_matches("own2", nft.ruleset(ns))
		rnmd.stop(d)
	end)
end)
