-- SPDX-License-Identifier: GPL-2.0-or-later
-- `rnm nft load` against the kernel of this namespace, and against nft where both should do the same.
local sh = require "sh"

local program = (os.getenv "RNM_BUILD" or "build") .. "/rnm"
local dir = sh.tempdir()
local file = dir .. "/f.nft"

local function nft(args)
	return sh.try("unset LD_PRELOAD; TZ=UTC nft " .. args)
end

local function squeeze(text)
	return (text:gsub("expires %w+", "expires X"):gsub("\n%s*", "\n"):gsub("^%s+", ""):gsub("%s+$", ""))
end

local function ruleset(args)
	-- the numbers of tables go on where nothing else does
	return (squeeze((nft((args or "") .. " list ruleset"))):gsub("(table %w+ %w+ {) # handle %d+", "%1"))
end

local function clear()
	assert.equal(0, select(2, nft "flush ruleset"))
end

-- Loads a text with rnm → what it said, exit status.
local function load(text, args)
	sh.write(file, text)
	return sh.try(("%s nft load %s %s"):format(program, args or "", file))
end

local function loaded(text, args)
	local out, code = load(text, args)
	assert.equal(0, code, out)
	return out
end

local function with_nft(text)
	sh.write(file, text)
	local out, code = nft("-f " .. file)
	assert.equal(0, code, out)
	return out
end

-- A refusal changes nothing; its message without the folder.
local function refused(text, args)
	local before = ruleset "-a"
	local out, code = load(text, args)
	assert.equal(1, code, out)
	assert.equal(before, ruleset "-a")
	return (out:gsub(file, "F"))
end

-- After nft and after rnm, each on what `before` makes, the kernel holds the same.
local function same(before, text)
	clear()
	with_nft(before)
	local said = with_nft(text)
	local want = ruleset()
	clear()
	with_nft(before)
	assert.equal(squeeze(said), squeeze(loaded(text)))
	assert.equal(want, ruleset())
	return want
end

local function elements(text)
	return text:match "elements = (%b{})":gsub("%s+", " ")
end

setup(function()
	assert(io.open(program), program .. " is not built"):close()
end)
teardown(function()
	sh.run("rm -rf " .. dir)
end)
before_each(clear)

