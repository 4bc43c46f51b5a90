-- SPDX-License-Identifier: GPL-2.0-or-later
-- The comparer of rulesets, against nft's own: what is the same must be found the same, what differs must not.
local canon = require "nfcanon"
local raw = require "rnm.core".raw
local sh = require "sh"

local function usable()
	return select(2, sh.try "unset LD_PRELOAD; nft list ruleset") == 0
end

local function load(text)
	assert(raw.netns())
	local path = os.tmpname()
	sh.write(path, text)
	sh.run("unset LD_PRELOAD; nft -f " .. path)
	os.remove(path)
	return canon.now()
end

local function rule(text, before)
	return load(([[
		table inet t {
			set s { type ipv4_addr; flags dynamic,timeout; size 100; }
			set w { type ipv4_addr . inet_service; flags interval; }
			map m { type ipv4_addr : mark; }
			map v { type inet_service : verdict; }
			counter a { }
			counter b { }
			chain d { }
			chain e { }
			chain c { type filter hook input priority 0; }
		}
		%s
		add rule inet t c %s
	]]):format(before or "", text))
end

describe("the comparer", function()
	if not usable() then
		pending "needs nft and a namespace"
		return
	end

	it("finds the same to be the same", function()
		for _, text in ipairs {
			"tcp dport { 22, 80-90 } accept", "ip saddr . tcp dport @w drop", "meta mark set ip saddr map @m", "jump { accept; }",
			"update @s { ip saddr timeout 3s limit rate 1/second }", "counter name a", "tcp dport vmap { 22 : jump d, 23 : goto e }",
		} do
			-- other handles, and other numbers of anonymous sets
			local other = rule(text, "add chain inet t x\nadd rule inet t x meta mark { 7, 9 }\ndelete chain inet t x")
			assert.equal("exact", (canon.compare(rule(text), other)), text)
		end
	end)

	it("ignores the order of elements", function()
		assert.equal("exact", (canon.compare(rule "tcp dport { 22, 80 }", rule "tcp dport { 80, 22 }")))
		assert.equal("exact", (canon.compare(rule "tcp dport { 22, 80-90 }", rule "tcp dport { 80-90, 22 }")))
	end)

	it("sees a comment, and that no packet does", function()
		assert.equal("code", (canon.compare(rule "accept comment \"a\"", rule "accept comment \"b\"")))
		assert.equal("code", (canon.compare(rule "accept", rule "accept comment \"b\"")))
	end)

	it("finds what differs", function()
		for _, pair in ipairs {
			{ "accept", "drop" }, { "tcp dport 22", "tcp dport 23" }, { "tcp dport 22", "tcp sport 22" },
			{ "tcp dport 22", "tcp dport != 22" }, { "tcp dport 22", "udp dport 22" }, { "tcp dport < 22", "tcp dport <= 22" },
			{ "tcp dport { 22, 80 }", "tcp dport { 22, 81 }" }, { "tcp dport { 22, 80 }", "tcp dport { 22, 80, 81 }" },
			{ "tcp dport { 22, 80-90 }", "tcp dport { 22, 80-91 }" }, { "tcp dport { 22, 80 }", "tcp dport { 22, 80-81 }" },
			{ "tcp dport 22-30", "tcp dport 22-31" }, { "tcp dport 22-30", "tcp dport != 22-30" },
			{ "ip saddr 10.0.0.0/8", "ip saddr 10.0.0.0/9" }, { "ip saddr 10.0.0.0/8", "ip daddr 10.0.0.0/8" },
			{ "ip saddr 1.2.3.4 counter", "counter ip saddr 1.2.3.4" }, { "ip protocol tcp", "meta l4proto tcp" },
			{ "ct state established,related", "ct state { established, related }" },
			{ "tcp dport vmap { 22 : accept }", "tcp dport vmap { 22 : drop }" },
			{ "tcp dport vmap { 22 : jump d }", "tcp dport vmap { 22 : jump e }" },
			{ "tcp dport vmap { 22 : jump d }", "tcp dport vmap { 22 : goto d }" }, { "jump d", "jump e" }, { "jump d", "goto d" },
			{ "jump { accept; }", "jump { drop; }" }, { "jump { accept; }", "jump { counter accept; }" },
			{ "jump { ip saddr { 1.2.3.4, 1.2.3.5 } accept; }", "jump { ip saddr { 1.2.3.4, 1.2.3.6 } accept; }" },
			{ "limit rate 10/second", "limit rate 10/minute" }, { "limit rate 10/second", "limit rate over 10/second" },
			{ "log prefix \"a\"", "log prefix \"b\"" }, { "log level info", "log level debug" }, { "counter name a", "counter name b" },
			{ "update @s { ip saddr }", "add @s { ip saddr }" }, { "update @s { ip saddr }", "update @s { ip daddr }" },
			{ "update @s { ip saddr timeout 3s }", "update @s { ip saddr timeout 4s }" },
			{ "update @s { ip saddr limit rate 1/second }", "update @s { ip saddr limit rate 2/second }" },
			{ "ip saddr . tcp dport @w", "ip daddr . tcp dport @w" }, { "ip saddr . tcp dport @w", "ip saddr . tcp sport @w" },
			{ "meta mark set ip saddr map @m", "meta mark set ip daddr map @m" },
			{ "meta mark set 1", "ct mark set 1" }, { "meta mark set ct mark", "meta mark set ct mark and 1" },
			{ "meta mark and 1 == 1", "meta mark and 2 == 1" }, { "ip saddr @s", "ip saddr != @s" },
			{ "tcp dport 22 accept", "tcp dport vmap @v" }, { "reject", "reject with tcp reset" },
			{ "jhash ip saddr mod 3 seed 1 == 1", "jhash ip saddr mod 3 seed 2 == 1" }, { "numgen inc mod 3 == 1", "numgen random mod 3 == 1" },
			{ "ip saddr 1.2.3.4 tcp dport 5", "tcp dport 5 ip saddr 1.2.3.4" },
		} do
			local degree, notes = canon.compare(rule(pair[1]), rule(pair[2]))
			assert.is_nil(degree, pair[1] .. " | " .. pair[2])
			assert.matches("^inet t chain c rule 1\n<", notes[1])
		end
	end)

	it("finds what differs around rules", function()
		local one = { "", "flags dormant;", "set s { type ipv4_addr; }", "set s { type ipv4_addr; flags interval; }", "set s { type mark; }",
			"set s { type ipv4_addr; elements = { 1.2.3.4 } }", "set s { type ipv4_addr; elements = { 1.2.3.5 } }",
			"set s { type ipv4_addr; timeout 1h; }", "set s { type ipv4_addr; timeout 2h; }", "set s { type ipv4_addr; size 3; }",
			"set s { type ipv4_addr; flags timeout; elements = { 1.2.3.4 timeout 1h } }", "map s { type ipv4_addr : mark; }",
			"map s { type ipv4_addr : verdict; }", "chain c { }", "chain d { }", "chain c { type filter hook input priority 0; }",
			"chain c { type filter hook input priority 1; }", "chain c { type filter hook output priority 0; }",
			"chain c { type filter hook input priority 0; policy drop; }", "chain c { type route hook output priority 0; }",
			"chain c { accept; }", "chain c { accept; accept; }", "counter c { }", "counter c { packets 1 bytes 2; }", "quota c { 1 bytes; }",
			"quota c { over 1 bytes; }", "quota d { 1 bytes; }", "limit c { rate 1/second; }", "limit c { rate 2/second; }",
			"ct helper c { type \"ftp\" protocol tcp; }", "ct timeout c { protocol tcp; policy = { established : 5 }; }",
			"ct timeout c { protocol tcp; policy = { established : 6 }; }", "ct timeout c { protocol tcp; policy = { close : 5 }; }",
			"synproxy c { mss 1460; wscale 7; timestamp; }", "synproxy c { mss 1460; wscale 7; }" }
		local made = {}
		for i, text in ipairs(one) do
			made[i] = load("table inet t {\n" .. text .. "\n}\n")
		end
		for i, a in ipairs(made) do
			for k, b in ipairs(made) do
				local degree = canon.compare(a, b)
				if i == k then
					assert.equal("exact", degree, one[i])
				else
					-- a type of the same length is the same to a packet
					local types = one[i]:find "type" and one[k]:gsub("mark", "ipv4_addr") == one[i]:gsub("mark", "ipv4_addr")
					assert.equal(types and "code" or nil, degree, one[i] .. " | " .. one[k])
				end
			end
		end
		assert.is_nil((canon.compare(load "table ip t {\n}\n", load "table ip6 t {\n}\n")))
		assert.is_nil((canon.compare(load "table ip t {\n}\n", load "table ip u {\n}\n")))
	end)

	it("follows values through registers", function()
		local function made(exprs)
			return canon.of { tables = { { family = "ip", name = "t" } }, chains = { { family = "ip", table = "t", name = "c" } },
				rules = { { family = "ip", table = "t", chain = "c", exprs = exprs } },
				sets = {}, objects = {}, flowtables = {} }
		end
		local function payload(reg, offset, len)
			return { expr = "payload", dreg = reg, base = 1, offset = offset, len = len or 4 }
		end
		local function cmp(reg, value)
			return { expr = "cmp", sreg = reg, op = 0, data = { value = value } }
		end
		local a = made { payload(1, 12), cmp(1, "01020304") }
		assert.equal("exact", (canon.compare(a, made { payload(8, 12), cmp(8, "01020304") })))
		assert.equal("same", (canon.compare(a, made { payload(2, 12), cmp(2, "01020304") })))
		assert.equal("same", (canon.compare(a, made { payload(9, 16), payload(9, 12), cmp(9, "01020304") })))
		assert.is_nil((canon.compare(a, made { payload(2, 12), cmp(1, "01020304") })))
		assert.is_nil((canon.compare(a, made { payload(1, 12), payload(8, 16), cmp(1, "01020304") })))
		assert.is_nil((canon.compare(a, made { payload(1, 8, 8), cmp(9, "01020304") })))
		assert.equal("same", (canon.compare(made { payload(1, 8, 8), cmp(9, "01020304") }, made { payload(2, 8, 8), cmp(13, "01020304") })))
		assert.equal("same", (canon.compare(made { payload(1, 2, 2), { expr = "range", sreg = 1, op = 0, from = { value = "01" }, to = { value = "05" } } },
			made { payload(1, 2, 2), { expr = "cmp", sreg = 1, op = 5, data = { value = "01" } }, { expr = "cmp", sreg = 1, op = 3, data = { value = "05" } } })))
	end)
end)
