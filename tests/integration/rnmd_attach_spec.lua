-- SPDX-License-Identifier: GPL-2.0-or-later
-- Own elements in sets of somebody else's ruleset: they wait for the set, come with it, come again after a flush or reload,
-- and nothing but them ever goes.
local daemon = require "daemon"
local rnmd = require "rnmd"
local sh = require "sh"

local theirs = [[
table inet fw {
  set block { type ipv4_addr; elements = { 198.51.100.1, 198.51.100.2 } }
  set nets { type ipv4_addr; flags interval; elements = { 203.0.113.0/24 } }
  set timed { type ipv4_addr; flags timeout; }
  map ports { type inet_service : mark; elements = { 22 : 0x1 } }
  map verdicts { type ipv4_addr : verdict; }
  chain in { type filter hook input priority 0; policy accept; ip saddr @block counter drop; }
  chain far { counter drop; }
}
]]

local pack = [[
local block = nft.attach("inet", "fw", "block")
block:add("192.0.2.1")
block:add("192.0.2.2", { comment = "mine" })
local nets = nft.attach("inet", "fw", "nets")
nets:replace { nft.prefix "10.0.0.0/8", nft.range("192.0.2.5", "192.0.2.9") }
local ports = nft.attach("inet", "fw", "ports", { map = true })
ports:add(80, 5)
rnm.on("message", { topic = "block" }, function (ev) assert(block:add(ev.data.a)) end)
rnm.on("message", { topic = "allow" }, function (ev) assert(block:del(ev.data.a)) end)
]]

