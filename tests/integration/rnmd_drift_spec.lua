-- SPDX-License-Identifier: GPL-2.0-or-later
-- Others change own tables: it is seen, told, and put right in one commit, and nothing else is touched.
local daemon = require "daemon"
local nft = require "nft"
local rnmd = require "rnmd"
local sh = require "sh"

local pack = [[
local t = nft.table("inet", "t")
t:set("s", { type = "ipv4_addr", elements = { "192.0.2.1", "192.0.2.2" } })
t:set("r", { type = "ipv4_addr", flags = "interval", elements = { nft.prefix "10.0.0.0/8", nft.range("192.0.2.5", "192.0.2.9") } })
t:map("m", { type = "inet_service : verdict", elements = { [22] = "accept", [80] = "jump far" } })
t:chain("far"):rule("counter accept")
local c = t:chain("in", { type = "filter", hook = "input", priority = "filter", policy = "accept" })
c:rules [=[
  udp dport 9 counter
  ip saddr @s counter accept
  tcp dport vmap @m
  ip saddr @r counter drop
]=]
nft.table("ip", "other"):chain("c"):rule("accept")
rnm.on("nft_change", {}, function (ev)
  local what = {}
  for i, c in ipairs(ev.changes) do
    what[i] = ("%s %s %s %s %s x%d"):format(c.action, c.kind, c.family, c.table, c.object or "-", c.count)
  end
  rnm.log.info("foreign", ev.process, ev.pid and "pid" or "-", ev.generation and "gen" or "-", table.concat(what, ", "))
end)
]]

