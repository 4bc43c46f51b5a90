-- SPDX-License-Identifier: GPL-2.0-or-later
-- Taking over a table that somebody else made: what policies state of it stays as it is, the rest goes, when it is asked for.
local daemon = require "daemon"
local nft = require "nft"
local rnmd = require "rnmd"
local sh = require "sh"

local theirs = [[
table inet fw {
	counter hits { packets 5 bytes 500 }
	set good { type ipv4_addr; elements = { 192.0.2.1, 192.0.2.2, 192.0.2.9 }; }
	set nets { type ipv4_addr; flags interval; elements = { 10.0.0.0/8, 172.16.0.0/12 }; }
	set old { type inet_service; elements = { 22 }; }
	chain helper { counter packets 7 bytes 700 accept; }
	chain gone { drop; }
	chain in {
		type filter hook input priority filter; policy accept;
		ct state established,related counter packets 11 bytes 1100 accept
		tcp dport 80 drop
		tcp dport { 22, 80, 443 } counter packets 12 bytes 1200 accept
		ip saddr . tcp dport vmap { 10.0.0.1 . 22 : accept, 10.0.0.2 . 23 : drop }
		iifname "wan0" ip saddr @nets counter name "hits" jump helper
		ip saddr @good limit rate 10/second counter packets 13 bytes 1300 log prefix "x " comment "kept"
	}
}
]]

local pack = [[
local t = nft.table("inet", "fw"%s)
t:counter("hits")
t:set("good", { type = "ipv4_addr", elements = { "192.0.2.1", "192.0.2.2", "192.0.2.3" } })
t:set("nets", { type = "ipv4_addr", flags = "interval", elements = { nft.prefix "10.0.0.0/8", nft.prefix "172.16.0.0/12" } })
t:chain("helper"):rule("counter accept")
t:chain("in", { type = "filter", hook = "input", priority = "filter" }):rules [=[
  ct state established,related counter accept
  tcp dport { 22, 80, 443 } counter accept
  ip saddr . tcp dport vmap { 10.0.0.1 . 22 : accept, 10.0.0.2 . 23 : drop }
  meta mark 7 drop
  iifname "wan0" ip saddr @nets counter name hits jump helper
  ip saddr @good limit rate 10/second counter log prefix "x " comment "kept"
]=]
]]