describe("an attached set", function()
	local ns, d

	before_each(function()
		ns, d = rnmd.quiet_ns(), nil
	end)
	after_each(rnmd.clean)

	local function nft(text)
		local file = os.tmpname()
		sh.write(file, text .. "\n")
		ns:run("nft -f " .. file)
		os.remove(file)
		if d then
			rnmd.settle(d)
		end
	end

	local function elements(set, kind)
		local text = ns:run(("nft list %s inet fw %s"):format(kind or "set", set))
		local body = text:match "elements = {%s*(.-)%s*}" or ""
		local list = {}
		for e in body:gmatch "[^,]+" do
			list[#list + 1] = e:match "^%s*(.-)%s*$"
		end
		table.sort(list)
		return table.concat(list, ", ")
	end

	local function start(text, opt)
		opt = opt or {}
		opt.packs = { ["a.lua"] = text or pack }
		d = daemon.start(ns, opt)
		return d
	end

	local function generation()
		return tonumber(ns:run([[lua5.4 -e 'print(require("rnm.core").nft.type.batch.genid())']]))
	end

	local both = '192.0.2.1, 192.0.2.2 comment "mine", 198.51.100.1, 198.51.100.2'
	local ranges = "10.0.0.0/8, 192.0.2.5-192.0.2.9, 203.0.113.0/24"

	local function filled()
		assert.equal(both, elements "block")
		assert.equal(ranges, elements "nets")
		assert.equal("22 : 0x00000001, 80 : 0x00000005", elements("ports", "map"))
	end

	it("waits, and is filled when it comes", function()
		start()
		assert.matches("pending: block in inet fw: attached to a set that is not there yet", rnmd.status(d))
		nft(theirs)
		filled()
		assert.is_nil(rnmd.status(d, "pending:"))
		rnmd.stop(d)
		filled()
	end)

	it("is filled at the start, in one commit", function()
		nft(theirs)
		local gen = generation()
		start()
		filled()
		assert.equal(gen + 1, generation())
	end)

	local foreign = {
		["a flush"] = "flush set inet fw block\nadd element inet fw block { 198.51.100.1, 198.51.100.2 }",
		["a flush of all sets"] = "flush set inet fw block\nflush set inet fw nets\nflush map inet fw ports\nadd element inet fw block { 198.51.100.1, 198.51.100.2 }\nadd element inet fw nets { 203.0.113.0/24 }\nadd element inet fw ports { 22 : 1 }",
		["elements that are deleted"] = "delete element inet fw block { 192.0.2.1 }\ndelete element inet fw nets { 10.0.0.0/8 }\ndelete element inet fw ports { 80 : 5 }",
		["a value that is changed"] = "delete element inet fw ports { 80 : 5 }",
		["a reload of the table"] = "delete table inet fw\n" .. theirs,
		["a reload of all"] = "flush ruleset\n" .. theirs,
	}
	for name, text in pairs(foreign) do
		it("is filled again in one commit after " .. name, function()
			nft(theirs)
			start()
			local gen = generation()
			nft(text)
			filled()
			assert.equal(gen + 2, generation())
			rnmd.stop(d)
		end)
	end

	it("waits again while its table is gone", function()
		nft(theirs)
		start()
		nft "delete table inet fw"
		assert.matches("pending: nets in inet fw: attached to a set that is not there yet", rnmd.status(d))
		d:cmd("emit block a=192.0.2.77")
		nft(theirs)
		assert.matches("192%.0%.2%.77", elements "block")
		rnmd.stop(d)
	end)

	it("takes another type when it is made anew with one", function()
		nft(theirs)
		start [[nft.attach("inet", "fw", "block"):add("192.0.2.1")]]
		nft("delete table inet fw\n" .. theirs:gsub("type ipv4_addr; elements = { 198.51.100.1, 198.51.100.2 }",
			"type ipv4_addr; flags interval; elements = { 198.51.100.0/24 }"))
		assert.equal("192.0.2.1, 198.51.100.0/24", elements "block")
		rnmd.stop(d)
	end)

	it("leaves what others added and takes only own elements out", function()
		nft(theirs)
		start()
		nft "add element inet fw block { 198.51.100.9 }\nadd element inet fw nets { 172.16.0.0/12 }"
		d:pack("a.lua", [[nft.attach("inet", "fw", "block"):add("192.0.2.2", { comment = "mine" })]])
		d:cmd "reload"
		assert.equal('192.0.2.2 comment "mine", 198.51.100.1, 198.51.100.2, 198.51.100.9', elements "block")
		assert.equal("172.16.0.0/12, 203.0.113.0/24", elements "nets")
		assert.equal("22 : 0x00000001", elements("ports", "map"))
		rnmd.stop(d)
	end)

	it("leaves an element that somebody else has, and tells", function()
		nft(theirs)
		start [[
			local b = nft.attach("inet", "fw", "block")
			b:replace { "192.0.2.1", "198.51.100.1" }
			nft.attach("inet", "fw", "nets"):replace { nft.prefix "203.0.113.0/25", nft.prefix "10.0.0.0/8" }
		]]
		assert.equal("192.0.2.1, 198.51.100.1, 198.51.100.2", elements "block")
		assert.equal("10.0.0.0/8, 203.0.113.0/24", elements "nets")
		assert.matches("block in inet fw: an element of somebody else is in the way", rnmd.status(d))
		nft "delete element inet fw block { 198.51.100.1 }"
		assert.equal("192.0.2.1, 198.51.100.1, 198.51.100.2", elements "block")
		rnmd.stop(d)
	end)

	it("follows edits", function()
		nft(theirs)
		start()
		d:cmd("emit block a=192.0.2.50")
		assert.matches("192%.0%.2%.50", elements "block")
		d:cmd("emit allow a=192.0.2.50")
		filled()
		rnmd.stop(d)
	end)

	for how, stop in pairs { ["a stop"] = "TERM", ["kill -9"] = "KILL" } do
		it("costs nothing at the start after " .. how .. ", and what nobody states any more goes", function()
			nft(theirs)
			start()
			d:halt(stop)
			local gen = generation()
			d:launch()
			filled()
			assert.equal(gen, generation())
			d:halt(stop)
			d:pack("a.lua", (pack:gsub('block:add%("192.0.2.1"%)', "")))
			d:launch()
			assert.equal('192.0.2.2 comment "mine", 198.51.100.1, 198.51.100.2', elements "block")
			rnmd.stop(d)
		end)
	end

	it("of a table that a pack states is an error with both places", function()
		nft(theirs)
		start()
		d:pack("b.lua", [[nft.table("inet", "fw"):chain("mine")]])
		local _, err = pcall(d.cmd, d, "reload")
		assert.matches("b.lua:1: table fw is somebody else's for a, .-a.lua:1", err)
		filled()
	end)

	it("that nobody attaches to any more is left by the next start", function()
		nft(theirs)
		start()
		d:halt()
		d:pack("a.lua", [[nft.attach("inet", "fw", "ports", { map = true })]])
		local gen = generation()
		d:launch()
		assert.equal("198.51.100.1, 198.51.100.2", elements "block")
		assert.equal("203.0.113.0/24", elements "nets")
		assert.equal("22 : 0x00000001", elements("ports", "map"))
		assert.equal(gen + 1, generation())
		rnmd.stop(d)
	end)

	it("keeps what it has while its pack is left out", function()
		nft(theirs)
		start()
		d:halt()
		d:pack("a.lua", "error 'no'")
		d:launch()
		filled()
		d:pack("a.lua", pack)
		d:cmd "reload"
		filled()
		d:halt()
		d:pack("a.lua", "error 'no'")
		d:launch()
		d:pack("a.lua", "")
		d:cmd "reload"
		assert.equal("198.51.100.1, 198.51.100.2", elements "block")
		rnmd.stop(d)
	end)

	it("is shared by two packs", function()
		nft(theirs)
		start [[nft.attach("inet", "fw", "block"):replace { "192.0.2.1", "192.0.2.2" }]]
		d:pack("b.lua", [[nft.attach("inet", "fw", "block"):replace { "192.0.2.2", "192.0.2.3" }]])
		d:cmd "reload"
		assert.equal("192.0.2.1, 192.0.2.2, 192.0.2.3, 198.51.100.1, 198.51.100.2", elements "block")
		d:pack("a.lua", "")
		d:cmd "reload"
		assert.equal("192.0.2.2, 192.0.2.3, 198.51.100.1, 198.51.100.2", elements "block")
		rnmd.stop(d)
	end)

	it("takes timeouts where it has the flag, which go on over a restart and a reload by its owner", function()
		nft(theirs)
		start [[
			local timed = nft.attach("inet", "fw", "timed")
			rnm.on("message", { topic = "ban" }, function (ev) assert(timed:add(ev.data.a, { timeout = "1h" })) end)
			rnm.on("message", { topic = "no" }, function (ev) assert(nft.attach("inet", "fw", "block"):add(ev.data.a, { timeout = "1h" })) end)
		]]
		d:cmd "emit ban a=192.0.2.9"
		d:halt "KILL"
		sh.run "sleep 1.2"
		local gen = generation()
		d:launch()
		assert.equal(gen, generation())
		nft("flush ruleset\n" .. theirs)
		local s = elements "timed":match "^192%.0%.2%.9 timeout 1h expires 59m(%d+)s"
		assert(s and tonumber(s) <= 58, elements "timed")
		rnmd.stop(d)
	end)

	it("with a timeout of its own keeps what is stated without one, whenever it comes", function()
		local aging = theirs:gsub("set block { type ipv4_addr;", "set block { type ipv4_addr; timeout 1h;")
		for _, first in ipairs { true, false } do
			nft("flush ruleset\n" .. (first and aging or ""))
			start [[nft.attach("inet", "fw", "block"):add("192.0.2.1")]]
			nft("flush ruleset\n" .. aging)
			assert.equal("192.0.2.1", elements "block":match "192%.0%.2%.1[^,]*")
			assert.matches("held by a, a%.lua:1", d:rnm "why 192.0.2.1")
			assert.matches("set inet fw block: 1 element\n  of somebody else\n  declared by a, a%.lua:1", d:rnm "why inet fw block")
			local gen = generation()
			d:halt()
			d:launch()
			assert.equal(gen, generation())
			rnmd.stop(d)
			d = nil
		end
		start [[nft.attach("inet", "none", "block"):add("192.0.2.1")]]
		assert.matches("set inet none block\n  waits: attached to a set that is not there yet", d:rnm "why inet none block")
		assert.matches("table inet none\n  of somebody else\n  pack a: ", d:rnm "why inet none")
		rnmd.stop(d)
	end)

	it("takes the values of its type only, and says where one is not", function()
		nft(theirs)
		start [[
			local b = nft.attach("inet", "fw", "block")
			rnm.on("message", { topic = "x" }, function (ev) local ok, why = b:add(ev.data.a) rnm.log.info("told", why) end)
		]]
		d:cmd "emit x a=2001:db8::1"
		assert.matches("told .*2001:db8::1", d:log())
		d:pack("a.lua", [[assert(nft.attach("inet", "fw", "block"):add("no address"))]])
		local ok, err = pcall(d.cmd, d, "reload")
		assert.is_false(ok)
		assert.matches("no address", err)
		rnmd.stop(d)
	end)

	it("with a value that does not fit when it comes is filled with the others", function()
		start [[nft.attach("inet", "fw", "block"):replace { "192.0.2.1", "2001:db8::1" }]]
		nft(theirs)
		assert.equal("192.0.2.1, 198.51.100.1, 198.51.100.2", elements "block")
		assert.matches("2001:db8::1", d:log())
		rnmd.stop(d)
	end)

	it("of verdicts names chains of its table", function()
		nft(theirs)
		start [[nft.attach("inet", "fw", "verdicts", { map = true }):add("192.0.2.1", "goto far")]]
		assert.equal("192.0.2.1 : goto far", elements("verdicts", "map"))
		rnmd.stop(d)
	end)

	it("that is a map is not taken for a set", function()
		nft(theirs)
		start [[nft.attach("inet", "fw", "ports")]]
		assert.matches("pending: ports in inet fw: attached to a map as to a set", rnmd.status(d))
		rnmd.stop(d)
	end)

	it("is filled where drift is only told of", function()
		start(nil, { config = "drift: warn" })
		nft(theirs)
		filled()
		nft "flush set inet fw nets\nadd element inet fw nets { 203.0.113.0/24 }"
		filled()
		rnmd.stop(d)
	end)

	it("does not look at what others add", function()
		nft(theirs)
		start()
		local before = d:log()
		for i = 1, 20 do
			nft(("add element inet fw block { 198.51.100.%d }\ninsert rule inet fw in counter accept"):format(i + 20))
		end
		assert.equal(before, d:log())
		rnmd.stop(d)
	end)

	it("gives hooks of the start its type", function()
		nft(theirs)
		start [[
			block = nft.attach("inet", "fw", "block")
			function on_start() assert(block:add("192.0.2.1")) end
		]]
		assert.equal("192.0.2.1, 198.51.100.1, 198.51.100.2", elements "block")
		rnmd.stop(d)
	end)

	it("from which others take their own elements is not fought for, one from which they take ours is", function()
		nft(theirs)
		start()
		for i = 1, 12 do
			nft(("add element inet fw block { 198.51.100.%d }"):format(i + 20))
		end
		for i = 1, 12 do
			nft(("delete element inet fw block { 198.51.100.%d }"):format(i + 20))
		end
		assert.is_nil(d:log():find "keeps changing")
		filled()
		for _ = 1, 8 do
			ns:try "nft delete element inet fw block { 192.0.2.1 }"
			rnmd.settle(d)
		end
		assert.matches("keeps changing set inet fw block", d:log())
		d:cmd "reload"
		filled()
		rnmd.stop(d)
	end)

	it("that its owner lets nobody change waits alone", function()
		local fifo = os.tmpname()
		os.remove(fifo)
		sh.run("mkfifo " .. fifo)
		local hold = sh.spawn("sh -c 'exec 3<>" .. fifo .. "; exec sleep 60'")
		local owner = sh.spawn(ns:enter() .. " sh -c '(echo \"add table inet fw { flags owner; }\"; echo \"add set inet fw block { type ipv4_addr; }\"; cat) | nft -i' <" .. fifo)
		sh.eventually(function() return (ns:run "nft list ruleset"):find "set block" end, 5)
		start [[
			nft.attach("inet", "fw", "block"):add("192.0.2.1")
			nft.table("inet", "t"):chain("c"):rule("accept")
		]]
		assert.matches("pending: block in inet fw: attached to a set of a table that its owner lets nobody change", rnmd.status(d))
		assert.matches("chain c {", ns:run "nft list table inet t")
		hold:stop "KILL"
		sh.eventually(function() return ns:run "nft list tables" == "table inet t\n" end, 5)
		owner:stop()
		os.remove(fifo)
		nft(theirs)
		sh.eventually(function() return elements "block" == "192.0.2.1, 198.51.100.1, 198.51.100.2" end, 5)
		rnmd.stop(d)
	end)

	it("follows a query, and a block withdraws what it stated", function()
		nft(theirs)
		ns:run "ip link add eth0 type veth peer name eth1; ip link set eth1 up; ip addr add 192.0.2.33/24 dev eth0; ip link set eth0 up"
		start [[
			local b = nft.attach("inet", "fw", "block")
			b:follow(net.addrs { family = "ipv4", scope = "global" })
			local n = nft.attach("inet", "fw", "nets")
			rnm.block(function () if net.link("eth0").up then n:add(nft.prefix "10.1.0.0/16") end end)
		]]
		assert.equal("192.0.2.33, 198.51.100.1, 198.51.100.2", elements "block")
		assert.equal("10.1.0.0/16, 203.0.113.0/24", elements "nets")
		ns:run "ip addr del 192.0.2.33/24 dev eth0; ip link set eth0 down"
		sh.eventually(function() return elements "nets" == "203.0.113.0/24" and elements "block" == "198.51.100.1, 198.51.100.2" end, 5)
		rnmd.stop(d)
	end)

	it("is fed by the example, whatever its ruleset's owner does", function()
		local here = debug.getinfo(1, "S").source:match "^@(.*)/[^/]*$" or "."
		local example = here .. "/../../examples/attach/"
		local function list(set)
			return ns:run("nft list set inet filter " .. set):match "elements = {%s*(.-)%s*}"
		end
		ns:run("nft -f " .. example .. "nftables.conf")
		d = daemon.start(ns, { ready = false })
		d:halt()
		d:write("drop.txt", "192.0.2.0/28 # one\n198.51.100.7\n")
		d:pack("attach.lua", sh.run("cat " .. example .. "attach.lua"))
		d:configure "packs:\n  attach:\n    files: [@DIR@/drop.txt]\n    config:\n      list: @DIR@/drop.txt\n"
		d:launch()
		d:wait()
		d:cmd "emit ban address=192.0.2.99 time=10m"
		for _ = 1, 2 do
			assert.matches("192.0.2.0/28, 198.51.100.7,", (list "blocklist"):gsub("%s+", " "), 1, true)
			assert.matches("192.0.2.99 timeout 10m", list "banned", 1, true)
			ns:run("nft -f " .. example .. "nftables.conf")
			rnmd.settle(d)
		end
		rnmd.stop(d)
	end)
end)
