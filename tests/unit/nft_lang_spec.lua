-- SPDX-License-Identifier: GPL-2.0-or-later
local nft = require("rnm.core").nft

local sets = {
	hosts = { type = "ipv4_addr" },
	nets = { type = "ipv4_addr", flags = "interval" },
	pairs = { type = "ipv4_addr . inet_service" },
	verdicts = { type = "inet_service", data = "verdict" },
	marks = { type = "ipv4_addr", data = "mark" },
	recent = { type = "ipv4_addr", flags = "dynamic, timeout" },
	numbers = { type = "mark", flags = "interval" },
}
local values = {
	addr = "192.0.2.1", addr6 = "2001:db8::1", port = 80, ports = { 22, 80 }, one = { 22 }, none = {},
	net = { prefix = "10.0.0.0/8" }, nets = { { prefix = "10.0.0.0/8" }, "192.0.2.7" }, range = { range = { 10, 20 } },
	ifs = { glob = "eth*" }, pair = { concat = { "192.0.2.1", 80 } }, pairs = { { concat = { "192.0.2.1", 80 } }, "192.0.2.2 . 443" },
	verdicts = { map = { 22, "accept", 80, "jump x" } }, chains = { map = { 22, { obj = "ssh" } } }, marks = { map = { "192.0.2.1", 5 } },
	chain = { obj = "web" }, set = { obj = "hosts", kind = 2 }, evil = "192.0.2.1 accept", quote = '" drop', star = "eth*",
	live = { live = { { addr = "2001:db8::1" }, { addr = "192.0.2.1" } } }, dead = { live = {} }, live_ports = { live = { 22, 80 } },
}

local function raw(text, t)
	t = t or {}
	return nft.compile {
		text = text, family = t.family or "inet", sets = t.sets or sets, params = t.params or values,
		devices = { lo = 1, eth0 = 7 }, chain_type = t.chain_type, hook = t.hook,
	}
end