describe("adopting", function()
	local ns

	before_each(function()
		ns = rnmd.quiet_ns()
		local file = os.tmpname()
		sh.write(file, theirs)
		ns:run("nft -f " .. file)
		os.remove(file)
	end)

	after_each(rnmd.clean)

	local function start(spec, yaml)
		return daemon.start(ns, { config = yaml, packs = { ["a.lua"] = pack:format(spec or "") } })
	end

	local function listed()
		return (ns:run "nft -a list table inet fw")
	end

	-- The rules of the input chain: text without handle → handle.
	local function handles()
		local out = {}
		for line in ns:run("nft -a list chain inet fw in"):gmatch "[^\n]+" do
			local text, handle = line:match "^%s+(.-) # handle (%d+)$"
			if text then
				out[text] = handle
			end
		end
		return out
	end

	local function adopted(before)
		local after = handles()
		for _, rule in ipairs {
			'ct state established,related counter packets 11 bytes 1100 accept',
			'tcp dport { 22, 80, 443 } counter packets 12 bytes 1200 accept',
			'ip saddr . tcp dport vmap { 10.0.0.1 . 22 : accept, 10.0.0.2 . 23 : drop }',
			'iifname "wan0" ip saddr @nets counter name "hits" jump helper',
			'ip saddr @good limit rate 10/second counter packets 13 bytes 1300 log prefix "x " comment "kept"',
		} do
			assert.is_truthy(before[rule], rule)
			assert.equal(before[rule], after[rule], rule)
		end
		local all = listed()
		assert.matches("counter packets 7 bytes 700 accept", all)
		assert.matches("packets 5 bytes 500", all)
		assert.matches("meta mark 0x00000007 drop", all)
		assert.is_nil(all:find("chain gone", 1, true))
		assert.is_nil(all:find("set old", 1, true))
		assert.is_nil(all:find("tcp dport 80 drop", 1, true))
		assert.same({ "192.0.2.1", "192.0.2.2", "192.0.2.3" }, nft.set(ns, "inet fw good"))
		assert.matches("chain _rnm {", all)
	end

	it("happens by the command alone, which tells before what goes", function()
		local d, untouched, before = start(), listed(), handles()
		assert.matches("pending: table inet fw: [^\n]*rnm adopt inet fw", rnmd.status(d))
		local plan, code = d:rnm "adopt --dry-run inet fw"
		assert.equal(0, code, plan)
		for _, line in ipairs { "+ add chain inet fw _rnm", "- delete chain inet fw gone", "- delete set inet fw old", "- delete rule inet fw in handle 11 # tcp dport 80 drop",
			"- delete element inet fw good { 192.0.2.9 }", "+ add element inet fw good { 192.0.2.3 }", "+ insert rule inet fw in position 16 meta mark 7 drop" } do
			assert.is_truthy(plan:find(line, 1, true), line .. "\nis not in\n" .. plan)
		end
		assert.equal(7, select(2, plan:gsub("\n", "\n")), plan)
		assert.equal(untouched, listed())
		ns:run "nft add element inet fw good { 192.0.2.8 }" -- it is theirs
		ns:run "nft delete element inet fw good { 192.0.2.8 }"
		rnmd.settle(d)
		assert.equal(untouched, listed())
		assert.matches("pending: table inet fw", rnmd.status(d))
		local out
		out, code = d:rnm "adopt inet fw"
		assert.equal(0, code, out)
		assert.equal(plan, out)
		adopted(before)
		assert.same({}, d:cmd "plan")
		assert.matches(" 0 pending", rnmd.status(d))
		local _, ok, message = d:ask "adopt inet fw"
		assert.is_false(ok)
		assert.matches("is rnm's already", message)
		rnmd.stop(d)
	end)

	it("lasts over restarts, reloads and the loss of its mark", function()
		local d, before = start(), handles()
		d:cmd "adopt inet fw"
		local as = listed()
		d:halt "KILL"
		d:launch()
		assert.equal(as, listed())
		assert.matches("start: 0 events, 0 operations", d:log())
		d:cmd "reload"
		assert.equal(as, listed())
		ns:run "nft delete chain inet fw _rnm; nft add rule inet fw in tcp dport 9 drop"
		rnmd.settle(d)
		adopted(before)
		assert.is_nil(listed():find "dport 9")
		ns:run "nft add rule inet fw helper drop; nft flush set inet fw good; nft add chain inet fw more"
		rnmd.settle(d)
		adopted(before)
		assert.is_nil(listed():find "chain more")
		d:pack("a.lua", [[nft.table("inet", "u"):chain("c")]])
		d:cmd "reload"
		assert.is_nil((nft.list(ns, "table inet fw")))
		rnmd.stop(d)
	end)

	it("is what a spec asks for, again when its owner makes it anew", function()
		local before = handles()
		local d = start ", { adopt = true }"
		adopted(before)
		assert.same({}, d:cmd "plan")
		local file = os.tmpname()
		sh.write(file, "flush ruleset\n" .. theirs)
		ns:run("nft -f " .. file)
		rnmd.settle(d)
		os.remove(file)
		assert.is_nil(listed():find "chain gone")
		assert.matches("chain _rnm", listed())
		assert.matches("counter packets 11 bytes 1100 accept", listed())
		assert.same({}, d:cmd "plan")
		rnmd.stop(d)
	end)

	it("says what is not to be had, and leaves all as it is", function()
		ns:run "nft add table inet other; nft add table inet fw2; nft add chain inet fw2 _rnm"
		local d = daemon.start(ns, { packs = { ["a.lua"] = [[
nft.table("inet", "fw"):chain("in", { type = "nat", hook = "prerouting", priority = -250 })
nft.table("inet", "fw2"):chain("c")]] } })
		local untouched = ns:run "nft -a list ruleset"
		for args, text in pairs { ["inet other"] = "no policy states table inet other", ["inet none"] = "there is no table inet none",
			["inet fw2"] = "chain _rnm in it is in the way", inet = "adopt needs FAMILY TABLE", ["inett fw"] = "inett", ["inet fw"] = "the kernel refused" } do
			local _, ok, message = d:ask("adopt " .. args)
			assert.is_false(ok, args)
			assert.is_truthy(message:find(text, 1, true), args .. ": " .. message)
		end
		assert.equal(untouched, ns:run "nft -a list ruleset")
		assert.matches("pending: table inet fw:", rnmd.status(d))
		rnmd.settle(d)
		assert.equal(untouched, ns:run "nft -a list ruleset")
		local _, ok, message = d:ask [[eval nft.table("inet", "v"):chain("_rnm")]]
		assert.is_false(ok)
		assert.matches("kept for rnm's mark", message)
		rnmd.stop(d)
	end)

	it("in owner mode makes the table anew, and tells so", function()
		local d = start("", "table: { owner: true }\n")
		local plan = d:rnm "adopt --dry-run inet fw"
		assert.matches("! delete table inet fw", plan)
		d:cmd "adopt inet fw"
		assert.matches("flags owner", listed())
		assert.is_nil(listed():find "_rnm")
		assert.same({}, d:cmd "plan")
		d:halt "TERM"
		d:launch()
		assert.same({}, d:cmd "plan")
		rnmd.stop(d)
	end)

	it("keeps objects of which the kernel tells more than was said", function()
		local file = os.tmpname()
		sh.write(file, [[
table ip objects {
	ct helper ftp { type "ftp" protocol tcp; }
	ct timeout short { protocol tcp; policy = { established : 100 }; }
	chain c { ct helper set "ftp"; ct timeout set "short"; counter; }
}
]])
		ns:run("nft -f " .. file)
		os.remove(file)
		local d = daemon.start(ns, { packs = { ["a.lua"] = [[
local t = nft.table("ip", "objects")
t:ct_helper("ftp", { type = "ftp", protocol = "tcp" })
t:ct_timeout("short", { protocol = "tcp", policy = { established = 100 } })
t:chain("c"):rule('ct helper set "ftp"'):rule('ct timeout set "short"'):rule("counter")]] } })
		local before = ns:run "nft -a list chain ip objects c"
		assert.equal("+ add chain ip objects _rnm", (d:rnm "adopt ip objects":gsub("%s*#.*", "")))
		assert.equal(before, ns:run "nft -a list chain ip objects c")
		assert.equal("", (d:rnm "plan --read"))
		-- what it filled in itself is not what was said
		d:pack("a.lua", sh.read(d.dir .. "/policies.d/a.lua"):gsub("established = 100", "established = 100, close = 3") .. "")
		d:cmd "reload"
		assert.matches("close : 3", nft.ruleset(ns))
		rnmd.stop(d)
	end)
end)