describe("a foreign change of own tables", function()
	local ns, d, before

	-- Without the order of tables and of what is in them, which is that of their making.
	local function state()
		local tables = {}
		for head, body in ns:run("nft -s list ruleset"):gmatch "(table [^\n]+){\n(.-)\n}\n" do
			local parts = {}
			for part in (body .. "\n\n"):gmatch "(.-)\n\n" do
				parts[#parts + 1] = part
			end
			table.sort(parts)
			tables[#tables + 1] = head .. "\n" .. table.concat(parts, "\n")
		end
		table.sort(tables)
		return table.concat(tables, "\n")
	end

	local function start(config)
		d = daemon.start(ns, { packs = { ["a.lua"] = pack }, config = config })
		before = state()
	end

	before_each(function()
		ns = rnmd.quiet_ns()
		start()
	end)

	after_each(rnmd.clean)

	local function generation()
		return tonumber(ns:run([[lua5.4 -e 'print(require("rnm.core").nft.type.batch.genid())']]))
	end

	local function foreign(commands)
		local file = os.tmpname()
		sh.write(file, commands)
		ns:run("nft -f " .. file)
		os.remove(file)
		rnmd.settle(d)
	end

	local cases = {
		["flush ruleset"] = "flush ruleset",
		["a deleted table"] = "delete table inet t",
		["a flushed table"] = "flush table inet t",
		["a flushed chain"] = "flush chain inet t in",
		["an element removed"] = "delete element inet t s { 192.0.2.1 }",
		["an interval removed"] = "delete element inet t r { 192.0.2.5-192.0.2.9 }",
		["a mapping removed"] = "delete element inet t m { 80 : jump far }",
		["a mapping changed"] = "delete element inet t m { 22 : accept }\nadd element inet t m { 22 : drop }",
		["a flushed set"] = "flush set inet t s",
		["elements added"] = "add element inet t s { 203.0.113.1, 203.0.113.2 }\nadd element inet t r { 172.16.0.0/12 }",
		["a rule in the middle"] = "add rule inet t in index 1 tcp dport 7 drop",
		["rules in front and behind"] = "insert rule inet t in tcp dport 7 drop\nadd rule inet t in tcp dport 8 drop",
		["another policy"] = "chain inet t in { policy drop; }",
		["chains, sets and counters added"] = "add chain inet t x\nadd rule inet t x drop\nadd set inet t y { type mark; }\nadd counter inet t z\nadd rule inet t in jump x",
		["a set and its rules gone"] = "flush chain inet t in\ndelete set inet t s",
	}
	for name, commands in pairs(cases) do
		it("is put right in one commit: " .. name, function()
			local gen = generation()
			foreign(commands .. "\n")
			assert.equal(before, state())
			assert.equal(gen + 2, generation())
			assert.matches("foreign nft pid gen ", d:log())
		end)
	end

	it("leaves the counters of all other rules", function()
		ns:run "ip link set lo up"
		ns:run "bash -c 'for i in 1 2 3; do echo x >/dev/udp/127.0.0.1/9; done'"
		foreign "insert rule inet t in tcp dport 7 drop\ndelete element inet t s { 192.0.2.1 }\ndelete table ip other\n"
		assert.equal(before, state())
		assert.matches("udp dport 9 counter packets 3 ", nft.ruleset(ns))
	end)

	it("is told to policies with who did what", function()
		foreign "add element inet t s { 203.0.113.1, 203.0.113.2 }\nadd chain inet t x\n"
		assert.matches("foreign nft pid gen add element inet t s x2, add chain inet t x x1", d:log())
	end)

	it("replaced by one of the same handle is seen", function()
		local handle = ns:run("nft -a list chain inet t in"):match "udp dport 9.-# handle (%d+)"
		foreign("replace rule inet t in handle " .. handle .. " udp dport 10 counter\n")
		assert.equal(before, state())
	end)

	it("does nothing where it is not rnm's table", function()
		local gen = generation()
		foreign "add table inet theirs\nadd chain inet theirs c\n"
		assert.equal(gen + 1, generation())
		assert.not_matches("foreign", d:log())
	end)

	it("costs no commit when it changes nothing that matters", function()
		local gen = generation()
		foreign "add chain inet t x\ndelete chain inet t x\n"
		assert.equal(gen + 1, generation())
	end)

	it("that comes again and again ends in a rest and a report", function()
		for _ = 1, 7 do
			foreign "add element inet t s { 203.0.113.1 }\n"
		end
		assert.matches("nft%[%d+%] keeps changing set inet t s, which has been put right 5 times", d:log())
		assert.matches("203.0.113.1", nft.ruleset(ns))
		assert.matches("\ndrift: set inet t s is left alone for %d+ s more, ", rnmd.status(d))
		assert.matches('"drift":%["set inet t s is left alone for %d+ s more, ', d:rnm "status --json")
		-- others are put right meanwhile
		foreign "delete element inet t r { 10.0.0.0/8 }\n"
		assert.matches("10.0.0.0/8", nft.ruleset(ns))
		-- and a reload does not wait
		d:cmd "reload"
		assert.equal(before, state())
		assert.not_matches("drift:", rnmd.status(d))
	end)

	it("is only told of under `drift: warn`", function()
		rnmd.stop(d)
		start "drift: warn\n"
		foreign "add element inet t s { 203.0.113.1 }\n"
		assert.matches("203.0.113.1", nft.ruleset(ns))
		assert.matches("foreign nft pid gen add element inet t s x1", d:log())
		assert.matches("\ndrift: what others changed in rnm's tables is not put right", rnmd.status(d))
		d:cmd "reload"
		assert.equal(before, state())
		assert.not_matches("drift:", rnmd.status(d))
	end)

	it("is found after a flood that nobody could follow", function()
		local lines = { "delete element inet t s { 192.0.2.1 }", "add set inet t big { type ipv4_addr; }" }
		for round = 0, 11 do
			local els = {}
			for i = 0, 9999 do
				els[#els + 1] = ("10.%d.%d.%d"):format(round, i // 256, i % 256)
			end
			lines[#lines + 1] = "add element inet t big { " .. table.concat(els, ", ") .. " }"
		end
		foreign(table.concat(lines, "\n") .. "\n")
		assert.equal(before, state())
	end)

	it("is none for one's own bulk commits", function()
		d:pack("a.lua", [[
local els = {}
for i = 0, 99999 do els[#els + 1] = ("10.%d.%d.%d"):format(i // 65536, i // 256 % 256, i % 256) end
nft.table("inet", "t"):set("big", { type = "ipv4_addr", elements = els })
rnm.on("nft_change", {}, function (ev) rnm.log.info("foreign") end)
]])
		d:cmd "reload"
		rnmd.settle(d)
		assert.not_matches("foreign", d:log())
		assert.not_matches("faster than", d:log())
	end)
end)
