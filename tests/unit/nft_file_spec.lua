-- SPDX-License-Identifier: GPL-2.0-or-later
local file = require("rnm.core").nft_file

local function parse(text, t)
	t = t or {}
	t.text = text
	return file.parse(t)
end

-- One line a command: what it does to what, and what was said of it.
local function line(c)
	local s = { c.op, c.what == "object" and c.obj or c.what, c.family, c.table, c.name, c.to }
	if c.what == "elements" then
		s[#s + 1] = "{ " .. table.concat(c.elements or { c.error }, ", ") .. " }"
	end
	s[#s + 1] = c.rule or c.object or c.what == "rule" and c.error or nil
	local out = {}
	for i = 1, 9 do
		out[#out + 1] = s[i]
	end
	return table.concat(out, " ")
end

local function lines(text, t)
	local cmds, errors = parse(text, t)
	if not cmds then
		return errors
	end
	local out = {}
	for i, c in ipairs(cmds) do
		out[i] = line(c)
	end
	return out
end

local function one(text, t)
	local cmds, errors = parse(text, t)
	assert(cmds, errors)
	assert.equal(1, #cmds)
	return cmds[1]
end

-- The first command of a kind.
local function of(what, text, t)
	local cmds, errors = parse(text, t)
	assert(cmds, errors)
	for _, c in ipairs(cmds) do
		if c.what == what then
			return c
		end
	end
end

local function message(text, t)
	local cmds, errors, n = parse(text, t)
	assert.is_nil(cmds)
	return errors:match "^[^\n]*", n
end

local function rules(text, t)
	local cmds, errors = parse(text, t)
	assert(cmds, errors)
	local out = {}
	for _, c in ipairs(cmds) do
		if c.what == "rule" then
			out[#out + 1] = c.rule or c.error:match "^[^\n]*"
		end
	end
	return out
end

local function elements(text, t)
	local c = of("elements", text, t)
	return c.elements or c.error:match "^[^\n]*"
end

describe("commands", function()
	it("come in order, several on a line", function()
		assert.same({
			"flush ruleset", "add table ip t", "add chain ip6 t c", "add rule ip t c accept", "insert rule inet t c drop",
			"create table arp x", "delete chain bridge t c", "flush table netdev t", "rename chain ip t c d",
		}, lines [[
			flush ruleset; table t
			add chain ip6 t c; add rule t c accept
			insert rule inet t c drop;;
			create table arp x ; delete chain bridge t c
			flush table netdev t
			rename chain t c d]])
	end)

	it("need no word in front of what they add", function()
		assert.same({ "add rule ip t c tcp dport 22 accept", "add elements ip t s { 1.2.3.4 }", "add counter ip t c packets 0 bytes 0; " },
			lines "t c tcp dport 22 accept\nelement t s { 1.2.3.4 }\ncounter t c")
	end)

	it("say where a rule goes", function()
		for text, want in pairs {
			["add rule t c handle 5 accept"] = { 1, 5 }, ["add rule t c position 6 accept"] = { 1, 6 },
			["insert rule t c index 3 accept"] = { 2, 3 }, ["replace rule t c handle 7 accept"] = { 1, 7 },
			["delete rule t c handle 8"] = { 1, 8 }, ["reset rule t c handle 9"] = { 1, 9 }, ["add rule t c accept"] = { 0 },
		} do
			local c = one(text)
			assert.same({ want[1], want[2] }, { c.at, c.handle }, text)
		end
	end)

	it("delete by handle", function()
		assert.same({ 3, nil, "ip" }, { one("delete table handle 3").handle, one("delete table handle 3").name, "ip" })
		for _, what in ipairs { "chain", "set", "map", "flowtable", "counter", "quota", "limit" } do
			local c = one("delete " .. what .. " inet t handle 4")
			assert.same({ "t", 4 }, { c.table, c.handle })
		end
	end)

	it("know destroy, reset, list and get", function()
		assert.same({
			"destroy table ip t", "destroy elements ip t s { 1.1.1.1 }", "reset counter", "reset quota ip t q", "reset rule", "reset rule ip t c",
			"list ruleset", "list table ip t", "list set inet t", "list set ip t", "list ct helper ip t", "list ct helper ip t h",
			"list chain", "get elements ip t s { 1.2.3.4 }", "reset set ip t s", "list counter ip",
		}, lines [[
			destroy table t
			destroy element t s { 1.1.1.1 }
			reset counters
			reset quota t q
			reset rules
			reset rules chain t c
			list ruleset
			list table ip t
			list sets table inet t
			list meters t
			list ct helpers table t
			list ct helper t h
			list chains
			get element t s { 1.2.3.4 }
			reset set t s
			list counters ip]])
		assert.is_true(one("list ruleset ip6").plural)
		assert.is_nil(one("list set t s").plural)
	end)

	it("take devices away from a chain", function()
		local c = one 'delete chain netdev t c { devices = { "eth0", eth1 }; }'
		assert.equal('"eth0" eth1', c.devices)
		assert.equal("delete", c.op)
	end)

	it("misspelled are told with the nearest", function()
		assert.equal("test.nft:1:1: unexpected `tabel`, expected a command, like `table …` or `add rule …`; did you mean `table`?",
			(message "tabel inet t { }"))
		assert.matches("did you mean `delete`", (message "delet table t"))
		assert.matches("did you mean `element`", (message "delete elemnt t s { 1 }"))
	end)

	it("are refused half", function()
		for _, text in ipairs {
			"add", "foo", "foo bar", "add rule t c", "delete rule t c", "delete rule t c accept", "replace rule t c accept", "insert t c accept",
			"rename chain t", "create rule t c accept", "add set t s", "add element t s", "flush", "list", "get", "}", "{", "add table ip", "table 1x",
			"table accept", 'table "t"', "add table t add table u", "table t { } table u { }", "monitor", "list hooks", "add element t s 1.2.3.4",
			"reset limit t l", "delete ct foo t x", "add ct helper t h", "add quota t q", "add limit t l", "delete chain t c { accept; }",
		} do
			assert.is_nil(parse(text), text)
		end
	end)
end)

describe("a block", function()
	it("is taken apart: chains, objects, sets, flowtables, elements, rules", function()
		assert.same({
			"add table inet t", "add chain inet t a", "add chain inet t b", "add chain inet t a", "add counter inet t n packets 0 bytes 0; ", "add set inet t s",
			"add flowtable inet t f", "add elements inet t s { 1.2.3.4 }", "add rule inet t a accept", "add rule inet t b drop", "add rule inet t a log",
			"add table ip u",
		}, lines [[
			table inet t {
				chain a { accept; }
				set s { type ipv4_addr; elements = { 1.2.3.4 }; }
				chain b {
					drop
				}
				flowtable f { hook ingress priority 0; devices = { eth0 }; }
				counter n { }
				chain a { log; }
			}
			table u]])
	end)

	it("may end without a separator", function()
		assert.same({ "accept", "drop" }, rules "table t { chain a { accept }; chain b { drop } }")
	end)

	it("needs no blanks", function()
		assert.same({ "tcp dport 22 accept" }, rules "table ip t{chain c{type filter hook input priority 0;policy accept;tcp dport 22 accept}}")
	end)

	it("has flags and a comment of the table", function()
		local t = of("table", 'table inet t { flags dormant, owner; comment "mine"; }')
		assert.same({ 3, "mine", true }, { t.flags, t.comment, t.block })
		assert.matches("did you mean `dormant`", (message "table t { flags dorman; }"))
	end)

	it("reads comments, continued lines, CR and a shebang", function()
		assert.same({ "tcp dport 22 accept", 'log prefix "a # b; }" drop' },
			rules '#!/usr/sbin/nft -f\r\ntable t { # the table }\r\n\tchain c {\r\n\t\ttcp dport \\\r\n 22 accept # } ; x\r\n\t\tlog prefix "a # b; }" drop\r\n\t}\r\n}')
	end)

	it("holds rules of several lines", function()
		assert.same({ "tcp dport { 22, 80 } accept", "tcp dport vmap { 22 : accept, 80 : drop }", "ip saddr 1.1.1.1 jump { counter; drop; }", "log" },
			rules [[table t { chain c {
				tcp dport {
					22, # ssh
					80
				} accept
				tcp dport vmap { 22 : accept,
					80 : drop }
				ip saddr 1.1.1.1 jump { counter; drop; }
				log
			} }]])
	end)
end)

describe("a chain", function()
	local function chain(body, family, t)
		return of("chain", ("table %s t { chain c { %s } }"):format(family or "ip", body), t)
	end

	it("has a hook", function()
		local c = chain "type filter hook input priority 0; policy drop;"
		assert.same({ true, "filter", 1, 0, "drop" }, { c.base, c.type, c.hook, c.priority, c.policy })
		assert.is_nil(chain("").base)
		assert.equal("accept", chain("policy accept;").policy)
		assert.equal("x y", chain('comment "x y"').comment)
		assert.equal(2, chain("flags offload;").flags)
	end)

	it("has a priority with a name, a sign, an offset", function()
		for text, want in pairs {
			["filter"] = 0, ["-150"] = -150, ["- 150"] = -150, ["mangle"] = -150, ["filter + 10"] = 10, ["filter+10"] = 10, ["raw - 5"] = -305,
			["raw -5"] = -305, ["raw-5"] = -305, ["security"] = 50,
		} do
			assert.equal(want, chain("type filter hook input priority " .. text).priority, text)
		end
		assert.equal(100, chain("type filter hook output priority out", "bridge").priority)
		for value, want in pairs { ["-10"] = -10, ["filter"] = 0, ['"mangle + 3"'] = -147, ["- 7"] = -7 } do
			assert.equal(want, of("chain", ("define p = %s\ntable t { chain c { type filter hook input priority $p } }"):format(value)).priority)
		end
	end)

	it("has devices", function()
		local function devices(text, defs, t)
			return of("chain", (defs or "") .. "\ntable netdev t { chain c { type filter hook ingress " .. text .. " priority 0; } }", t).devices
		end
		assert.equal("eth0", devices "device eth0")
		assert.equal('"eth0"', devices 'device "eth0"')
		assert.equal('"eth0" br-lan', devices 'devices = { "eth0", br-lan }')
		assert.equal('"a" b c', devices('devices = { $x, c }', 'define x = { "a", b }'))
		assert.equal("a", devices("device $x", "define x = a"))
		assert.equal('"u" "v" w', devices("devices = { $p, w }", nil, { params = { p = { "u", "v" } } }))
		assert.equal("$q w", devices("devices = { $q, w }", nil, { params = { q = true } }))
		assert.equal("a b", chain("type filter hook ingress device a priority 0; devices = { b }", "netdev").devices)
	end)

	it("takes its policy from a define", function()
		assert.equal("drop", of("chain", 'define p = "drop"\ntable t { chain c { type filter hook input priority 0; policy $p; } }').policy)
	end)

	it("is refused with the reason", function()
		local function why(body, family)
			return (message(("table %s t { chain c { %s } }"):format(family or "ip", body)):gsub("^test.nft:1:%d+: ", ""))
		end
		assert.equal('no hook "ingress" in family ip (prerouting, input, forward, output, postrouting)', why "type filter hook ingress device a priority 0")
		assert.equal('no priority "filtre" in family ip; did you mean "filter"?', why "type filter hook input priority filtre")
		assert.equal("priority srcnat does not go with hook prerouting", why "type nat hook prerouting priority srcnat")
		assert.equal("unexpected `;`, expected `priority`", why "type filter hook input;")
		assert.equal("unexpected `filtr`, expected filter, nat or route; did you mean `filter`?", why "type filtr hook input priority 0")
		assert.equal("unexpected `reject`, expected accept or drop", why "policy reject;")
		assert.equal("a second policy", why "type filter hook input priority 0; policy drop; policy accept;")
		assert.equal("unexpected `policy`, expected `;` or a new line", why "type filter hook input priority 0 policy drop;")
		assert.equal("no device", why("type filter hook ingress devices = { } priority 0", "netdev"))
		assert.equal('"a12345678901234567" is no name of an interface', why("type filter hook ingress device a12345678901234567 priority 0", "netdev"))
	end)
end)

describe("a set", function()
	local function set(body, word)
		return of("set", ("table t { %s s { %s } }"):format(word or "set", body))
	end

	it("has properties in any order", function()
		local s = set [[size 100; policy memory; comment "x"; gc-interval 5s; timeout 1h; flags interval, timeout
			auto-merge; counter; limit rate 1/second; type ipv4_addr . inet_service]]
		assert.same({ "ipv4_addr . inet_service", 3600000, 5000, 100, 1, "x", true, 63 },
			{ s.key, s.timeout, s.gc, s.size, s.policy, s.comment, s.auto_merge, s.given })
		assert.equal(0x4 | 0x10 | 0x80 | 0x100, s.flags) -- interval, timeout, concatenation, several statements
	end)

	it("gets the flags that go without saying", function()
		assert.equal(0x10, set("type mark; timeout 5s").flags)
		assert.equal(0, set("type mark; counter").flags)
		assert.equal(0x100, set("type mark; counter quota 500 bytes").flags)
		assert.equal(0x84, set("type mark . mark; flags interval").flags)
		assert.equal(8, set("type mark : verdict", "map").flags)
		assert.equal(0x40, set("type mark : counter", "map").flags)
		assert.equal(0x22, set("type mark; flags constant,dynamic").flags)
	end)

	it("has the type of an expression", function()
		local s = set "typeof ip saddr . tcp dport"
		assert.same({ "ipv4_addr . inet_service", true, "ip saddr . tcp dport" }, { s.key, s.typeof, s.typeof_text })
		s = set("typeof ip saddr : ct mark", "map")
		assert.same({ "ipv4_addr", "mark", "ip saddr : ct mark" }, { s.key, s.data, s.typeof_text })
		assert.equal("verdict", set("typeof ip saddr : verdict", "map").data)
		assert.equal(3, set("typeof ip saddr : ct helper", "map").obj_type)
	end)

	it("maps to values, ranges and objects", function()
		assert.same({ "ipv4_addr", "ipv4_addr . inet_service" }, { set("type ipv4_addr : ipv4_addr . inet_service", "map").key,
			set("type ipv4_addr:ipv4_addr . inet_service", "map").data })
		assert.equal("interval ipv4_addr", set("type mark : interval ipv4_addr", "map").data)
		for word, n in pairs { counter = 1, quota = 2, limit = 4, secmark = 8, synproxy = 10, ["ct timeout"] = 7 } do
			assert.equal(n, set("type mark : " .. word, "map").obj_type)
		end
	end)

	it("has elements of all kinds", function()
		local function list(text)
			return elements(("table t { set s { type mark; elements = %s } }"):format(text))
		end
		assert.same({ "1.2.3.4", "10.0.0.0/8", "1-5", "*", "a . 80", '"eth0"' }, list '{ 1.2.3.4, 10.0.0.0/8, 1-5, *, a . 80, "eth0" }')
		assert.same({ '1 timeout 1h expires 5m comment "x"', "2 <34>" }, list '{ 1 timeout 1h expires 5m comment "x", 2 counter packets 1 bytes 2, }')
		assert.same({ "1 : accept", "2 : jump x", "3 : 4 . 5", '6 comment "x" : drop' }, list '{ 1 : accept, 2 : jump x, 3 : 4 . 5, 6 comment "x" : drop }')
		assert.same({ "1", "2", "3", "4" }, list "{ 1, { 2, { 3 } }, 4 }")
		assert.same({}, list "{ }")
		assert.same({ "1", "2" }, list "{ # one\n 1,\n 2 # }\n}")
		assert.matches("^test.nft:1:%d+: unexpected `2`, expected `,` or `}`", list "{ 1 2 }")
	end)

	it("is refused with the reason", function()
		local function why(body, word)
			return (message(("table t { %s s { %s } }"):format(word or "set", body)):gsub("^test.nft:1:%d+: ", ""))
		end
		assert.equal("a set needs a type: say `type …` or `typeof …`", why "flags interval")
		assert.equal("unknown type 'ipv4_adr', did you mean 'ipv4_addr'?", why "type ipv4_adr")
		assert.equal("unexpected `intervall`, expected constant, interval, timeout or dynamic; did you mean `interval`?", why "type mark; flags intervall")
		assert.equal("auto-merge needs `flags interval`", why "type mark; auto-merge")
		assert.equal("a second type", why "type mark; type mark")
		assert.equal("a verdict is no key", why("type verdict : mark", "map"))
		assert.equal("unexpected `}`, expected `:` and the type of the values", why("type mark ", "map"))
		assert.equal("unexpected `timout`, expected a property of a set, like type, flags or elements; did you mean `timeout`?", why "type mark; timout 5s")
		assert.equal("expected a duration like 30s or 1h30m", why "type mark; timeout foo")
		assert.equal("a second list of elements", why "type mark; elements = { 1 }; elements = { 2 }")
		assert.equal("test.nft:1:17: this list is never closed", (message "add element t s { 1, 2"))
	end)
end)

describe("an object", function()
	local function object(words, type)
		local text, same = file.object(type, words)
		if text then
			assert.is_true(same, words)
		end
		return text or same:match "^[^\n]*"
	end

	it("is written as it is read", function()
		for type, all in pairs {
			counter = { "packets 0 bytes 0; ", "packets 5 bytes 1000; " },
			quota = { "over 5 mbytes; ", "1500 bytes used 3 kbytes; ", "10 kbytes; " },
			limit = { "rate 10/second; ", "rate over 400/minute burst 3 packets; ", "rate 1 mbytes/hour burst 1 kbytes; ", "rate 5/week; " },
			["ct helper"] = { 'type "ftp" protocol tcp; ', 'type "sip" protocol udp; l3proto ip6; ' },
			["ct timeout"] = { "protocol udp; policy = { unreplied : 10, replied : 100 }; ", "protocol tcp; l3proto ip; policy = { established : 100, close : 4 }; " },
			["ct expectation"] = { "protocol tcp; dport 9876; timeout 2m; size 12; l3proto ip; " },
			synproxy = { "mss 1460; wscale 7; timestamp sack-perm; ", "mss 1460; wscale 7; " },
			secmark = { '"system_u:object_r:ssh_t:s0"; ' },
		} do
			for _, words in ipairs(all) do
				assert.equal(words, object(words, type))
			end
		end
		assert.equal("protocol tcp; policy = { established : 90 }; ", object("policy = { established : 1m30s }; protocol tcp", "ct timeout"))
		assert.equal("rate 2 kbytes/second; ", object("rate 2048 bytes/second", "limit"))
		assert.equal("rate 2 kbytes/second; ", object("rate until 2 kbytes/second", "limit"))
		assert.equal("", file.object("counter", "packets 5 bytes 7", true))
	end)

	it("is refused with the reason", function()
		for words, want in pairs {
			["quota 5"] = "unexpected `object`", ["quota over 5 kbyte"] = "expected bytes, kbytes or mbytes; did you mean `kbytes`", ["quota "] = "quota needs a number of bytes",
			["limit 5/second"] = "unexpected `5`, expected rate", ["limit rate 5/secund"] = "did you mean `second`", ["limit rate 0/second"] = "lets nothing through",
			['ct helper type "ftp"'] = "expected `protocol`", ['ct helper type "" protocol tcp'] = "1 to 15 bytes", ["ct timeout protocol sctp"] = "expected tcp or udp",
			["ct timeout protocol udp; policy = { etablished : 3 }"] = "udp has no state etablished", ["ct timeout protocol tcp; policy = { etablished : 3 }"] = "did you mean `established`",
			["ct expectation protocol tcp"] = "ct expectation needs `dport …`", ["synproxy mss 70000"] = "up to 65535", ["counter packets 3"] = "expected `bytes`",
			["counter packets 1 bytes 2 packets 3"] = "expected the end of the object", ["ct expectation size 300"] = "up to 255", ["secmark "] = "needs a security context",
			["quota 99999999999999 mbytes"] = "more than 64 bits",
		} do
			local type, rest = words:match "^(ct %w+) ?(.*)$"
			if not type then
				type, rest = words:match "^(%w+) ?(.*)$"
			end
			local text, why = file.object(type, rest)
			assert.is_nil(text, words)
			if words ~= "quota 5" then
				assert.matches(want, why, 1, true)
			end
		end
	end)

	it("stands in a file in both spellings", function()
		assert.same({
			"add counter ip t c packets 1 bytes 2; ", "add quota ip t q over 5 mbytes; ", "add limit ip t l rate 5/second; ",
			'create ct helper ip t h type "ftp" protocol tcp; ', "add synproxy ip t y mss 1460; wscale 7; ", "delete ct timeout ip t x",
		}, lines [[
			add counter t c packets 1 bytes 2
			add quota t q { over 5 mbytes }
			limit t l rate 5/second
			create ct helper t h { type "ftp" protocol tcp; }
			add synproxy t y mss 1460 wscale 7
			delete ct timeout t x]])
		assert.equal("note", of("object", 'table t { counter c { comment "note"; packets 1 bytes 2; }; }').comment)
		assert.matches("ct expectation needs `dport …`", (message "add ct expectation t x { protocol tcp; }"))
	end)
end)

describe("a flowtable", function()
	it("has a hook, devices and flags", function()
		local f = of("flowtable", "table t { flowtable f { hook ingress priority filter - 5; devices = { eth0, \"eth1\" }; counter; flags offload; } }")
		assert.same({ true, 0, -5, 3, 'eth0 "eth1"' }, { f.has_hook, f.hook, f.priority, f.flags, f.devices })
		assert.matches("no hook", (message "table t { flowtable f { hook input priority 0; } }"))
	end)
end)

describe("define", function()
	local function rule(defs, text, t)
		local c = of("rule", defs .. "\ntable t { chain c { " .. text .. " } }", t)
		return c.error and c.error:match "^[^\n]*" or c.tree
	end

	it("stands for words, ranges, prefixes, concatenations, sets", function()
		for value, want in pairs {
			["22"] = "22", ["22-80"] = "22-80", ["{ 22, 80-90 }"] = "{ 22, 80-90 }", ["10.0.0.0/8"] = "10.0.0.0/8", ["1.1.1.1 . 80"] = "1.1.1.1 . 80", ["@s"] = "@s",
			['"eth0"'] = '"eth0"', ["eth*"] = "eth*", ["tcp"] = "tcp", ["established,related"] = "established,related", ["{ tcp . 22 }"] = "{ tcp . 22 }",
			["{\n22,\n80\n}"] = "{ 22, 80 }", ["1h"] = "1h",
		} do
			assert.equal("<19> == " .. want, rule("define x = " .. value, "tcp dport $x"), value)
		end
	end)

	it("is taken apart in lists", function()
		assert.equal("<19> == { 1, 2, 3, 4 }", rule("define a = { 2, 3 }", "tcp dport { 1, $a, 4 }"))
		assert.equal("<19> == { 1, 2, 3, 4 }", rule("define a = { 2, 3 }\ndefine b = { 1, $a }", "tcp dport { $b, 4 }"))
		assert.equal("<19> == { 1 }", rule("define a = { }", "tcp dport { $a, 1 }"))
		assert.equal("<19> == 1-9", rule("define a = 1", "tcp dport $a - 9"))
		assert.equal("<19> == 10.0.0.0/8", rule("define a = 10.0.0.0\ndefine b = 8", "ip saddr $a/$b"))
		assert.same({ "1", "2", "3" }, elements "define a = { 2, 3 }\ntable t { set s { type mark; elements = { 1, $a } } }")
		assert.same({ "2", "3" }, elements "define a = { 2, 3 }\ntable t { set s { type mark; elements = $a; } }")
		assert.same({ "2 : accept", "3 : accept" }, elements "define a = { 2, 3 }\ntable t { map s { type mark : verdict; elements = { $a : accept } } }")
		assert.same({}, elements "define a = { }\ntable t { set s { type mark; elements = $a; } }")
		assert.same({ "1 : accept", "2 : goto x" }, elements "define c = x\ndefine a = { 1 : accept, 2 : goto $c }\nadd element t m $a")
	end)

	it("stands in the text of the rule", function()
		assert.same({ 'iifname "eth0" tcp dport { 22, { 80, 90 } } accept' },
			rules 'define wan = "eth0"\ndefine a = { 80,\n 90 }\ndefine b = { 22, $a } # b\ntable t { chain c { iifname $wan tcp dport $b accept } }')
	end)

	it("names chains, and fills in prefixes", function()
		assert.equal("jump x", of("elements", "define c = x\nadd element t m { 1 : jump $c }").elements[1]:sub(5))
		assert.same({ "jump x" }, rules "define c = x\ntable t { chain d { jump $c } }")
		assert.is_nil(of("rule", 'define a = "in"\ntable t { chain c { log prefix "$a: $a-x" } }').error)
		assert.matches("nothing defines %$b here", rule("define a = 1", 'log prefix "$b"'))
		assert.matches("is no text", rule("define a = { 1 }", 'log prefix "$a"'))
	end)

	it("has scopes as blocks are", function()
		assert.same({ "tcp dport 4", "tcp dport 1" }, rules "define p = 1\ntable t { chain c { redefine p = 4; tcp dport $p } ; chain d { tcp dport $p } }")
		assert.same({ "tcp dport 1", "tcp dport 1" }, rules "define p = 1\ntable t { chain c { tcp dport $p } ; chain d { undefine p }; chain e { tcp dport $p } }")
		assert.same({ "tcp dport 1", "tcp dport 2", "tcp dport { 2, 7 }" },
			rules "define p = 1\nadd rule t c tcp dport $p\nredefine p = 2\nadd rule t c tcp dport $p\nredefine p = { $p, 7 }\nadd rule t c tcp dport $p")
		assert.same({ "tcp dport 3" }, rules "table t { chain c { define p = 1; } ; }\ndefine p = 3\nadd rule t c tcp dport $p")
		local c = of("rule", "table t { define p = 1; }\nadd rule t c tcp dport $p")
		assert.same({ "p", "tcp dport $p" }, { c.param, c.rule })
	end)

	it("is not said twice", function()
		assert.equal("test.nft:2:8: p is defined already, use `redefine` for a new value", (message "define p = 1\ndefine p = 2"))
		assert.matches("p is defined already", (message "define p = 1\ntable t { chain c { define p = 2; } }"))
		assert.same({ "tcp dport 2" }, rules "define p = 1\nundefine p\ndefine p = 2\nadd rule t c tcp dport $p")
	end)

	it("comes from outside, and can be said again", function()
		assert.same({ "tcp dport 5", "iifname eth0" }, rules("add rule t c tcp dport $p\nadd rule t c iifname $if", { define = { "p=5", "if=eth0" } }))
		assert.matches("expected NAME=VALUE", (message("", { define = { "p" } })))
	end)

	it("knows the longest name", function()
		assert.equal("<19> == 7", rule("define a-b = 7\ndefine a = 1", "tcp dport $a-b"))
		assert.equal("<19> == 7", rule("define a/8 = 7\ndefine a = 1", "tcp dport $a/8"))
	end)

	it("is refused with the reason", function()
		assert.equal("test.nft:2:17: nothing defines $pots here; did you mean $ports?", (message "define ports = 1\ndefine x = { 1, $pots }"))
		assert.equal(1, select(2, message "define x = $y\ndefine z = { $x, 1 }\n"))
		for _, text in ipairs { "define = 1", "define a 1", "define a =", "define a = \n1", "define 1a = 1", "define a = { 1", "define a = 1 2", "define a = { 1 } x", "undefine" } do
			assert.is_nil(parse(text), text)
		end
	end)

	it("does not grow without bounds", function()
		local t = { "define a0 = { 1, 2 }" }
		for i = 1, 40 do
			t[#t + 1] = ("define a%d = { $a%d, $a%d }"):format(i, i - 1, i - 1)
		end
		local text = table.concat(t, "\n")
		local start = os.clock()
		assert.matches("nested too deep", elements(text .. "\nadd element t s $a40"))
		assert.matches("too large", rules(text .. "\nadd rule t c tcp dport $a20")[1])
		assert.matches("too long", elements(text .. "\nadd element t s { $a22, $a22, $a22, $a22 }"))
		for i = #t, 16, -1 do
			t[i] = nil
		end
		t[#t + 1] = "add rule t c tcp dport $a14"
		t[#t + 1] = "add element t s $a14"
		local cmds = parse(table.concat(t, "\n"))
		assert.equal(32768, #cmds[2].elements)
		assert.is_true(os.clock() - start < 20)
	end)
end)

describe("values from outside", function()
	local params = { one = "192.0.2.1", list = { "1", "2*", 3 }, live = true }

	it("stay names in rules", function()
		local c = of("rule", "add rule t c ip saddr $addr", { params = params })
		assert.same({ "addr", "ip saddr $addr" }, { c.param, c.rule })
	end)

	it("are data in elements", function()
		assert.same({ "$one", '"1"', '"2\\x5c*"', "3", "$live" }, elements("add element t s { $one, $list, $live }", { params = params }))
	end)

	it("stand in sizes and times", function()
		local s = of("set", "add set t s { type mark; size $n; timeout $d; }", { params = { n = 5, d = "1h" } })
		assert.same({ 5, 3600000 }, { s.size, s.timeout })
		assert.matches("nothing defines %$m here; did you mean %$mm", (message("add set t s { type mark; size $m; }", { params = { mm = 5 } })))
	end)
end)

describe("include", function()
	it("continues the block it stands in", function()
		local files = {
			defs = { "define p = 22" }, ["*.nft"] = { "add chain t x", "add chain t y" },
			chains = { "chain a { accept; }\nchain b { include \"rules\"; }" }, rules = { "tcp dport $p accept\ndrop" },
		}
		assert.same({ "add chain ip t x", "add chain ip t y", "add table ip t", "add chain ip t a", "add chain ip t b", "add rule ip t a accept",
			"add rule ip t b tcp dport 22 accept", "add rule ip t b drop" },
			lines('include "defs"\ninclude "*.nft"\ntable t { include "chains"; }', { files = files }))
	end)

	it("tells errors of the included file in its place", function()
		assert.equal("bad#1:2:1: unexpected `foo`, expected a command, like `table …` or `add rule …`",
			(message('include "bad"', { files = { bad = { "\nfoo" } } })))
		assert.equal("x#1:1:1: this `}` closes nothing", (message('table t { include "x"; }', { files = { x = { "}" } } })))
		assert.equal("test.nft:1:9: there is no file nope", (message('include "nope"', { files = {} })))
		assert.matches("files can not be included here", (message 'include "x"'))
	end)

	it("is bounded", function()
		assert.matches("does one include itself", (message('include "a"', { files = { a = { 'include "a"' } } })))
		assert.matches("more than 1024 files are included", (message('include "a"', { files = { a = { 'include "b";include "b"' }, b = { ('include "c";'):rep(600) }, c = { "" } } })))
	end)
end)

describe("files on disk", function()
	local dir

	local function write(name, text, mode)
		local path = dir .. "/" .. name
		local f = assert(io.open(path, "w"))
		f:write(text)
		f:close()
		os.execute(("chmod %s '%s'"):format(mode or "644", path))
		return path
	end

	setup(function()
		local p = io.popen "mktemp -d"
		dir = p:read "l"
		p:close()
		os.execute(("chmod 755 %s && mkdir -p %s/d/sub %s/out"):format(dir, dir, dir))
		write("d/b.nft", "B")
		write("d/a.nft", "A")
		write("d/C.nft", "C")
		write("d/.hidden.nft", "H")
		write("d/sub/x.nft", "X")
		write("d/open.conf", "O", "666")
		write("out/secret.nft", "S")
		os.execute(("ln -s ../out/secret.nft %s/d/link.lnk; ln -s a.nft %s/d/inner.lnk; ln -s ../out %s/d/outdir"):format(dir, dir, dir))
	end)

	teardown(function()
		os.execute("rm -r '" .. dir .. "'")
	end)

	local function texts(pattern, from, confined, ...)
		local t, why = file.include(pattern, from, confined, ...)
		if not t then
			return why
		end
		local out = {}
		for i = 2, #t, 2 do
			out[#out + 1] = t[i]
		end
		return table.concat(out)
	end

	it("come sorted, without hidden ones", function()
		assert.equal("CAB", texts(dir .. "/d/*.nft", "x", false))
		assert.equal("AB", texts("[ab].nft", "x", false, dir .. "/d"))
		assert.equal("", texts(dir .. "/none/*", "x", false))
		assert.equal("", texts(dir .. "/d/sub", "x", false))
		assert.equal("A", texts("a.nft", "x", false, dir .. "/out", dir .. "/d"))
		assert.equal("there is no file nope.nft", texts("nope.nft", "x", false, dir .. "/d"))
		assert.equal("/dev/null is no regular file", texts("/dev/null", "x", false))
	end)

	it("are confined to folders for a daemon", function()
		local d = dir .. "/d"
		assert.equal("A", texts("a.nft", d .. "/main.nft", true, d))
		assert.equal("X", texts("x.nft", d .. "/sub/main.nft", true, d))
		assert.equal("A", texts("a.nft", d .. "/sub/main.nft", true, d))
		assert.equal("A", texts(d .. "/a.nft", "pack", true, d))
		assert.equal("CAB", texts("*.nft", d .. "/main.nft", true, d))
		assert.equal("A", texts("inner.lnk", d .. "/main.nft", true, d))
		assert.matches("leads out of", texts("link.lnk", d .. "/main.nft", true, d))
		assert.matches("leads out of", texts("outdir/secret.nft", d .. "/main.nft", true, d))
		assert.matches("leads out of", texts("outdir/*.nft", d .. "/main.nft", true, d))
		assert.matches("`..` can not be included here", texts("../out/secret.nft", d .. "/main.nft", true, d), 1, true)
		assert.matches("lies outside", texts(dir .. "/out/secret.nft", d .. "/main.nft", true, d))
		assert.matches("lies outside", texts("/etc/passwd", d .. "/main.nft", true, d))
		assert.matches("can be written by everybody", texts("open.conf", d .. "/main.nft", true, d))
		assert.matches("there is no file", texts("secret.nft", dir .. "/out/main.nft", true, d))
	end)
end)

describe("errors", function()
	it("are told all at once, in the order of the text, also those of rules", function()
		local _, errors, n = parse [[
table t {
	chain c {
		tcp dprot 22
		policy drp
		accept
	}
	st s { type mark; }
	set u { type nonsense; flags foo; }
}
add rule t c foo
bogus
]]
		local got = {}
		for at in errors:gmatch "test.nft:(%d+:%d+): " do
			got[#got + 1] = at
		end
		assert.same({ "3:7", "4:10", "7:2", "8:15", "8:31", "10:14", "11:1" }, got)
		assert.equal(6 + 1, n)
	end)

	it("show the line and a caret", function()
		local _, errors = parse "table t {\n\tchain c { type filter hook inputt priority 0; }\n}"
		assert.equal('test.nft:2:29: no hook "inputt" in family ip; did you mean "input"?\n     chain c { type filter hook inputt priority 0; }\n' ..
			"                                ^^^^^^", errors)
	end)

	it("are counted when there are many", function()
		local _, errors, n = parse(("foo\n"):rep(50))
		assert.equal(50, n)
		assert.matches("30 more errors$", errors)
		assert.equal(20, select(2, errors:gsub("test.nft:%d+:", "")))
	end)

	it("know their line in long texts", function()
		local text = ("# a comment of some length\n"):rep(5000) .. "foo\n" .. ("x"):rep(9000) .. " y z"
		local _, errors = parse(text)
		assert.matches("^test.nft:5001:1: ", errors)
		text = "table t { chain c {\n" .. ("accept\n"):rep(3000) .. "foo\n}\n}"
		local last
		for _, c in ipairs(parse(text)) do
			last = c
		end
		assert.matches("^test.nft:3002:1: ", last.error)
	end)

	it("tell of blocks that are never closed once", function()
		local e, n = message "table t {\n chain c {\n accept\n"
		assert.equal("test.nft:2:10: this block is never closed", e)
		assert.equal(1, n)
	end)

	it("tell of bytes that no text has", function()
		assert.matches("a NUL byte in the text", (message "table t\0"))
		assert.matches("byte 0xff", (message "table \255"))
		assert.matches("the quote is never closed", (message 'table t { comment "x }'))
	end)

	it("propose what a chain's line was meant to be", function()
		local c = of("rule", "table t { chain c { polcy accept; } }")
		assert.matches("unexpected `polcy`; did you mean `policy`?", c.error, 1, true)
	end)

	it("do not grow with the square of the text", function()
		for _, text in ipairs {
			("x;"):rep(100000), ("table t { chain c {"):rep(20000), ("{"):rep(100000), ("table t { set s { elements = {"):rep(10000), ("define a = { "):rep(20000),
			"table t { chain c { " .. ("x "):rep(100000) .. "} }", ("$x "):rep(50000), ('"'):rep(99999), ("}"):rep(50000),
			"add element t s { " .. ("{ "):rep(50000), "add element t s { " .. ("1 . "):rep(50000) .. " }",
		} do
			local start = os.clock()
			parse(text)
			assert.is_true(os.clock() - start < 5, text:sub(1, 30))
		end
	end)
end)
