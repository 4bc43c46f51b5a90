-- SPDX-License-Identifier: GPL-2.0-or-later
local file = require("rnm.core").nft_file
local nft = require "nftfile"
local parse = nft.parse
local lines = nft.lines
local one = nft.one
local of = nft.of
local message = nft.message
local rules = nft.rules
local elements = nft.elements

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

	it("name one rule that is there", function()
		for text, want in pairs {
			["clone rule inet t c handle 4"] = "clone inet t c handle 4 in inet t c",
			["clone rule t c index 4 before index 0"] = "clone ip t c index 4 in ip t c before index 0",
			["clone rule inet t c handle 4 to d"] = "clone inet t c handle 4 to inet t d",
			["clone rule inet t c handle 4 to x d before"] = "clone inet t c handle 4 to inet x d before",
			["clone rule inet t c handle 4 to ip6 x d position 9"] = "clone inet t c handle 4 to ip6 x d after handle 9",
			["clone rule inet t c handle 4 after index 2"] = "clone inet t c handle 4 in inet t c after index 2",
			["disable rule t c handle 4"] = "disable ip t c handle 4", ["disable rule bridge t c index 0"] = "disable bridge t c index 0",
			["enable rule id 3"] = "enable    id 3", ["enable rule inet t c id 3"] = "enable inet t c id 3",
			["enable rule id c handle 3"] = "enable ip id c handle 3", ["delete rule id 3"] = "delete    id 3",
		} do
			local c = one(text)
			assert.equal("switch", c.what)
			assert.equal(want, ("%s %s %s %s %s"):format(c.op, c.op == "delete" and "" or c.table and c.family or "", c.table or "", c.name or "", c.switch))
		end
		assert.equal("rule", one("delete rule id c handle 3").what)
		assert.equal("disabled", one("list disabled").what)
		assert.equal("c", one("list disabled rules inet t c").name)
		for _, bad in ipairs { "clone rule t c", "clone rule t c handle 4 after", "clone chain t c", "disable rule t c", "disable rule t c handle x",
			"enable rule t c", "enable rule id", "clone rule t c handle 4 to", "list disabled t c x" } do
			assert.is_nil((parse(bad)), bad)
		end
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
		assert.equal("test.nft:1:1: unknown command `foo`", (message "foo bar"))
		assert.equal("test.nft:1:1: unknown command `foo`", (message "foo bar # baz"))
		assert.equal("test.nft:1:1: unknown command `bad`", (message "bad 0"))
		assert.equal('test.nft:1:11: "1" does not begin with a letter or _', (message "add table 1x"))
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

	it("needs no separator behind some", function()
		assert.same({ 4, true }, { set("type mark; elements = { 1 } auto-merge flags interval").flags, set("type mark; auto-merge flags interval").auto_merge })
		assert.is_nil(parse "table t { set s { type mark; flags interval auto-merge; } }")
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
		assert.matches("^a set has no values, only a map has", why "type ipv4_addr : mark;")
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