-- Expressions in short: one string a line, without brackets and without the matches that `ip` and `tcp` imply.
local function code(text, t)
	local s, message = raw(text, t)
	if not s then
		return message
	end
	local out = {}
	for line in s:gmatch "[^\n]+" do
		out[#out + 1] = (line:gsub("^  %[ (.-) %]$", "%1"):gsub("^\t", ""):gsub("%[end%]\t?", "|"):gsub("%s+", " "))
	end
	if out[2] and out[1]:find "^meta load nfproto" then
		table.remove(out, 1)
		table.remove(out, 1)
	end
	if out[2] and out[1]:find "^meta load l4proto" then
		table.remove(out, 1)
		table.remove(out, 1)
	end
	return out
end

local function message(text, t)
	local s, m, errno = raw(text, t)
	assert(not s, "compiled: " .. text)
	return m, errno
end

-- What is said of a wrong rule.
local function says(pattern, text, t)
	assert.matches(pattern, (message(text, t)))
end

describe("a rule", function()
	it("becomes expressions", function()
		assert.same({ "payload load 4b @ network header + 12 => reg 1", "cmp eq reg 1 0x010200c0", "counter pkts 0 bytes 0", "immediate reg 0 accept" },
			code "ip saddr 192.0.2.1 counter accept")
		assert.same({ "payload load 2b @ transport header + 2 => reg 1", "cmp gte reg 1 0x00005000", "cmp lte reg 1 0x00005a00" }, code "tcp dport 80-90")
		assert.same({ "ct load state => reg 1", "bitwise reg 1 = ( reg 1 & 0x00000006 ) ^ 0x00000000", "cmp neq reg 1 0x00000000" },
			code "ct state established,related")
	end)

	it("implies the headers it reads, once", function()
		local s = raw "tcp sport 1 ip saddr 1.1.1.1 tcp sequence 5"
		assert.equal(1, select(2, s:gsub("meta load l4proto", "")))
		assert.equal(1, select(2, s:gsub("meta load nfproto", "")))
		assert.equal(0, select(2, raw("ip protocol tcp tcp dport 22", { family = "ip" }):gsub("l4proto", "")))
	end)

	it("compares neighbouring fields at once, where both must be equal", function()
		assert.same({ "payload load 4b @ transport header + 0 => reg 1", "cmp eq reg 1 0x02000100" }, code "tcp sport 1 tcp dport 2")
		-- "not 1, and not 2" is not "not both"
		assert.same({ "payload load 2b @ transport header + 0 => reg 1", "cmp neq reg 1 0x00000100",
			"payload load 2b @ transport header + 2 => reg 1", "cmp neq reg 1 0x00000200" }, code "tcp sport != 1 tcp dport != 2")
		-- a statement between them would see what does not match
		assert.equal(5, #code "tcp sport 1 counter tcp dport 2")
	end)

	it("has sets in braces, sorted and without repetition", function()
		assert.equal("element 00001600 : 0 |element 00005000 : 0 |", code("tcp dport { 80, 22, 80 }")[2])
		assert.equal("element 00000000 : 1 |element 0000000a : 0 |element 0000000b : 1 |", code("ip saddr { 10.1.0.0/16, 10.0.0.0/8 }")[2])
		assert.equal("element 00000000 : 1 |element 00000100 : 0 |element 00000900 : 1 |", code("tcp dport { 1-5, 3-7, 8 }")[2])
		assert.equal("element 00000000 : 0 |", code("ip saddr { 0.0.0.0/1, 128.0.0.0/1 }")[2])
		assert.equal("element 0000000a 00001600 - ffffff0a 00005000 : 0 |", code("ip saddr . tcp dport { 10.0.0.0/8 . 22-80 }")[2])
	end)

	it("says what it needs", function()
		local _, x = raw "iif eth0 ip saddr @hosts tcp dport vmap { 1 : jump a, 2 : goto b } counter name c"
		assert.same({ "device eth0", "set hosts", "chain a", "chain b", "object c" }, x.refs)
		assert.same({ "flowtable ft" }, select(2, raw "flow add @ft").refs)
	end)

	it("has a hash of what it does, not of how it is written", function()
		local function hash(text)
			return select(2, raw(text)).hash
		end
		assert.equal(hash "tcp dport { 80, 22 }", hash "tcp  dport {22,80} comment \"x\"")
		assert.not_equal(hash "tcp dport { 80, 22 }", hash "tcp dport { 80, 23 }")
		assert.not_equal(hash "accept", hash "drop")
	end)

	it("has a comment", function()
		assert.equal("a b", select(2, raw 'accept comment "a b"').comment)
		assert.is_nil(select(2, raw "accept").comment)
	end)

	it("may stretch over lines", function()
		assert.equal(3, #code "ip saddr 192.0.2.1 # here\n\taccept\n")
		assert.equal(3, #code "ip saddr 192.0.2.1 \\\n accept;")
	end)
end)

describe("rules in braces", function()
	it("are a chain that lives with its rule", function()
		local text = 'ip saddr 1.1.1.1 jump {\n\ttcp dport 22 accept comment "in" # ssh\n\n\tip saddr { 1.1.1.1,\n 2.2.2.2 } goto { drop; jump x }\n} counter comment "out"'
		assert.same({ "__chain%d", "meta load l4proto => reg 1", "cmp eq reg 1 0x00000006", "payload load 2b @ transport header + 2 => reg 1",
			"cmp eq reg 1 0x00001600", "immediate reg 0 accept", "__set%d 3", "element 01010101 : 0 |element 02020202 : 0 |", "__chain%d", "immediate reg 0 drop",
			"immediate reg 0 jump -> x", "payload load 4b @ network header + 12 => reg 1", "lookup reg 1 set __set%d", "immediate reg 0 goto",
			"payload load 4b @ network header + 12 => reg 1", "cmp eq reg 1 0x01010101", "immediate reg 0 jump", "counter pkts 0 bytes 0" }, code(text, { family = "ip" }))
		local _, t = raw(text, { family = "ip" })
		assert.same({ "chain x" }, t.refs)
		assert.equal("out", t.comment)
		assert.equal('ip saddr 1.1.1.1 jump { tcp dport 22 accept comment "in"; ip saddr { 1.1.1.1, 2.2.2.2 } goto { drop; jump x }; } counter comment "out"', t.text)
		local _, other = raw(t.text, { family = "ip" })
		assert.equal(t.hash, other.hash)
		_, other = raw((t.text:gsub("in", "hi")), { family = "ip" })
		assert.not_equal(t.hash, other.hash)
	end)

	it("take values, and come back as text on one line", function()
		local _, t = raw("ip saddr $addr jump {\ntcp dport $port accept\ndrop\n}")
		assert.equal("ip saddr 192.0.2.1 jump { tcp dport 80 accept; drop; }", t.rule)
	end)

	it("may come to their end", function()
		assert.equal(3, #code("jump { } accept"))
		says("never reached", "jump { accept counter }")
		says("never reached", "accept jump { drop; }")
	end)

	it("stand in statements, not too deep", function()
		says("in a statement only", "ip saddr vmap { 1.1.1.1 : jump { accept; } }")
		says("at most 16 jumps", ("jump { "):rep(18) .. "accept" .. (" }"):rep(18))
		says("nested too deep", ("jump { "):rep(400))
		assert.is_table(code(("jump { "):rep(16) .. "accept" .. (" }"):rep(16)))
	end)
end)

describe("elements in braces", function()
	it("keep their comments and statements", function()
		local _, t = raw('ip saddr { 1.1.1.1 comment "one", 2.2.2.2 counter } accept')
		local _, u = raw('ip saddr { 1.1.1.1 comment "two", 2.2.2.2 counter } accept')
		local _, v = raw('ip saddr { 1.1.1.1 comment "one", 2.2.2.2 } accept')
		assert.not_equal(t.hash, u.hash)
		assert.not_equal(t.hash, v.hash)
		assert.is_table(code 'ip saddr vmap { 1.1.1.1 comment "one" : accept, * counter : drop }')
		assert.same(code "ip saddr 1.1.1.1", code 'ip saddr { 1.1.1.1 comment "one" }')
		says("have no timeout", "ip saddr { 1.1.1.1 timeout 5s, 2.2.2.2 }")
		says("at most two statements", "ip saddr { 1.1.1.1 counter limit rate 5/second quota 5 bytes, 2.2.2.2 }")
	end)
end)

describe("a live list in braces", function()
	it("is the list where it is alone", function()
		assert.same(code "ip saddr $live", code "ip saddr { $live }")
	end)

	it("is matched apart where none of all is asked", function()
		assert.same({ "payload load 4b @ network header + 12 => reg 1", "lookup reg 1 set _live_live 0x1", "payload load 4b @ network header + 12 => reg 1",
			"cmp neq reg 1 0x0100000a" }, code "ip saddr != { $live, 10.0.0.1 }")
		assert.same({ "__set%d 3", "element 0100000a : 0 |element 0200000a : 0 |", "meta load nfproto => reg 1", "cmp eq reg 1 0x00000002",
			"payload load 4b @ network header + 12 => reg 1", "lookup reg 1 set _live_live 0x1", "payload load 4b @ network header + 12 => reg 1",
			"lookup reg 1 set __set%d 0x1", "immediate reg 0 accept" }, code "ip saddr != { 10.0.0.2, $live, 10.0.0.1 } accept")
	end)

	it("is refused among others, with a way out", function()
		says("state a set that follows it", "ip saddr { $live, 10.0.0.1 }")
		says("state a set that follows it", "ip saddr { $live, $dead }")
	end)
end)

describe("a handle of another kind", function()
	it("is refused where a name stands", function()
		local t = { params = { q = { obj = "q1", kind = 6 }, c = { obj = "c1", kind = 5 }, web = { obj = "web", kind = 1 }, s = { obj = "hosts", kind = 2 } } }
		assert.is_table(code("counter name $c", t))
		assert.is_table(code("jump $web", t))
		assert.is_table(code("ip saddr $s", t))
		for text, want in pairs {
			["counter name $q"] = "$q is a quota, a counter must stand here", ["jump $c"] = "$c is a counter, a chain must stand here",
			["ip saddr @$c"] = "$c is a counter, a set must stand here", ["ip saddr $web"] = "$web is a chain, a set must stand here",
			["flow add @$s"] = "$s is a set, a flowtable must stand here", ["add @$web { ip saddr }"] = "$web is a chain, a set must stand here",
			["log prefix $web"] = "$web is not a text", ["tcp dport vmap { 22 : $c }"] = "$c is a counter, a chain must stand here",
		} do
			local m = message(text, t)
			assert.is_truthy(m:find(want, 1, true), m)
		end
	end)
end)

describe("bits that were shifted out", function()
	it("do not count in what is compared", function()
		assert.same({ "payload load 1b @ network header + 8 => reg 1", "bitwise reg 1 = ( reg 1 & 0x000000fe ) ^ 0x00000000", "cmp eq reg 1 0x00000002" },
			code("ip ttl >> 1 == 1", { family = "ip" }))
		assert.same({ "payload load 1b @ network header + 0 => reg 1", "bitwise reg 1 = ( reg 1 & 0x000000e0 ) ^ 0x00000000", "cmp eq reg 1 0x00000020" },
			code("ip version >> 1 == 1", { family = "ip" }))
		assert.same({ "payload load 1b @ network header + 0 => reg 1", "bitwise reg 1 = ( reg 1 & 0x000000f0 ) ^ 0x00000000",
			"bitwise reg 1 = ( reg 1 >> 0x00000004 )", "cmp eq reg 1 0x00000004" }, code("ip version ^ 1 == 5", { family = "ip" }))
	end)
end)

describe("a meter", function()
	it("is a set of its name that lives with the rule", function()
		assert.same({ "hits 31", "payload load 4b @ network header + 12 => reg 1", "dynset update reg_key 1 set hits timeout 5000ms expr [ counter pkts 0 bytes 0 ]" },
			code("meter hits size 100 { ip saddr timeout 5s counter }", { family = "ip" }))
		assert.same({ "recent", "dynset add reg_key 1 set recent expr [ counter pkts 0 bytes 0 ]" },
			{ "recent", code("meter recent { ip saddr counter }", { family = "ip" })[2] })
	end)
end)

describe("numbers and times", function()
	it("are read as nft does it", function()
		assert.same({ "counter pkts 8 bytes 16" }, code "counter packets 010 bytes 0x10")
		assert.same({ "limit rate 10240/second burst 0 type bytes flags 0x0" }, code "limit rate 10kbytes/second")
		assert.same(code "tcp dport 22 accept", code "tcp dport 22accept")
		assert.same(code 'meta time "2022-06-08 15:33:20"', code 'meta time "2022-6-8 15:33:20"')
		for text, same in pairs { ['"23:59:60"'] = "00:00", ['"1:00"'] = "01:00:00", ['"12:30:5"'] = "12:30:05", ["1:2"] = "01:02" } do
			assert.same(code(('meta hour "%s"'):format(same)), code("meta hour " .. text))
		end
		assert.same(code "meta hour 3600", code "meta hour 1h")
		says("no time of day", 'meta hour "24:00"')
		says("no time of day", 'meta hour "23:59:62"')
	end)
end)

describe("a value", function()
	it("stands where a constant can", function()
		assert.same(code "ip saddr 192.0.2.1", code "ip saddr $addr")
		assert.same(code "tcp dport 80", code "tcp dport $port")
		assert.same(code "ip saddr 10.0.0.0/8", code "ip saddr $net")
		assert.same(code "tcp dport 10-20", code "tcp dport $range")
		assert.same(code 'iifname "eth*"', code "iifname $ifs")
		assert.same(code "limit rate 80/second", code "limit rate $port/second")
		assert.same(code 'log prefix "192.0.2.1"', code "log prefix $addr")
		assert.same(code "jump web", code "jump $chain")
		assert.same(code "ct mark set 80", code "ct mark set $port")
	end)

	it("is data, never text of the language", function()
		says("'192.0.2.1 accept' is no IPv4 address", "ip saddr $evil")
		says("is no port or service name", "tcp dport $quote")
		-- a name, not a pattern
		assert.equal("cmp eq reg 1 0x2a687465 0x00000000 0x00000000 0x00000000", code("iifname $star")[2])
		says("is no single IPv4 address", "ip saddr $addr6")
	end)

	it("that is a list is a set", function()
		assert.same(code "tcp dport { 22, 80 }", code "tcp dport $ports")
		assert.same(code "tcp dport != { 22, 80 }", code "tcp dport != $ports")
		assert.same(code "tcp dport { 1, 22, 80 }", code "tcp dport { 1, $ports }")
		assert.same(code "ip saddr { 10.0.0.0/8, 192.0.2.7 }", code "ip saddr $nets")
		assert.same(code "ip saddr . tcp dport { 192.0.2.1 . 80, 192.0.2.2 . 443 }", code "ip saddr . tcp dport $pairs")
		assert.equal("__set%d 3", code("tcp dport $one")[1])
		says("is a list, one value must stand here", "tcp dport $ports-$ports")
	end)

	it("that is an empty list matches nothing", function()
		assert.same({ "__set%d 3", "meta load mark => reg 1", "lookup reg 1 set __set%d" }, code "meta mark $none")
		assert.same({ "__set%d 3", "meta load mark => reg 1", "lookup reg 1 set __set%d 0x1" }, code "meta mark != $none")
		says("the set is empty", "tcp dport { }")
	end)

	it("that is a table is a map", function()
		assert.same(code "tcp dport vmap { 22 : accept, 80 : jump x }", code "tcp dport vmap $verdicts")
		assert.same(code "tcp dport vmap { 22 : jump ssh }", code "tcp dport vmap $chains")
		assert.same(code "meta mark set ip saddr map { 192.0.2.1 : 5 }", code "meta mark set ip saddr map $marks")
	end)

	it("that is a handle names its object", function()
		assert.same(code "ip saddr @hosts", code "ip saddr $set")
		assert.same(code "ip saddr @hosts", code "ip saddr @$set")
		assert.same(code "add @hosts { ip saddr }", code "add $set { ip saddr }")
	end)

	it("that is live is a set where a list can stand, its first value elsewhere", function()
		assert.same({ "payload load 2b @ transport header + 2 => reg 1", "lookup reg 1 set _live_live_ports" }, code "tcp dport $live_ports")
		assert.same({ "set _live_live_ports" }, select(2, raw "tcp dport $live_ports").refs)
		assert.same(code "ip saddr set 192.0.2.1", code "ip saddr set $live")
		assert.same(code "ip6 saddr set 2001:db8::1", code "ip6 saddr set $live")
		assert.same(code "limit rate 22/second", code "limit rate $live_ports/second")
		assert.equal("tcp dport @_live_live_ports accept", select(2, raw "tcp dport $live_ports accept").rule)
		local m, errno = message "ip saddr set $dead"
		assert.matches("%$dead is empty now", m)
		assert.equal(61, errno) -- ENODATA
		says("cannot be one of several", "tcp dport { 1, $live_ports }")
	end)

	it("shows in the rule's text", function()
		local function text(rule)
			return select(2, raw(rule)).rule
		end
		assert.equal("ip saddr 192.0.2.1 tcp dport { 22, 80 } jump web", text "ip saddr $addr   tcp dport $ports jump $chain")
		assert.equal("tcp dport vmap { 22 : accept, 80 : jump x }", text "tcp dport vmap $verdicts")
		assert.equal('ip saddr @hosts log prefix "192.0.2.1"', text "ip saddr $set log prefix $addr")
		assert.equal("tcp dport { 1, 22, 80 }", text "tcp dport { 1, $ports }")
	end)

	it("must be there", function()
		says("%$prt has no value; did you mean %$port%?", "tcp dport $prt")
		says("%$nothing has no value, nobody gave one", "tcp dport $nothing")
	end)
end)

describe("a set of the table", function()
	it("is looked up in the order its kind wants", function()
		assert.same({ "meta load mark => reg 1", "byteorder reg 1 = hton(reg 1, 4, 4)", "lookup reg 1 set numbers" }, code "meta mark @numbers")
		assert.equal("lookup reg 1 set verdicts dreg 0", code("tcp dport vmap @verdicts")[2])
		assert.equal("dynset update reg_key 1 set recent timeout 60000ms expr [ counter pkts 0 bytes 0 ]",
			code("update @recent { ip saddr timeout 1m counter }")[2])
	end)

	it("has a type that the expression must have", function()
		says("@hosts has keys of type ipv4_addr, the expression is ipv6_addr", "ip6 saddr @hosts")
		says("@pairs has keys of type ipv4_addr . inet_service", "ip saddr @pairs")
		says("@verdicts holds verdicts", "meta mark set tcp dport map @verdicts")
		says("@hosts is a set, not a map", "ip saddr vmap @hosts")
		says("@marks maps to mark, a value of type integer is expected here", "ct zone set ip saddr map @marks")
		says("@hosts is a set, its elements have no values", "add @hosts { ip saddr : 1 }")
	end)

	it("that nobody stated leaves the rule waiting", function()
		local m, errno = message "ip saddr @nope"
		assert.matches("set @nope is not stated", m)
		assert.equal(2, errno) -- ENOENT
		says("did you mean @hosts%?", "ip saddr @hsots")
	end)

	it("and a device that is not there does, too", function()
		local m, errno = message "iif nope0"
		assert.matches('interface "nope0" does not exist', m)
		assert.equal(19, errno) -- ENODEV
		assert.equal("cmp eq reg 1 0x00000007", code("iif eth0")[2])
	end)
end)

describe("a wrong rule", function()
	it("is shown with the place", function()
		assert.equal("rule:1:4: unexpected `sadr`, expected a field of ip; did you mean `saddr`?\n    ip sadr 1.1.1.1\n       ^^^^", (message "ip sadr 1.1.1.1"))
		assert.equal("rule:2:11: '70000' is over the largest inet_service, 65535\n    tcp dport 70000 accept\n              ^^^^^",
			(message "ip saddr 1.1.1.1\ntcp dport 70000 accept"))
	end)

	it("is met with a proposal", function()
		says("did you mean `tcp`", "tpc dport 22")
		says("did you mean `accept`", "tcp dport 22 acept")
		says("did you mean `mark`", "meta mrk 1")
		says("did you mean `accept`", "tcp dport vmap { 22 : acept }")
		says("did you mean `second`", "limit rate 1/secnd")
		says("did you mean 'established'", "ct state establshed")
		says("did you mean `persistent`", "masquerade random,persistnt")
	end)

	it("is refused whole", function()
		local cases = {
			{ "", "the rule is empty" }, { "tcp dport", "the rule ends here" }, { "tcp dport {", "the rule ends here" }, { "tcp dport { 22, 80", "expected `,` or `}`" },
			{ 'log prefix "x', "never closed" }, { "ip saddr 1.1.1.1 }", "expected the end of the rule" }, { "accept drop", "never reached" },
			{ "masquerade accept", "never reached" }, { "tcp dport 5-3", "ends before it begins" }, { "ip saddr 10.0.0.0/33", "has 32 bits" },
			{ "ip saddr ::1", "no single IPv4 address" }, { "ip saddr 1.1.1.1 ip6 saddr ::1", "conflicting protocols" },
			{ "ip protocol tcp udp dport 22", "conflicting protocols" }, { "icmp type echo-request icmp mtu 3", "does not exist in messages" },
			{ "udp dport 22 reject with tcp reset", "only TCP" }, { "meta mark set { 1, 2 }", "one value" }, { "ip saddr vmap { 1.1.1.1 }", "`:`" },
			{ "ip saddr { 1.1.1.1 : accept }", "expected `,` or `}`" }, { "ip saddr . tcp dport { 1.1.1.1 }", "concatenation of 2" },
			{ "ip saddr . tcp dport 1.1.1.1 . 22", "compared with a set" }, { "masquerade to :80", "matches the transport protocol" },
			{ "dnat to 1.1.1.1", "IPv4 or IPv6" }, { "ct original saddr 1.1.1.1", "IPv4 or IPv6" }, { "ct saddr 1.1.1.1", "needs a direction" },
			{ "ct mark ! 1", "did you mean" }, { "ip saddr vmap { 10.0.0.0/8 : accept, 10.1.0.0/16 : drop }", "overlaps" },
			{ "meta length set 5", "compared, not set" }, { "log level info group 2", "exclude each other" }, { "limit rate 0/second", "rate of 0" },
			{ "ip hdrlength 16", "15" }, { "meta mark & ct mark == 1", "must be a constant" }, { "iifname *", "stands in sets only" },
			{ "fib oif type local", "saddr or daddr" }, { "numgen inc mod 0 1", "modulo 0" }, { "queue num 5-1", "ends before" }, { "$addr accept", "expected a statement" },
			{ "ip saddr \1", "does not belong" }, { "jump {", "expected a rule or `}`" }, { "tcp option eol left", "boolean" }, { "@nh,0,200 1", "number in range" },
		}
		for _, c in ipairs(cases) do
			local m = message(c[1])
			assert.is_truthy(m:find(c[2], 1, true), ("%s: %s"):format(c[1], m))
			assert.is_truthy(m:find "^rule:%d+:%d+: ", m)
		end
		says("type filter", "masquerade", { chain_type = "filter" })
		says("works in hook postrouting, the chain has hook input", "masquerade", { chain_type = "nat", hook = "input" })
		says("works in hook prerouting or output", "dnat ip to 10.0.0.1", { chain_type = "nat", hook = "postrouting" })
		assert.equal(1, #code("masquerade", { chain_type = "nat", hook = "postrouting" }))
	end)

	it("shows no bytes that move a terminal, and its marks stand below", function()
		local m = message("ip saddr \x9b31m\xc2\x9bä\x1b[2J")
		assert.is_nil(m:find("[\1-\9\11-\31\x9b]"), m)
		local line, marks = m:match("\n    ([^\n]*)\n    (.*)$")
		assert.equal("ip saddr 31m ä [2J", line)
		assert.equal((" "):rep(9) .. "^", marks)
		m = message("ip saddr \"ä\x1bö\" bogus")
		assert.is_nil(m:find("\27", 1, true), m)
	end)

	it("is bounded in size and depth", function()
		says("the limit is 65536", ("accept "):rep(10000))
		says("nested too deep", "meta mark " .. ("("):rep(200) .. "1")
		says("too many operators", "meta mark 1" .. ("|1"):rep(500))
		says("more than 16 parts", "ip saddr" .. (" . ip saddr"):rep(20) .. " @hosts")
		says("the limit is 64", "ip6 saddr . ip6 daddr . ip6 saddr . ip6 daddr . ip6 saddr @hosts")
		local t = {}
		for i = 1, 9000 do
			t[i] = i % 3000 + 1
		end
		assert.equal(3000, select(2, raw("tcp dport { " .. table.concat(t, ", ") .. " }"):gsub("element", "")))
	end)
end)

describe("names", function()
	it("of objects are checked", function()
		assert.is_true(nft.name_check "web_in-1")
		assert.matches("word of nft's language.*what about \"accept_\"", (select(2, nft.name_check "accept")))
		assert.matches("does not begin with a letter", (select(2, nft.name_check "1x")))
		assert.matches("has a byte", (select(2, nft.name_check "a b")))
		assert.matches("empty", (select(2, nft.name_check "")))
		assert.matches("127", (select(2, nft.name_check(("a"):rep(128)))))
	end)

	it("are made of any text, each of its own", function()
		local seen = {}
		for _, s in ipairs { "web", "web 1", "web_1", "web_201", "", "1", "_n1", "accept", "_naccept", "ä", "a.b", "a/b", "\0", ("x"):rep(300), ("x"):rep(301), "-a", "_2da" } do
			local name = nft.name_make(s)
			assert.is_true(nft.name_check(name), name)
			assert.is_nil(seen[name], name)
			seen[name] = true
		end
		assert.equal("web", nft.name_make "web")
	end)

	it("stand for priorities", function()
		assert.equal(0, nft.priority("filter", "ip"))
		assert.equal(-100, nft.priority("dstnat", "inet", "prerouting"))
		assert.equal(-105, nft.priority("dstnat - 5", "ip", "prerouting"))
		assert.equal(110, nft.priority("srcnat+10", "ip6", "postrouting"))
		assert.equal(-300, nft.priority("raw", "inet"))
		assert.equal(-200, nft.priority("filter", "bridge"))
		assert.equal(-42, nft.priority("-42", "ip"))
		assert.matches("did you mean \"filter\"", (select(2, nft.priority("fliter", "ip"))))
		assert.matches("does not go with hook", (select(2, nft.priority("dstnat", "ip", "postrouting"))))
		assert.matches("neither a number", (select(2, nft.priority("-", "ip"))))
		assert.matches("no hook \"ingres\".*did you mean \"ingress\"", (select(2, nft.priority("filter", "netdev", "ingres"))))
	end)

	it("stand for flags of sets", function()
		assert.equal(4 + 16, nft.set_flags "interval, timeout")
		assert.matches("did you mean \"interval\"", (select(2, nft.set_flags "intervall")))
		assert.matches("no set flag", (select(2, nft.set_flags "interval,")))
	end)

	it("of fields have types", function()
		assert.same({ "ipv4_addr . inet_service", 8 }, { nft.type_of "ip saddr . tcp dport" })
		assert.same({ "mark", 4 }, { nft.type_of "ct mark" })
		assert.matches("did you mean `saddr`", (select(2, nft.type_of "ip sadr")))
	end)
end)
