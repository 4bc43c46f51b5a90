-- SPDX-License-Identifier: GPL-2.0-or-later
-- Stateful objects, flowtables, object maps and the statements of sets in the ruleset engine: what is sent for each
-- change, what waits for what, and what becomes of what the kernel refuses.
local ruleset = require "rnm.core".nft.ruleset
local ENOENT, EOPNOTSUPP, EEXIST = 2, 95, 17

-- says each pack's list and commits; the one plan, "" when nothing is sent
local function commit(rs, said, refuse)
	for pack, list in pairs(said or {}) do
		assert(rs:say(pack, list))
	end
	local plans, why = rs:commit(refuse)
	assert.is_truthy(plans, why)
	if not refuse then
		assert.is_true(#plans <= 1, table.concat(plans, "\n--\n"))
		return plans[1] or ""
	end
	return plans
end

local function lines(s)
	local t = {}
	for line in s:gmatch "[^\n]+" do
		t[#t + 1] = line
	end
	return t
end

describe("a stateful object", function()
	local kinds = {
		{ "counter", "packets 1 bytes 2", "packets 5 bytes 6", "=" },
		{ "quota", "over 100 bytes", "200 bytes", "~" },
		{ "limit", "rate 10/second burst 5 packets", "rate 20/second burst 5 packets", "!" },
		{ "ct helper", 'type "ftp" protocol tcp;', 'type "sip" protocol udp;', "!" },
		{ "ct timeout", "protocol tcp; l3proto ip; policy = { established : 100 };",
			"protocol tcp; l3proto ip; policy = { established : 200 };", "!" },
		{ "ct expectation", "protocol tcp; dport 21; timeout 1m; size 12; l3proto ip;",
			"protocol tcp; dport 22; timeout 1m; size 12; l3proto ip;", "!" },
		{ "synproxy", "mss 1460; wscale 7; timestamp sack-perm;", "mss 1400; wscale 7; timestamp sack-perm;", "~" },
		{ "secmark", '"system_u:object_r:a:s0"', '"system_u:object_r:b:s0"', "!" },
	}
	for _, k in ipairs(kinds) do
		local kind, one, two, how = table.unpack(k)
		it(kind .. " is made, kept, changed or made anew, and deleted", function()
			local rs = ruleset.new()
			local name = "inet t x"
			local made = lines(commit(rs, { a = { { [kind] = name, text = one } } }))
			assert.equal("+ add table inet t", made[1])
			assert.matches("^%+ add " .. kind .. " inet t x { .* }$", made[2])
			assert.equal(2, #made)
			assert.equal("", commit(rs, { a = { { [kind] = name, text = one } } }))
			local changed = lines(commit(rs, { a = { { [kind] = name, text = two } } }))
			if how == "=" then
				assert.same({}, changed)
			elseif how == "~" then
				assert.equal(1, #changed)
				assert.matches("^~ add " .. kind .. " inet t x { ", changed[1])
			else
				assert.equal(2, #changed)
				assert.equal("! delete " .. kind .. " inet t x", changed[1])
				assert.matches("^! add " .. kind .. " inet t x { ", changed[2])
			end
			assert.equal(1, rs:stats().objects)
			assert.matches("\t" .. kind .. " x {\n", rs:text())
			assert.same({ "- delete " .. kind .. " inet t x" }, lines(commit(rs, { a = { { table = "inet t" } } })))
			assert.equal("", commit(rs))
		end)
	end

	it("is another one for each type", function()
		local rs = ruleset.new()
		commit(rs, { a = { { counter = "inet t x", text = "" }, { quota = "inet t x", text = "10 bytes" } } })
		assert.same({ "- delete counter inet t x" }, lines(commit(rs, { a = { { quota = "inet t x", text = "10 bytes" } } })))
	end)

	it("takes its start values only when it is made", function()
		local rs = ruleset.new()
		local plan = commit(rs, { a = { { quota = "inet t q", text = "over 100 bytes used 10 bytes" } } })
		assert.matches("used 10 bytes", plan)
		assert.equal("", commit(rs, { a = { { quota = "inet t q", text = "over 100 bytes used 90 bytes" } } }))
	end)

	it("gets another comment only when it is made anew", function()
		local rs = ruleset.new()
		commit(rs, { a = { { limit = "inet t l", text = "rate 1/second", comment = "one" } } })
		assert.equal("", commit(rs, { a = { { limit = "inet t l", text = "rate 1/second", comment = "two" } } }))
		assert.matches('^! delete.*\n! add.*comment "two"', commit(rs, { a = { { limit = "inet t l", text = "rate 2/second", comment = "two" } } }))
	end)

	it("is stated by several packs, which must agree", function()
		local rs = ruleset.new()
		commit(rs, {
			a = { { quota = "inet t q", text = "over 100 bytes" } },
			b = { { quota = "inet t q" }, { counter = "inet t c", text = "packets 3 bytes 4" } },
		})
		assert.equal("", commit(rs, { b = { { quota = "inet t q", text = "over 100 bytes used 7 bytes" }, { counter = "inet t c", text = "" } } }))
		assert(rs:say("b", { { quota = "inet t q", text = "over 101 bytes" }, { counter = "inet t c", text = "" } }))
		local plans, why = rs:commit()
		assert.is_nil(plans)
		assert.equal("b:1: quota q: another specification than in a, a:1", why)
		assert.equal("", commit(rs)) -- that pack's share was undone
	end)

	it("whose spec nobody gives is pending, and what names it too", function()
		local rs = ruleset.new()
		commit(rs, { a = { { quota = "inet t c" }, { rule = "inet t in", text = 'quota name "c" accept' } } })
		assert.same({ "quota c: no pack says what it is (unstated)", "chain in: quota c waits: no pack says what it is" }, rs:pending())
		assert.same({ "+ add quota inet t c { 10 bytes; }", '+ add rule inet t in quota name "c" accept' },
			lines(commit(rs, { b = { { quota = "inet t c", text = "10 bytes" } } })))
		assert.same({}, rs:pending())
	end)
end)

describe("what names an object", function()
	local rule = { rule = "inet t in", text = 'limit name "l" accept' }

	it("waits until it is stated, and goes with it", function()
		local rs = ruleset.new()
		assert.equal("+ add table inet t\n+ add chain inet t in\n", commit(rs, { a = { rule } }))
		assert.same({ "chain in: limit l is not stated by any pack (unstated)" }, rs:pending())
		assert.same({ "+ add limit inet t l { rate 5/second; }", '+ add rule inet t in limit name "l" accept' },
			lines(commit(rs, { b = { { limit = "inet t l", text = "rate 5/second" } } })))
		local plan = lines(commit(rs, { b = {} }))
		assert.equal(2, #plan)
		assert.matches("^%- delete rule inet t in handle %d+ # limit name", plan[1])
		assert.equal("- delete limit inet t l", plan[2])
	end)

	it("is stated again when it is made anew, rules and elements of maps", function()
		local rs = ruleset.new()
		local said = {
			{ limit = "inet t l", text = "rate 5/second" },
			{ limit = "inet t m", text = "rate 9/second" },
			{ set = "inet t map", type = "inet_service", objects = "limit", elements = { { 22, "l" }, { 80, "m" } } },
			rule,
			{ rule = "inet t in", text = "tcp dport 22 accept" },
			{ rule = "inet t in", text = "limit name tcp dport map @map accept" },
			{ rule = "inet t in", text = 'limit name tcp dport map { 1 : "l" } accept' },
		}
		local plan = commit(rs, { a = said })
		assert.matches("%+ add map inet t map { type inet_service : limit; }\n", plan)
		assert.matches('%+ add element inet t map { 22 : "l", 80 : "m" }\n', plan)
		said[1].text = "rate 6/second"
		plan = lines(commit(rs, { a = said }))
		for i, p in ipairs {
			"^! delete element inet t map { 22 }$",
			'^! delete rule inet t in handle %d+ # limit name "l" accept$',
			"^! delete rule inet t in handle %d+ # limit name tcp dport map { 1 ",
			"^! delete limit inet t l$",
			"^! add limit inet t l { rate 6/second; }$",
			'^%+ add element inet t map { 22 : "l" }$',
			'^%+ insert rule inet t in position %d+ limit name "l" accept$',
			'^%+ add rule inet t in limit name tcp dport map { 1 : "l" } accept$',
		} do
			assert.matches(p, plan[i])
		end
		assert.equal(8, #plan)
		assert.equal("", commit(rs, { a = said }))
	end)

	it("as an element waits for it as well", function()
		local rs = ruleset.new()
		local map = { set = "inet t map", type = "ipv4_addr", objects = "quota", elements = { { "10.0.0.1", "q" } } }
		commit(rs, { a = { map } })
		assert.same({ "set map: the object of an element is not stated by any pack (unstated)" }, rs:pending())
		-- a chain, or an object of another type, is not what it names
		commit(rs, { b = { { chain = "inet t q" }, { counter = "inet t q", text = "" } } })
		assert.equal(1, #rs:pending())
		local plan = lines(commit(rs, { c = { { quota = "inet t q", text = "10 bytes" } } }))
		assert.equal('+ add element inet t map { 10.0.0.1 : "q" }', plan[2])
		assert.same({ "- delete element inet t map { 10.0.0.1 }", "- delete quota inet t q" }, lines(commit(rs, { c = {} })))
	end)

	it("does not hinder a chain of its name to be made anew", function()
		local rs = ruleset.new()
		local function said(priority)
			return { a = {
				{ counter = "inet t x", text = "" },
				{ chain = "inet t x", type = "filter", hook = "input", priority = priority },
				{ set = "inet t map", type = "ipv4_addr", objects = "counter", elements = { { "10.0.0.1", "x" } } },
			} }
		end
		commit(rs, said "0")
		local plan = lines(commit(rs, said "5"))
		assert.equal("! delete chain inet t x", plan[1])
		assert.equal(2, #plan)
	end)
end)

describe("a flowtable", function()
	local function flow(t)
		t.flowtable = t.flowtable or "inet t f"
		t.hook = "ingress"
		t.priority = t.priority or "0"
		return t
	end
	local rule = { rule = "inet t fwd", text = "meta l4proto tcp flow add @f" }

	it("comes before the rules that name it and goes after them", function()
		local rs = ruleset.new()
		assert.same({
			"+ add table inet t",
			"+ add chain inet t fwd",
			'+ add flowtable inet t f { hook ingress priority 0; devices = { "a", "b" }; counter; }',
			"+ add rule inet t fwd meta l4proto tcp flow add @f",
		}, lines(commit(rs, { a = { rule, flow { devices = { "a", "b" }, flags = 2 } } })))
		assert.matches('\tflowtable f {\n\t\thook ingress priority 0;\n\t\tdevices = { "a", "b" };\n\t\tcounter;\n\t}\n', rs:text())
		assert.equal(1, rs:stats().flowtables)
		local plan = lines(commit(rs, { a = { rule } }))
		assert.matches("^%- delete rule inet t fwd handle", plan[1])
		assert.equal("- delete flowtable inet t f", plan[2])
		assert.same({ "chain fwd: flowtable f is not stated by any pack (unstated)" }, rs:pending())
	end)

	it("gets and loses devices in place", function()
		local rs = ruleset.new()
		commit(rs, { a = { flow { devices = { "a", "b" } } } })
		assert.same({
			'- delete flowtable inet t f { hook ingress priority 0; devices = { "a" }; }',
			'+ add flowtable inet t f { hook ingress priority 0; devices = { "c" }; }',
		}, lines(commit(rs, { a = { flow { devices = { "b", "c" } } } })))
		assert.equal("", commit(rs, { a = { flow { devices = { "c", "b" }, priority = "filter" } } }))
	end)

	it("is made anew for another priority, with the rules that name it", function()
		local rs = ruleset.new()
		commit(rs, { a = { flow { devices = { "a" } }, rule } })
		local plan = lines(commit(rs, { a = { flow { devices = { "a" }, priority = "10" }, rule } }))
		assert.matches("^! delete rule inet t fwd", plan[1])
		assert.equal("! delete flowtable inet t f", plan[2])
		assert.equal('! add flowtable inet t f { hook ingress priority 10; devices = { "a" }; }', plan[3])
		assert.equal("+ add rule inet t fwd meta l4proto tcp flow add @f", plan[4])
	end)

	it("gives a device away before another one takes it", function()
		local rs = ruleset.new()
		commit(rs, { a = { flow { devices = { "a", "b" } }, rule } })
		-- to one that is there, or comes
		assert.same({
			'- delete flowtable inet t f { hook ingress priority 0; devices = { "a" }; }',
			'+ add flowtable inet t g { hook ingress priority 0; devices = { "a" }; }',
		}, lines(commit(rs, { a = { flow { devices = { "b" } }, flow { flowtable = "inet t g", devices = { "a" } }, rule } })))
		-- and goes itself: another name
		local plan = lines(commit(rs, { a = { flow { flowtable = "inet t h", devices = { "b" } }, flow { flowtable = "inet t g", devices = { "a" } },
			{ rule = "inet t fwd", text = "meta l4proto tcp flow add @h" } } }))
		assert.matches("^! delete rule inet t fwd", plan[1])
		assert.equal("- delete flowtable inet t f", plan[2])
		assert.equal('+ add flowtable inet t h { hook ingress priority 0; devices = { "b" }; }', plan[3])
		assert.equal("+ add rule inet t fwd meta l4proto tcp flow add @h", plan[4])
	end)

	it("is told where it can not be", function()
		local rs = ruleset.new()
		assert(rs:say("a", { flow { flowtable = "bridge t f", devices = { "a" } } }))
		local plans, why = rs:commit()
		assert.is_nil(plans)
		assert.matches("a:1: flowtable f: flowtables are for tables of the families ip, ip6 and inet", why, 1, true)
		assert(rs:say("a", { { flowtable = "inet t f", hook = "egress", priority = "0" } }))
		plans, why = rs:commit()
		assert.is_nil(plans)
		assert.matches("the hook of a flowtable is ingress", why, 1, true)
		-- without hook or priority it waits
		commit(rs, { a = { { flowtable = "inet t f", hook = "ingress" } } })
		assert.same({ "flowtable f: no pack gives its priority (unstated)" }, rs:pending())
	end)

	it("that the kernel does not know leaves everything else in force", function()
		local rs = ruleset.new()
		local plans = commit(rs, { a = { flow { devices = { "a" } }, rule, { rule = "inet t fwd", text = "accept" } } },
			{ ["add flowtable"] = ENOENT, ["flow add"] = ENOENT })
		assert.equal(3, #plans)
		assert.matches("^refused: a a:1: %+ add flowtable inet t f .*: No such file or directory$", plans[2])
		assert.equal("+ add table inet t\n+ add chain inet t fwd\n+ add rule inet t fwd accept\n", plans[3])
		assert.same({ "chain fwd: the kernel refused flowtable f", "flowtable f: the kernel refused it (refused)" }, (function()
			local p = rs:pending()
			table.sort(p)
			return p
		end)())
		-- stated anew it is tried again
		plans = commit(rs, { a = { flow { devices = { "b" } }, rule, { rule = "inet t fwd", text = "accept" } } }, {})
		assert.matches("%+ add flowtable inet t f", plans[1])
		assert.same({}, rs:pending())
	end)
end)

describe("an object that the kernel refuses", function()
	it("leaves out what names it, and says so", function()
		local rs = ruleset.new()
		local plans = commit(rs, { a = {
			{ ["ct helper"] = "inet t h", text = 'type "ftp" protocol tcp;' },
			{ rule = "inet t in", text = 'ct helper set "h"' },
			{ counter = "inet t c", text = "" },
			{ rule = "inet t in", text = 'counter name "c"' },
			{ set = "inet t map", type = "ipv4_addr", objects = "ct helper", elements = { { "10.0.0.1", "h" } } },
		} }, { ["add ct helper"] = ENOENT, ['helper set "h"'] = ENOENT, ["add element"] = ENOENT })
		assert.equal(3, #plans)
		assert.matches("^refused: a a:1: %+ add ct helper inet t h [^\n]*: No such file or directory$", plans[2])
		assert.is_nil(plans[3]:find("helper inet t h", 1, true))
		assert.matches('%+ add rule inet t in counter name "c"', plans[3])
		assert.equal(1, rs:stats().refused)
		assert.equal(2, rs:stats().pending)
	end)

	it("is the one that was said in this transaction", function()
		local rs = ruleset.new()
		commit(rs, { a = { { quota = "inet t q", text = "10 bytes" } } })
		local plans = commit(rs, { b = { { quota = "inet t r", text = "10 bytes" } } }, { ["quota inet t r"] = EOPNOTSUPP })
		assert.matches("^refused: b b:1: %+ add quota inet t r", plans[2])
		assert.equal(2, #plans) -- nothing is left to send
		assert.equal(1, rs:stats().objects)
	end)

	it("is not mistaken for a table that is gone", function()
		local rs = ruleset.new()
		commit(rs, { a = { { chain = "inet t in" }, { set = "inet t map", type = "ipv4_addr", objects = "ct helper" } } })
		local plans = commit(rs, { a = {
			{ chain = "inet t in" },
			{ ["ct helper"] = "inet t h", text = 'type "ftp" protocol tcp;' },
			{ set = "inet t map", type = "ipv4_addr", objects = "ct helper", elements = { { "10.0.0.1", "h" } } },
		} }, { ["add ct helper"] = ENOENT, ["add element"] = ENOENT })
		assert.matches("^refused: a a:2: ", plans[2])
		assert.is_nil(plans[2]:find "\n")
		assert.same({ "ct helper h: the kernel refused it (refused)", "set map: the object of an element is not stated by any pack (unstated)" }, (function()
			local p = rs:pending()
			table.sort(p)
			return p
		end)())
	end)
end)

describe("a set", function()
	it("with statements has them in each element", function()
		local rs = ruleset.new()
		local set = { set = "inet t s", type = "ipv4_addr", stateful = "counter  quota over 500 bytes;", elements = { "10.0.0.1" } }
		assert.matches("%+ add set inet t s { type ipv4_addr; counter quota over 500 bytes; }", commit(rs, { a = { set } }))
		assert.matches("\n\t\tcounter quota over 500 bytes;\n", rs:text())
		set.stateful = "counter quota over 500 bytes"
		assert.equal("", commit(rs, { a = { set } }))
		set.stateful = "counter"
		assert.same({ "! delete set inet t s", "! add set inet t s { type ipv4_addr; counter; }", "+ add element inet t s { 10.0.0.1 }" },
			lines(commit(rs, { a = { set } })))
		set.stateful = nil
		assert.equal("! delete set inet t s", lines(commit(rs, { a = { set } }))[1])
	end)

	it("with statements that are none is an error of who says it", function()
		local rs = ruleset.new()
		assert(rs:say("a", { { set = "inet t s", type = "ipv4_addr", stateful = "conter" } }))
		local plans, why = rs:commit()
		assert.is_nil(plans)
		assert.matches("^a:1: set s: ", why)
	end)

	it("has elements with statements of their own", function()
		local rs = ruleset.new()
		local set = { set = "inet t s", type = "ipv4_addr", stateful = "quota over 1 mbytes" }
		local own = { set = "inet t s", each = "quota  over 9 mbytes", elements = { "10.0.0.1", "10.0.0.2" } }
		local plan = commit(rs, { a = { set, own, { set = "inet t s", elements = { "10.0.0.3" } } } })
		assert.matches("add element inet t s { 10.0.0.1 quota over 9 mbytes, 10.0.0.2 quota over 9 mbytes, 10.0.0.3 }", plan)
		assert.matches("{ 10.0.0.1 quota over 9 mbytes, ", rs:text())
		own.each = "quota over 9 mbytes used 3 mbytes" -- where it begins, only
		assert.equal("", commit(rs, { a = { set, own, { set = "inet t s", elements = { "10.0.0.3" } } } }))
		own.each = "quota over 8 mbytes"
		own.elements[2] = nil
		assert.same({
			"- delete element inet t s { 10.0.0.1, 10.0.0.2 }",
			"+ add element inet t s { 10.0.0.1 quota over 8 mbytes }",
		}, lines(commit(rs, { a = { set, own, { set = "inet t s", elements = { "10.0.0.3" } } } })))
		own.each = nil
		assert.same({ "- delete element inet t s { 10.0.0.1 }", "+ add element inet t s { 10.0.0.1 }" },
			lines(commit(rs, { a = { set, own, { set = "inet t s", elements = { "10.0.0.3" } } } })))
		local ok, why = rs:say("a", { set, { set = "inet t s", each = "qota", elements = { "10.0.0.1" } } })
		assert.is_nil(ok)
		assert.matches("qota", why)
	end)

	it("says its type as it was said", function()
		local rs = ruleset.new()
		local set = { set = "inet t s", type = "ipv4_addr", typeof = "ip saddr" }
		assert.matches("%+ add set inet t s { typeof ip saddr; }", commit(rs, { a = { set } }))
		assert.matches("\tset s {\n\t\ttypeof ip saddr;\n\t}", rs:text())
		set.typeof = nil
		assert.equal("", commit(rs, { a = { set }, b = { { set = "inet t s", type = "ipv4_addr", typeof = "ip daddr" } } }))
		assert.matches("map inet t m { typeof ip saddr : ct mark; }",
			commit(rs, { a = { { set = "inet t m", type = "ipv4_addr", data = "mark", typeof = "ip saddr : ct mark" } } }))
	end)

	it("is not told to join elements that end at different times", function()
		local rs = ruleset.new()
		assert(rs:say("a", { { set = "inet t s", type = "ipv4_addr", flags = 4 + 16, auto_merge = true } }))
		local plans, why = rs:commit()
		assert.is_nil(plans)
		assert.matches("a:1: set s: auto-merge can not be with timeouts", why, 1, true)
		-- of two packs the later one's
		assert.equal("+ add table inet t\n+ add set inet t s { type ipv4_addr; flags interval; auto-merge; }\n",
			commit(rs, { a = { { set = "inet t s", type = "ipv4_addr", flags = 4, auto_merge = true } } }))
		assert(rs:say("b", { { set = "inet t s", timeout = 5 } }))
		plans, why = rs:commit()
		assert.is_nil(plans)
		assert.matches("^b:1: set s: auto%-merge can not be with timeouts", why)
		assert.equal("", commit(rs))
	end)

	it("takes every property that nft has", function()
		local rs = ruleset.new()
		local plan = commit(rs, { a = {
			{ set = "inet t d", type = "ipv4_addr", flags = 32, size = 100, timeout = 60, gc = 10, policy = 1, comment = "x" },
			{ set = "inet t i", type = "ipv4_addr . inet_service", flags = 4, elements = { "10.0.0.0/24 . 80-90" } },
			{ set = "inet t m", type = "ipv4_addr", data = "interval ipv4_addr", flags = 4, elements = { { "10.0.0.1", { range = { "10.1.0.1", "10.1.0.9" } } } } },
			{ set = "inet t c", type = "inet_service", data = "verdict", elements = { { "*", "drop" }, { 22, "accept" } } },
		} })
		assert.matches('set inet t d { type ipv4_addr; policy memory; size 100; flags dynamic,timeout; timeout 1m; gc%-interval 10s; comment "x"; }', plan)
		assert.matches("add element inet t i { 10.0.0.0/24 . 80%-90 }", plan)
		assert.matches("map inet t m { type ipv4_addr : interval ipv4_addr; flags interval; }", plan)
		assert.matches("add element inet t m { 10.0.0.1 : 10.1.0.1%-10.1.0.9 }", plan)
		assert.matches("add element inet t c { %* : drop, 22 : accept }", plan)
		assert.matches("! delete set inet t d", commit(rs, { a = {
			{ set = "inet t d", type = "ipv4_addr", flags = 32, size = 100, timeout = 60, gc = 10, comment = "x" },
		} }))
	end)
end)

describe("a chain", function()
	it("has flags, and is made anew for others", function()
		local rs = ruleset.new()
		local chain = { chain = "netdev t c", type = "filter", hook = "ingress", priority = "0", devices = { "a" }, flags = 2 }
		assert.matches('chain netdev t c { type filter hook ingress device "a" priority 0; flags offload; policy accept; }', commit(rs, { a = { chain } }), 1, true)
		chain.flags = 0
		assert.matches("^! delete chain netdev t c\n! add chain netdev t c ", commit(rs, { a = { chain } }))
	end)

	it("may be said with a priority's name or number", function()
		local rs = ruleset.new()
		commit(rs, { a = { { chain = "inet t c", type = "filter", hook = "input", priority = "filter" } },
			b = { { chain = "inet t c", type = "filter", hook = "input", priority = "0" } } })
		assert.same({}, rs:pending())
		assert(rs:say("b", { { chain = "inet t c", priority = "filter + 1" } }))
		assert.is_nil(rs:commit())
	end)
end)

describe("a table", function()
	it("sleeps and wakes in place", function()
		local rs = ruleset.new()
		assert.equal("+ add table inet t { flags dormant; }\n", commit(rs, { a = { { table = "inet t", flags = 1 } } }))
		assert.equal("~ add table inet t\n", commit(rs, { a = { { table = "inet t", flags = 0 } } }))
		assert.equal("~ add table inet t { flags dormant; }\n", commit(rs, { a = { { table = "inet t", flags = 1 } } }))
		assert.matches("\n\tflags dormant\n", rs:text())
	end)
end)

describe("of two declarations", function()
	it("EEXIST is traced to the one that is at fault", function()
		local rs = ruleset.new()
		local plans = commit(rs, { a = { { flowtable = "inet t f", hook = "ingress", priority = "0", devices = { "a" } } },
			b = { { flowtable = "inet t g", hook = "ingress", priority = "0", devices = { "a" } } } }, { ["flowtable inet t g"] = EEXIST })
		assert.matches("^refused: b b:1: %+ add flowtable inet t g", plans[2])
		assert.matches("flowtable inet t f", plans[3])
		assert.is_nil(plans[3]:find "flowtable inet t g")
	end)
end)