describe("rnm nft load", function()
	it("does what nft does", function()
		same("", [[
			define lan = { 192.0.2.0/24, 198.51.100.7 }
			table inet t {
				comment "all kinds"
				counter hits { packets 3 bytes 4 }
				quota q { over 10 mbytes used 3 bytes }
				set s { type ipv4_addr; flags interval; auto-merge; elements = { $lan, 198.51.100.8, 10.0.0.0-10.0.0.9 } }
				set w { typeof ip saddr . tcp dport; flags interval; elements = { 192.0.2.0/25 . 80-90 } }
				set d { type ipv6_addr; flags dynamic,timeout; timeout 1m; size 100; }
				set n { type ifname; flags interval; elements = { "eth*", lo } }
				map v { type inet_service : verdict; elements = { 22 : jump c, 23 : drop, * : continue } }
				map o { type ipv4_addr : counter; elements = { 192.0.2.1 : "hits" } }
				map i { type ipv4_addr : interval ipv4_addr; elements = { 192.0.2.1 : 10.0.0.1-10.0.0.9 } }
				chain c { }
				chain b {
					type filter hook input priority filter - 1; policy drop;
					ip saddr $lan counter name hits accept comment "from home"
					ip6 saddr fe80::/10 update @d { ip6 saddr limit rate over 3/second } drop
					tcp dport vmap @v
					ip saddr . tcp dport { 192.0.2.0/25 . 80-90, 192.0.2.1 . 22 } accept
					meta mark set tcp dport map { 22 : 1, 23 : 2 }
				}
			}
			table netdev n {
				chain i { type filter hook ingress device lo priority 0; }
			}
		]])
	end)

	it("takes its text from standard input, names from -D and includes from -I", function()
		sh.write(dir .. "/inc.nft", "define there = 192.0.2.9\n")
		local out, code = sh.try(([[printf 'include "inc.nft"\ntable ip t { chain c { ip saddr $here ip daddr $there accept; }; }\n' |
			%s nft load -D here=192.0.2.8 -I %s -]]):format(program, dir))
		assert.equal(0, code, out)
		assert.matches("ip saddr 192.0.2.8 ip daddr 192.0.2.9 accept", ruleset())
		assert.matches("%$here", refused "add table ip t\nadd rule ip t c ip saddr $here accept\n")
	end)

	it("finds its place among rules", function()
		local before = "table ip t { chain c { accept; drop; }; }\n"
		for _, text in ipairs {
			"insert rule ip t c counter\nadd rule ip t c index 0 continue\nadd rule ip t c index 2 return\ninsert rule ip t c index 1 ip ttl 1\n",
			"add rule ip t c handle 2 ip ttl 3\ninsert rule ip t c handle 3 ip ttl 4\nreplace rule ip t c handle 3 ip ttl 5\n",
			"add rule ip t c ip ttl 1\nadd rule ip t c index 2 ip ttl 2\ninsert rule ip t c index 3 ip ttl 3\ninsert rule ip t c index 0 ip ttl 4\n",
			"flush chain ip t c\nadd rule ip t c ip ttl 1\ninsert rule ip t c ip ttl 2\n",
			"delete rule ip t c handle 2\nadd rule ip t c ip ttl 9\n",
		} do
			same(before, text)
		end
		-- what is deleted does not count any more
		clear()
		with_nft(before)
		loaded "delete rule ip t c handle 2\nadd rule ip t c index 0 ip ttl 9\ninsert rule ip t c index 0 ip ttl 8\n"
		assert.matches("chain c {\nip ttl 8\ndrop\nip ttl 9\n}", ruleset())
		assert.matches("F:1:%d+: index 7: the chain has 3 rules here", refused "add rule ip t c index 7 accept\n")
	end)

	it("keeps a place for many rules by index", function()
		local text = { "table ip t { chain c { accept; }; }\n" }
		for i = 1, 3000 do
			text[#text + 1] = ("insert rule ip t c index %d meta mark %d\n"):format(i // 2, i)
		end
		loaded(table.concat(text))
		local want = { 0 }
		for i = 1, 3000 do
			table.insert(want, i // 2 + 1, i)
		end
		local have = {}
		for line in ruleset():gmatch "[^\n]+" do
			local mark = line == "accept" and "0" or line:match "^meta mark (%w+)$"
			if mark then
				have[#have + 1] = math.tointeger(tonumber(mark))
			end
		end
		assert.same(want, have)
	end)

	it("creates, deletes by name and handle, flushes and renames", function()
		same("", "create table ip t\ncreate chain ip t c\ncreate set ip t s { type ipv4_addr; }\ncreate element ip t s { 192.0.2.1 }\n")
		local before = [[
			table ip t { set s { type ipv4_addr; elements = { 192.0.2.1 }; }; counter n { }; chain c { accept; }; chain d { ip saddr @s drop; }; }
			table ip6 t { chain c { accept; }; }
		]]
		same(before, "rename chain ip t c e\nadd rule ip t d drop\n")
		same(before, "flush chain ip t c\nflush set ip t s\nadd element ip t s { 192.0.2.9 }\n")
		same(before, "flush table ip t\ndelete set ip t s\ndelete counter ip t n\ndelete chain ip t d\n")
		same(before, "flush ruleset ip\ntable ip t { chain new { }; }\n")
		same(before, "delete table ip t\ntable ip t { set s { type ipv6_addr; elements = { ::1 }; }; }\nadd element ip t s { ::2 }\n")
		clear()
		with_nft "table ip t { chain c { }; }\n"
		local handle = ruleset "-a":match "chain c { # handle (%d+)"
		loaded(("delete chain ip t handle %s\n"):format(handle))
		assert.equal("table ip t {\n}", ruleset())
	end)

	it("destroys what is there and what is not", function()
		loaded [[
			destroy table ip nothing
			table ip t { set s { type ipv4_addr; elements = { 192.0.2.1 }; }; counter n { }; chain c { accept; }; }
			destroy chain ip t nothing
			destroy element ip t s { 192.0.2.1, 192.0.2.7 }
			destroy counter ip t n
		]]
		assert.equal("table ip t {\nset s {\ntype ipv4_addr\n}\nchain c {\naccept\n}\n}", ruleset())
	end)

	it("does not touch the policy of a chain that says none", function()
		same("table ip t { chain c { type filter hook input priority 0; policy drop; }; }\n",
			"table ip t { chain c { type filter hook input priority 0; accept; }; }\n")
		same("table ip t { chain c { type filter hook input priority 0; policy drop; }; }\n", "chain ip t c { policy accept; }\n")
	end)

	it("shows and resets in the file's order, before anything is changed", function()
		local before = "table ip t { counter a { packets 1 bytes 2; }; quota q { over 5 bytes used 3 bytes; }; chain c { accept; }; }\n"
		assert.matches("accept", same(before, "list ruleset\nadd rule ip t c drop\nlist chain ip t c\nlist counters\n"))
		assert.matches("counter a", same(before, "reset counters\nadd chain ip t d\n"))
		clear()
		with_nft(before)
		-- a file that is only checked resets nothing
		assert.matches("packets 1 bytes 2", loaded("reset counters\n", "-c"))
		assert.matches("packets 1 bytes 2", loaded "reset counters\n")
		assert.matches("packets 0 bytes 0", ruleset())
		loaded "table ip t { set s { type ipv4_addr; flags interval; elements = { 192.0.2.0/24, 10.0.0.1 }; }; }\n"
		assert.matches("elements = { 192.0.2.0/24 }", (loaded "get element ip t s { 192.0.2.77 }\n"))
		assert.matches("no such element", refused "get element ip t s { 198.51.100.1 }\n")
	end)

	it("only checks with -c", function()
		loaded("table ip t { set s { type ipv4_addr; elements = { 192.0.2.1 }; }; chain c { ip saddr @s drop; }; }\n", "-c")
		assert.equal("", ruleset())
		assert.matches("there is no chain 'c'", refused("table ip t { chain d { jump c; }; }\n", "-c"))
	end)
end)

describe("elements", function()
	local function set(flags, list)
		return ("table ip t { set s { type ipv4_addr; flags interval; %s elements = { %s }; }; }\n"):format(flags, list)
	end

	it("of intervals are merged, with what is there as well", function()
		local before = set("auto-merge;", "10.0.0.1-10.0.0.5, 10.0.0.10-10.0.0.20")
		for _, text in ipairs {
			"add element ip t s { 10.0.0.6-10.0.0.9 }\n",
			"add element ip t s { 10.0.0.2 }\nadd element ip t s { 10.0.0.19-10.0.0.30, 0.0.0.0/8, 255.255.255.255 }\nadd element ip t s { 10.0.0.31 }\n",
			"delete element ip t s { 10.0.0.1-10.0.0.5 }\nadd element ip t s { 10.0.0.1-10.0.0.3, 10.0.0.4 }\n",
			set("auto-merge;", "10.0.0.3-10.0.0.12"),
			"delete table ip t\n" .. set("auto-merge;", "10.0.0.3-10.0.0.12, 10.0.0.13"),
		} do
			same(before, text)
		end
	end)

	it("of merged intervals are cut out of them", function()
		local function cut(text)
			clear()
			with_nft(set("auto-merge;", "10.0.0.1-10.0.0.9, 10.0.0.20 comment \"c\""))
			loaded(text)
			return elements(ruleset())
		end
		assert.equal('{ 10.0.0.1-10.0.0.4, 10.0.0.6-10.0.0.9, 10.0.0.20 comment "c" }', cut "delete element ip t s { 10.0.0.5 }\n")
		assert.equal('{ 10.0.0.3-10.0.0.6, 10.0.0.8, 10.0.0.20 comment "c" }',
			cut "delete element ip t s { 10.0.0.1-10.0.0.2, 10.0.0.7 }\ndelete element ip t s { 10.0.0.9 }\n")
		assert.equal('{ 10.0.0.1-10.0.0.30 }', cut "delete element ip t s { 10.0.0.5 }\nadd element ip t s { 10.0.0.5-10.0.0.30 }\n")
		cut "delete element ip t s { 10.0.0.5 }\n"
		assert.matches("F:1:%d+: the set holds no interval around 10.0.0.8%-10.0.0.12 here", refused "delete element ip t s { 10.0.0.8-10.0.0.12 }\n")
	end)

	it("of intervals may not overlap otherwise", function()
		assert.matches("F:1:%d+: conflicting intervals: this overlaps with 10.0.0.1%-10.0.0.5; with `auto%-merge`",
			refused(set("", "10.0.0.1-10.0.0.5, 10.0.0.5-10.0.0.9")))
		loaded(set("", "10.0.0.1-10.0.0.5, 10.0.0.1-10.0.0.5, 10.0.0.6-10.0.0.9"))
		assert.equal("{ 10.0.0.1-10.0.0.5, 10.0.0.6-10.0.0.9 }", elements(ruleset()))
		assert.matches("this overlaps with 10.0.0.1%-10.0.0.5, which the set holds", refused "add element ip t s { 10.0.0.0-10.0.0.5 }\n")
		assert.matches("this overlaps with 10.0.0.6%-10.0.0.9", refused "add element ip t s { 10.0.0.7 }\n")
		-- two that lie side by side are not one
		assert.matches("the set does not hold 10.0.0.1%-10.0.0.9 here", refused "delete element ip t s { 10.0.0.1-10.0.0.9 }\n")
		loaded "delete element ip t s { 10.0.0.1-10.0.0.5 }\nadd element ip t s { 10.0.0.0-10.0.0.5 }\n"
		assert.equal("{ 10.0.0.0-10.0.0.9 }", (elements(ruleset()):gsub("10.0.0.5, 10.0.0.6%-", "")))
	end)

	it("know their set from the kernel", function()
		with_nft [[
			table ip t {
				counter n { }
				set a { typeof ip saddr . tcp dport; flags interval,timeout; }
				map b { type ipv4_addr . inet_service : verdict; }
				map c { type ipv4_addr : counter; }
				set d { type mark; flags interval; }
			}
		]]
		loaded [[
			add element ip t a { 192.0.2.0/24 . 80-90 timeout 1h comment "x", 10.0.0.1 . 1 }
			add chain ip t new
			add element ip t b { 192.0.2.1 . 22 : accept, 192.0.2.2 . http : goto new }
			add element ip t c { 192.0.2.1 : "n" }
			add element ip t d { 1-10, 0x100 }
			delete element ip t b { 192.0.2.1 . 22 }
		]]
		local have = ruleset()
		assert.matches('192.0.2.0/24 . 80%-90 timeout 1h expires X comment "x"', have)
		assert.matches("elements = { 192.0.2.2 . 80 : goto new }", have)
		assert.matches('elements = { 192.0.2.1 : "n" }', have)
		assert.matches("elements = { 0x00000001%-0x0000000a, 0x00000100 }", have)
		assert.matches("F:1:%d+: there is no set 'aa' in table ip t; did you mean 'a'%?", refused "add element ip t aa { 192.0.2.1 }\n")
	end)

	it("have colons where the key's type has", function()
		for _, text in ipairs {
			"add set ip t s { type classid; elements = { 1:2, root }; }\n", "add set ip t s { type classid; }\nadd element ip t s { 1:2 }\n",
			"add map ip t m { type classid : verdict; elements = { 1:2 : drop, 1:3:accept }; }\n",
			"add map ip t m { type inet_service : classid; elements = { 80 : 1:2 }; }\n",
		} do
			same("add table ip t\n", text)
		end
	end)

	it("are a hundred thousand in no time and little memory", function()
		local text = { "table ip t { set s { type ipv4_addr; flags interval; auto-merge; elements = {\n" }
		for i = 0, 99999 do
			local k = i * 7919 % 100000
			text[#text + 1] = ("10.%d.%d.0/25,\n"):format(k >> 8 & 255, k & 255)
		end
		text[#text + 1] = "} ; }; }\n"
		loaded(table.concat(text))
		assert.matches("10.255.255.0/25", ruleset())
	end)
end)

describe("a set with auto-merge", function()
	local ports = 64

	-- What nft prints of such a set.
	local function intervals(has)
		local out, i = {}, 0
		while i < ports do
			if has[i] then
				local last = i
				while last + 1 < ports and has[last + 1] do
					last = last + 1
				end
				out[#out + 1] = last == i and tostring(i) or i .. "-" .. last
				i = last
			end
			i = i + 1
		end
		return table.concat(out, ", ")
	end

	it("is the union of what was added less what was deleted, in one file or in many", function()
		math.randomseed(7)
		loaded "table ip t { set s { type inet_service; flags interval; auto-merge; }; }\n"
		local has = {}
		for _ = 1, 60 do
			local text = {}
			for _ = 1, math.random(5) do
				local from = math.random(0, ports - 1)
				local to = math.min(ports - 1, from + math.random(0, 8))
				local deletes = #intervals(has) > 0 and math.random(3) == 1
				if math.random(15) == 1 then
					text[#text + 1] = "flush set ip t s\n"
					has = {}
				else
					for i = from, to do
						deletes = deletes and has[i]
					end
					text[#text + 1] = ("%s element ip t s { %d-%d }\n"):format(deletes and "delete" or "add", from, to):gsub(" (%d+)%-%1 ", " %1 ")
					for i = from, to do
						has[i] = not deletes
					end
				end
			end
			loaded(table.concat(text))
			local list = (ruleset():match "elements = { (.-) }" or ""):gsub("%s+", " ")
			assert.equal(intervals(has), list, table.concat(text))
		end
	end)
end)

describe("a refusal", function()
	it("is told at each command, all of them at once", function()
		with_nft "table ip filter { chain input { type filter hook input priority 0; }; set blocked { type ipv4_addr; }; counter hits { }; }\n"
		local out = refused [[
			add rule ip filter inptu accept
			add rule ip filter input jump nowhere
			add rule ip filter input counter name hist
			add rule ip fitler input accept
			add rule ip fitler input drop
			delete chain ip filter output
			create chain ip filter input
			delete rule ip filter input handle 99
		]]
		assert.matches("F:1:%d+: there is no chain 'inptu' in table ip filter; did you mean 'input'%?", out)
		assert.matches("F:2:%d+: there is no chain 'nowhere'", out)
		assert.matches("F:3:%d+: there is no counter 'hist' in table ip filter; did you mean 'hits'%?", out)
		assert.matches("F:4:%d+: there is no table 'fitler' of family ip; did you mean 'filter'%?", out)
		assert.not_matches("F:5:", out) -- it was said
		assert.matches("F:6:%d+: there is no chain 'output'", out)
		assert.matches("F:7:%d+: chain 'input' is there already", out)
		assert.matches("F:8:%d+: chain 'input' has no rule with handle 99", out)
		assert.matches("did you mean 'blocked'%?", refused "add rule ip filter input ip saddr @blockd drop\n")
	end)

	it("of the compiler comes before the kernel is asked, all errors of a file in one go", function()
		local out = refused [[
			table ip t {
				chain c {
					ip sadr 1.1.1.1 accept
					tcp dport 99999 drop
					accept
				}
			}
		]]
		assert.matches("F:3:", out)
		assert.matches("F:4:", out)
		assert.not_matches("F:5:", out)
	end)

	it("says what is in use and what has other properties", function()
		with_nft "table ip t { set s { type ipv4_addr; }; chain d { }; chain c { type filter hook input priority 0; jump d; ip saddr @s drop; }; }\n"
		assert.matches("F:1:%d+: the chain is in use", refused "delete chain ip t d\n")
		assert.matches("F:1:%d+: the set is in use", refused "delete set ip t s\n")
		assert.matches("F:1:%d+: the chain is there already, with another type, hook or priority",
			refused "add chain ip t c { type filter hook input priority 7; }\n")
		assert.matches("F:1:%d+: set 's' is there already, with other properties", refused "add set ip t s { type ipv6_addr; }\n")
	end)

	it("proposes the set that a rule may mean", function()
		local out = refused "table ip t { set webs { type inet_service; }; chain c { tcp dport @wbes drop; }; }\n"
		assert.matches("F:1:%d+: there is no set 'wbes' in table ip t; did you mean 'webs'%?", out)
	end)

	it("names the statement that can not be in a chain", function()
		local out = refused "table ip t { chain c { type filter hook input priority 0; ip saddr 192.0.2.1 masquerade; accept; drop; }; }\n"
		assert.matches("F:1:%d+: 'masquerade' can not be done in chain 'c' of type filter at hook input", out)
		assert.equal(1, select(2, out:gsub("F:1:", "")))
		assert.matches("no chains of type 'nat'.*above %-200", (refused "table ip t { chain c { type nat hook prerouting priority -300; }; }\n"))
	end)

	it("tells of jumps in a circle, full sets and elements", function()
		local circle = [[
			table ip t {
				map m { type inet_service : verdict; elements = { 22 : jump b }; }
				chain a { tcp dport vmap @m; }
				chain b { goto a; }
				chain c { type filter hook input priority 0; jump a; }
			}
		]]
		assert.matches("F:4:%d+: the jumps go in a circle: a → b → a", refused(circle))
		assert.matches("F:4:%d+: the jumps go in a circle: a → b → a", refused(circle, "-c"))
		loaded((circle:gsub("jump a;", "")))
		clear()
		local deep = { "table ip t {\nchain b { type filter hook input priority 0; jump c1; }\n" }
		for i = 1, 16 do
			deep[#deep + 1] = ("chain c%d { %s; }\n"):format(i, i < 16 and "jump c" .. i + 1 or "accept")
		end
		local text = table.concat(deep) .. "}\n"
		assert.matches("F:17:%d+: the jumps go through too many chains: b → c1 → .* → c16", refused(text))
		assert.matches("F:17:%d+: the jumps go through too many chains", (refused(text, "-c")))
		loaded((text:gsub("chain b.-\n", ""):gsub("chain c1 {", "chain c1 { type filter hook input priority 0;")))
		clear()
		assert.matches("the set is full", (refused "table ip t { set s { type ipv4_addr; size 1; elements = { 192.0.2.1, 192.0.2.2 }; }; }\n"))
		with_nft "table ip t { map m { type ipv4_addr : verdict; elements = { 192.0.2.1 : accept }; }; }\n"
		assert.matches("F:1:%d+: it overlaps with what the set holds: 192.0.2.1 : accept", refused "add element ip t m { 192.0.2.1 : drop }\n")
		assert.matches("F:1:42: the same key stands before, with another value",
			refused "add element ip t m { 192.0.2.3 : accept, 192.0.2.3 : drop }\n")
		assert.matches("F:1:84: the same key stands before, with another value",
			refused "add map ip t n { type ipv4_addr : mark; elements = { 192.0.2.3 : 1, 192.0.2.4 : 1, 192.0.2.3 : 2 }; }\n")
		assert.matches("F:1:%d+: there is no chain 'no'", refused "add element ip t m { 192.0.2.2 : jump no }\n")
		assert.matches("F:1:%d+: the set has no such element", refused "delete element ip t m { 192.0.2.2 }\n")
	end)

	it("leaves nothing half done", function()
		with_nft "table ip t { chain c { accept; }; }\n"
		refused "flush ruleset\ntable ip new { chain c { accept; }; }\nadd rule ip new nochain drop\n"
		refused "delete table ip t\ndelete table ip t2\n"
	end)

	it("knows what comes too late", function()
		assert.matches("F:2:%d+: chain 'late' is not there yet", refused "table ip t { chain c { }; }\nadd rule ip t c jump late\nadd chain ip t late\n")
	end)

	it("shows more errors than fit as a number", function()
		local text = { "table ip t { chain c { }; }\n" }
		for _ = 1, 500 do
			text[#text + 1] = "add rule ip t c ip saddr 1.2.3 drop\n"
		end
		local out = refused(table.concat(text))
		assert.is_true(#out < 10000)
		assert.matches("480", out)
	end)
end)

describe("the surroundings", function()
	it("are files of all kinds", function()
		for name, pattern in pairs { [dir] = "^rnm: .*s a directory", [dir .. "/none"] = "^rnm: .*No such file", ["/dev/null"] = "" } do
			local out, code = sh.try(("%s nft load %s"):format(program, name))
			assert.matches(pattern, out)
			assert.equal(name == "/dev/null" and 0 or 1, code)
		end
		assert.matches("^rnm: standard input: ", (sh.try(("%s nft load - <&-"):format(program))))
		sh.run(("head -c 100000 /dev/urandom >%s"):format(file))
		assert.equal(1, select(2, sh.try(("%s nft load %s"):format(program, file))))
		assert.equal("", ruleset())
	end)

	it("may lack the right to do it", function()
		sh.write(file, "add table ip t\n")
		local out, code = sh.try(("setpriv --bounding-set -net_admin --inh-caps -net_admin %s nft load %s"):format(program, file))
		assert.equal(1, code)
		assert.matches("CAP_NET_ADMIN", out)
	end)

	it("are others who change the ruleset meanwhile", function()
		with_nft "table ip t { set s { type ipv4_addr; flags interval; auto-merge; }; chain c { accept; }; }\n"
		local stop = dir .. "/stop"
		local other = sh.spawn(("sh -c 'unset LD_PRELOAD; while ! [ -e %s ]; do nft add table ip x; nft delete table ip x; done'"):format(stop))
		for i = 1, 20 do
			loaded(("add element ip t s { 10.0.0.%d }\ninsert rule ip t c index 0 ip ttl %d\n"):format(i, i))
		end
		sh.write(stop, "")
		assert.equal(0, (other:stop("CONT", 20)))
		assert.matches("elements = { 10.0.0.1%-10.0.0.20 }", ruleset())
		assert.matches("ip ttl 20\nip ttl 19\n", ruleset())
	end)

	it("are killed at any time: all of it is there or nothing", function()
		local text = { "table ip t { chain c { }; set s { type ipv4_addr; flags interval; }; }\n" }
		for i = 1, 4000 do
			text[#text + 1] = ("add rule ip t c ip saddr 10.0.%d.%d accept\n"):format(i >> 8, i & 255)
		end
		sh.write(file, table.concat(text))
		for i = 1, 12 do
			clear()
			sh.try(("timeout -s KILL 0.%03d %s nft load %s"):format(i * 12, program, file))
			local _, n = ruleset():gsub("ip saddr", "")
			assert.is_true(n == 0 or n == 4000, n)
			assert.is_true(n == 4000 or ruleset() == "", "a table without its rules")
		end
	end)

	it("own tables by another process", function()
		sh.write(dir .. "/owner", "add table ip mine { flags owner; }\n")
		local keeper = sh.spawn(("sh -c 'unset LD_PRELOAD; (cat %s/owner; sleep 20) | nft -i'"):format(dir))
		sh.eventually(function() return (nft "list tables"):find "mine" end)
		assert.matches("owned by another process", refused "add chain ip mine c\n")
		keeper:stop "KILL"
	end)
end)

describe("a chain that sees devices", function()
	before_each(clear)

	it("is refused without one", function()
		for family in ("netdev inet"):gmatch "%a+" do
			local out = refused(("add table %s t\nadd chain %s t c { type filter hook ingress priority 0; }\n"):format(family, family))
			assert.matches("F:2:%d+: .*sees nothing without a device", out)
			loaded(("add table %s t\nadd chain %s t c { type filter hook ingress device \"lo\" priority 0; }\n"):format(family, family))
		end
	end)
end)

describe("a command of nft's language", function()
	before_each(clear)

	local function rnm(args)
		return sh.try(("%s nft %s"):format(program, args))
	end

	local function done(args)
		local out, code = rnm(args)
		assert.equal(0, code, out)
		return squeeze(out)
	end

	it("may stand on the command line", function()
		done "add table inet t"
		done "add chain inet t c '{ type filter hook input priority 0; }'"
		done "add rule inet t c tcp dport 22 accept"
		done "insert rule inet t c index 0 ct state new drop"
		assert.matches("ct state new drop\ntcp dport 22 accept", ruleset())
		assert.equal(squeeze((nft "list table inet t")), done "list table inet t")
		done "add set inet t s { 'type ipv4_addr;' }"
		done "add element inet t s { 192.0.2.1, 192.0.2.2 }"
		done "delete element inet t s { 192.0.2.1 }"
		assert.matches("table inet t", done "list tables")
		done "flush chain inet t c"
		done "delete table inet t"
		assert.not_matches("table inet t", ruleset())
	end)

	it("is refused with its place and a proposal", function()
		done "add table inet t"
		done "add chain inet t c"
		local out, code = rnm "add rule inet t c tcp dprot 22"
		assert.equal(1, code)
		assert.matches("command:1:23: .*did you mean `dport`", out)
		out, code = rnm "lst ruleset"
		assert.equal(2, code)
		assert.matches("did you mean 'list'", out)
	end)
end)
