-- SPDX-License-Identifier: GPL-2.0-or-later
-- Rules made of fields, operators and forms of values, compiled here and by nft: the expressions must be the same.
local nft = require("rnm.core").nft

local function run(command, input)
	local path = os.tmpname()
	local f = assert(io.open(path, "w"))
	f:write(input)
	f:close()
	local p = assert(io.popen(command:format(path)))
	local out = p:read "a"
	p:close()
	os.remove(path)
	return out
end

-- Linux without nft or without namespaces for users: nothing to compare with.
local function usable()
	local out = run("unshare -rn nft -c --debug=netlink -f %s 2>&1", "add table ip t\nadd chain ip t c\nadd rule ip t c counter\n")
	return out:find("counter pkts 0", 1, true) ~= nil
end

local decl = {
	s4 = { type = "ipv4_addr" },
	s4i = { type = "ipv4_addr", flags = "interval" },
	s6 = { type = "ipv6_addr" },
	sp = { type = "inet_service", flags = "interval" },
	sc = { type = "ipv4_addr . inet_service" },
	sci = { type = "ipv4_addr . inet_service", flags = "interval" },
	sd = { type = "ipv4_addr", flags = "dynamic, timeout" },
	sm = { type = "mark", flags = "interval" },
	m4 = { type = "ipv4_addr", data = "mark" },
	mv = { type = "inet_service", data = "verdict" },
	ma = { type = "ipv4_addr", data = "ipv4_addr" },
	sn = { type = "ifname" },
}

local function preamble(family, spec)
	local t = { ("add table %s t"):format(family), ("add chain %s t c %s"):format(family, spec), ("add chain %s t d"):format(family) }
	for name, s in pairs(decl) do
		t[#t + 1] = ("add %s %s t %s { type %s%s; %s}"):format(s.data and "map" or "set", family, name, s.type,
			s.data and " : " .. s.data or "", s.flags and "flags " .. s.flags:gsub(" ", "") .. "; " or "")
	end
	t[#t + 1] = ("add counter %s t cnt"):format(family)
	return table.concat(t, "\n") .. "\n"
end

-- Text of either side → sorted sets, expressions. Elements have no order, and nft says some twice.
local function canon(text)
	local sets, exprs, cur = {}, {}, nil
	for line in text:gmatch "[^\n]+" do
		local name, flags = line:gsub(" size %d+$", ""):match "^(__%a+%%d) .-(%x+)$"
		if name and flags ~= "0" then
			cur = { name, flags, {} }
			sets[#sets + 1] = cur
		elseif line:find "^\telement" then
			local seen = {}
			line = line:gsub("%s*userdata = {[^}]*}", "")
			for e in (line .. "\t"):gmatch "element%s*(.-)%s*%[end%]" do
				e = e:gsub("%s+", " ")
				e = e:gsub(": %S+ 0$", cur[1] == "__objmap%d" and ": 0" or "%0") -- nft shows no names
				if not e:find "^[0 ]+: 1$" and not seen[e] then
					seen[e] = true
					cur[3][#cur[3] + 1] = e
				end
			end
			table.sort(cur[3])
		elseif line:find "^  %[" then
			exprs[#exprs + 1] = line:gsub("%s+", " ")
		end
	end
	for i, s in ipairs(sets) do
		sets[i] = table.concat({ s[1], s[2], table.concat(s[3], ", ") }, " ")
	end
	table.sort(sets)
	return table.concat(sets, "\n") .. "\n" .. table.concat(exprs, "\n")
end

-- The complaints of nft go into the middle of its output, so they are asked for only where they matter.
local function ask(family, spec, rules, complaints)
	local t = { (preamble(family, spec)) }
	for _, rule in ipairs(rules) do
		t[#t + 1] = ("add rule %s t c %s\n"):format(family, rule)
	end
	return run("TZ=UTC unshare -rn nft -c --debug=netlink -f %s " .. (complaints and "2>&1" or "2>/dev/null"), table.concat(t))
end

-- What nft makes of each rule: its sets come before the line that names the chain.
local function blocks(family, text)
	local list, ahead, cur = {}, {}, nil
	for line in text:gmatch "[^\n]+" do
		if line:find("^" .. family .. " t c") then
			cur = ahead
			list[#list + 1], ahead = cur, {}
		elseif line:find "^__" or line:find "^\telement" then
			ahead[#ahead + 1] = line
		elseif cur and line:find "^  %[" then
			cur[#cur + 1] = line
		end
	end
	for k, b in ipairs(list) do
		list[k] = canon(table.concat(b, "\n"))
	end
	return list
end

local function same(family, rule, want)
	local text, message = nft.compile { family = family, text = rule, sets = decl, devices = { lo = 1 } }
	if not text then
		return ("%s: %s: %s"):format(family, rule, message)
	end
	local have = canon(text)
	if have ~= want then
		return ("%s: %s\nhave:\n%s\nwant:\n%s"):format(family, rule, have, want)
	end
end

-- What nft makes of rules[from] to rules[to]; one that it does not take hides the rest, so halves are asked.
local function ask_all(family, spec, rules, from, to, out)
	local part = table.move(rules, from, to, 1, {})
	local list = blocks(family, ask(family, spec, part))
	if #list == #part then
		table.move(list, 1, #list, from, out)
	elseif from < to then
		local middle = (from + to) // 2
		ask_all(family, spec, rules, from, middle, out)
		ask_all(family, spec, rules, middle + 1, to, out)
	end
	return out
end

local function check(family, spec, rules)
	local bad, list = {}, ask_all(family, spec, rules, 1, #rules, {})
	for k, rule in ipairs(rules) do
		if not list[k] then
			bad[#bad + 1] = ("nft does not take it: %s: %s"):format(rule, ask(family, spec, { rule }, true):match "Error[^\n]*" or "?")
		else
			bad[#bad + 1] = same(family, rule, list[k])
		end
	end
	assert(#bad == 0, #bad .. " of " .. #rules .. " differ:\n" .. table.concat(bad, "\n", 1, math.min(#bad, 20)))
end

local input = "{ type filter hook input priority 0; }"

-- field → three values in ascending order
local numbers = {
	["ip length"] = { 20, 40, 1500 }, ["ip id"] = { 1, 7, 9 }, ["ip ttl"] = { 1, 64, 255 }, ["ip checksum"] = { 1, 2, 3 },
	["ip hdrlength"] = { 5, 6, 15 }, ["ip version"] = { 4, 5, 6 }, ["ip dscp"] = { 8, "0x20", 46 }, ["ip frag-off"] = { 1, 2, 8 },
	["ip protocol"] = { 1, 6, 17 }, ["ip ecn"] = { 1, 2, 3 },
	["ip6 hoplimit"] = { 1, 64, 255 }, ["ip6 nexthdr"] = { 6, 17, 58 }, ["ip6 flowlabel"] = { 1, 2, 0xfffff }, ["ip6 length"] = { 1, 2, 3 },
	["ip6 dscp"] = { 8, 16, 24 },
	["tcp sport"] = { 1, 80, 65535 }, ["tcp dport"] = { 22, 80, 443 }, ["tcp sequence"] = { 1, 2, 3 }, ["tcp ackseq"] = { 1, 2, 3 },
	["tcp doff"] = { 5, 6, 15 }, ["tcp window"] = { 1, 2, 3 }, ["tcp checksum"] = { 1, 2, 3 }, ["tcp urgptr"] = { 1, 2, 3 },
	["udp sport"] = { 1, 53, 123 }, ["udp dport"] = { 1, 53, 123 }, ["udp length"] = { 8, 9, 10 }, ["udp checksum"] = { 1, 2, 3 },
	["udplite csumcov"] = { 1, 2, 3 }, ["dccp dport"] = { 1, 2, 3 }, ["sctp dport"] = { 1, 2, 3 }, ["sctp vtag"] = { 1, 2, 3 },
	["icmp type"] = { 0, 3, 8 }, ["icmp code"] = { 0, 1, 3 }, ["icmp id"] = { 1, 2, 3 }, ["icmp mtu"] = { 1, 2, 3 },
	["icmpv6 type"] = { 1, 128, 129 }, ["icmpv6 mtu"] = { 1280, 1400, 1500 }, ["icmpv6 id"] = { 1, 2, 3 }, ["icmpv6 max-delay"] = { 1, 2, 3 },
	["igmp type"] = { 17, 18, 22 }, ["igmp mrt"] = { 1, 2, 3 }, ["igmp group"] = { 1, 2, 3 }, ["ah spi"] = { 1, 2, 3 },
	["ah sequence"] = { 1, 2, 3 }, ["esp spi"] = { 1, 2, 3 }, ["comp cpi"] = { 1, 2, 3 }, ["th dport"] = { 1, 2, 3 },
	["@nh,96,32"] = { 1, 2, 3 }, ["@th,0,16"] = { 1, 2, 3 }, ["@ll,0,12"] = { 1, 2, 3 }, ["@nh,4,4"] = { 1, 2, 3 },
	["vlan id"] = { 1, 42, 4095 }, ["vlan pcp"] = { 1, 2, 7 },
	["meta length"] = { 1, 2, 3 }, ["meta mark"] = { 1, 2, 3 }, ["meta priority"] = { "1:1", "1:2", "2:ffff" }, ["meta cpu"] = { 0, 1, 2 },
	["meta skuid"] = { 1, 2, 3 }, ["meta skgid"] = { 1, 2, 3 }, ["meta iifgroup"] = { 1, 2, 3 }, ["meta cgroup"] = { 1, 2, 3 },
	["meta rtclassid"] = { 1, 2, 3 }, ["meta l4proto"] = { 1, 6, 17 },
	["ct mark"] = { 1, 2, 3 }, ["ct expiration"] = { "1s", "1m", "2h" }, ["ct zone"] = { 1, 2, 3 }, ["ct bytes"] = { 1, 2, 3 },
	["ct original packets"] = { 1, 2, 3 }, ["ct reply avgpkt"] = { 1, 2, 3 }, ["ct id"] = { 1, 2, 3 },
	["rt mtu"] = { 1, 2, 3 }, ["rt classid"] = { 1, 2, 3 }, ["socket mark"] = { 1, 2, 3 },
	["frag id"] = { 1, 2, 3 }, ["frag frag-off"] = { 1, 2, 3 }, ["hbh nexthdr"] = { 1, 2, 3 }, ["mh type"] = { 1, 2, 3 },
	["srh tag"] = { 1, 2, 3 }, ["rt type"] = { 0, 1, 2 }, ["dst hdrlength"] = { 1, 2, 3 },
	["tcp option maxseg size"] = { 1, 2, 3 }, ["tcp option sack1 left"] = { 1, 2, 3 }, ["ip option ra value"] = { 1, 2, 3 },
	["sctp chunk data tsn"] = { 1, 2, 3 }, ["fib daddr type"] = { 1, 2, 3 },
	["ip saddr"] = { "10.0.0.1", "10.0.0.9", "192.0.2.7" }, ["ip6 daddr"] = { "::1", "2001:db8::1", "fe80::9" },
	["ether saddr"] = { "02:00:00:00:00:01", "02:00:00:00:00:02", "02:00:00:00:00:03" },
	["ct original ip saddr"] = { "10.0.0.1", "10.0.0.9", "192.0.2.7" },
}

local forms = {
	"F A", "F != A", "F A-B", "F != A-C", "F { A, C }", "F != { A, B }", "F { A-B, C }", "F > A", "F <= C", "F lt B",
	"F vmap { A : accept, B : jump d }", "F vmap { A-B : drop, C : return }", "meta mark set F map { A : 1, C : 2 }",
	"F . meta iifname { A . \"a\", B . \"b\" }", "meta iifname . F { \"a\" . A-B, \"b\" . C }",
	"tcp dport 22 F A counter", "F A F B", "F A drop",
}

-- What nft 1.0.6 itself gets wrong, or has no notation for.
local function known(field, form)
	if form:find(". F", 1, true) or form:find("F .", 1, true) then
		if field == "ip6 dscp" or field == "frag frag-off" or field == "rt mtu" or field == "@ll,0,12" then
			return true
		end
	end
	if field == "ct reply avgpkt" or field == "meta priority" then
		return form:find("-", 1, true) or form:find("vmap", 1, true)
	end
	if (field == "ip6 dscp" or field == "frag frag-off") and form:find("map", 1, true) then
		return true
	end
	-- swaps the two bytes of one
	if field == "meta l4proto" and form:find(". F", 1, true) then
		return true
	end
	-- not in its grammar
	if form:find("set F", 1, true) and ({ dst = 1, frag = 1, hbh = 1, mh = 1, rt = 1, srh = 1, fib = 1 })[field:match "^%w+"] then
		return true
	end
	-- another transport protocol
	local proto = field:match "^(%w+)"
	if form:find("tcp dport", 1, true) and ({ udp = 1, udplite = 1, dccp = 1, icmp = 1, icmpv6 = 1, igmp = 1, ah = 1, esp = 1, comp = 1 })[proto] then
		return true
	end
	if form:find("tcp dport", 1, true) and field:find "^sctp [dv]" then
		return true
	end
	return form == "F A F B" and (field:find "^ip protocol" or field:find "nexthdr$" or field:find "^icmp" or field:find "l4proto")
end

describe("compiled like nft:", function()
	if not usable() then
		pending "nft or network namespaces are missing"
		return
	end

	local keys = {}
	for field in pairs(numbers) do
		keys[#keys + 1] = field
	end
	table.sort(keys)

	for _, field in ipairs(keys) do
		it(field, function()
			local v, rules = numbers[field], {}
			for _, form in ipairs(forms) do
				if not known(field, form) then
					rules[#rules + 1] = (form:gsub("%f[%w]F%f[%W]", field):gsub("%f[%w]A%f[%W]", v[1])
						:gsub("%f[%w]B%f[%W]", v[2]):gsub("%f[%w]C%f[%W]", v[3]))
				end
			end
			check("inet", input, rules)
		end)
	end

	it("sets of bits", function()
		check("inet", input, {
			"tcp flags syn", "tcp flags == syn", "tcp flags != syn,ack", "tcp flags syn,ack", "tcp flags ! fin",
			"tcp flags & (syn|ack) == syn", "tcp flags & (fin|syn|rst|ack) == syn", "tcp flags syn / fin,syn,rst,ack",
			"tcp flags != syn / syn,ack", "tcp flags { syn, ack, syn|ack }", "tcp flags & syn != 0", "tcp flags vmap { syn : drop, ack : accept }",
			"ct state new", "ct state established,related", "ct state != invalid", "ct state ! new", "ct state { new, established }",
			"ct state vmap { invalid : drop, established : accept, related : accept }", "ct status snat,dnat", "ct status & dnat == dnat",
			"ct label 5", "ct event set new,destroy", "ct state . ct mark { new . 1, established . 2 }",
		})
	end)

	it("operators", function()
		check("inet", input, {
			"meta mark & 0xff == 1", "meta mark and 0xff != 1", "meta mark | 1 == 3", "meta mark ^ 1 == 3", "meta mark & 0xff { 1, 2-3 }",
			"ip saddr & 255.255.255.0 == 10.0.0.0", "ip6 saddr & ffff:: == 2001::", "ip saddr & 0.0.0.255 1.2.3.4",
			"ether saddr & ff:ff:ff:00:00:00 == 02:00:00:00:00:00", "meta mark set ct mark and 0xff or 0x100",
			"meta mark set meta mark << 3", "ct mark set (meta mark & 0xff) << 8", "meta mark set 0x10 | 0x3", "meta mark set ct mark xor 0x5",
			"ct mark set ct mark & 0xffff0000 | 0xaa", "meta mark & 0xff00 > 0x100", "ip ttl & 1 == 1", "ip frag-off & 0x1fff != 0",
			"@ll,0,8 & 0x80 == 0x80", "ct mark & 0x3 vmap { 1 : drop, 2 : accept }",
		})
	end)

	it("prefixes and names", function()
		check("inet", input, {
			"ip saddr 10.0.0.0/8", "ip saddr != 10.0.0.0/8", "ip saddr 10.0.0.0/12", "ip saddr 192.0.2.1/32", "ip saddr 10.0.0.0/31",
			"ip6 saddr fe80::/10", "ip6 saddr 2001:db8::/32", "ip6 saddr ::1/128", "ip6 saddr != 2001:db8::/33", "meta mark 0xff000000/8",
			"ct original ip daddr 10.0.0.0/8", "rt ip nexthop 10.0.0.0/12",
			"ip saddr { 10.0.0.0/8, 192.0.2.1, 192.0.2.2-192.0.2.9 }", "ip saddr { 10.0.0.0/9, 10.128.0.0/9 }",
			"ip saddr { 10.0.0.0/8, 10.1.0.0/16, 10.200.0.0-11.0.0.0 }", "ip6 saddr { ::/0 }", "ip saddr { 0.0.0.0/1, 128.0.0.0/1 }",
			"ip saddr { 255.255.255.255, 255.0.0.0/8 }", "tcp dport { 0-10, 65000-65535 }",
			"ip saddr . tcp dport { 10.0.0.0/8 . 22, 192.0.2.1-192.0.2.9 . 80-443 }", "ip saddr . ip daddr { 1.1.1.1 . 2.2.2.2, 1.1.1.1 . 2.2.2.2 }",
			"iif lo", "iif != lo", "oif lo", "iif { lo }", "iifname lo", "iifname \"eth*\"", "iifname != \"eth*\"", "oifname { \"a\", \"b\" }",
			"iifname { \"eth*\", \"lo\" }", "iifname . oifname { \"a\" . \"b\", \"c\" . \"d\" }", "iifname vmap { \"wg*\" : drop, lo : accept }",
			"meta iifname . ip saddr { \"a\" . 10.0.0.0/8 }", "iifname \"eth\\*\"", "meta pkttype { broadcast, multicast }", "meta day Saturday",
			"meta hour \"10:00\"-\"12:00\"", "meta hour \"22:00\"-\"06:00\"", "meta time > \"2022-07-01 11:00:00\"", "meta ipsec exists",
			"meta secpath missing", "ct direction reply", "ct helper \"ftp\"", "ct l3proto ipv4", "rt ipsec exists", "osf name \"Linux\"",
			"fib saddr . iif oif missing", "fib saddr oif exists", "fib daddr . iif type local", "fib saddr . mark . iif oifname \"lo\"",
			"socket transparent 1", "socket wildcard 0", "ipsec in reqid 1", "ipsec out spnum 1 ip saddr 1.2.3.4", "rt ip nexthop 1.1.1.1",
			"exthdr hbh exists", "exthdr frag missing", "tcp option sack-perm exists", "tcp option 255 missing", "tcp option @5,16,8 1",
			"ip option lsrr exists", "sctp chunk init missing", "numgen inc mod 10 3", "numgen random mod 5 offset 2 > 3",
			"jhash ip saddr . tcp dport mod 4 seed 0xabc 2", "jhash ip saddr mod 3 offset 5 6", "symhash mod 3 1", "rt0 addr[1] ::1", "srh sid[1] ::1",
		})
	end)

	it("implied headers", function()
		check("inet", input, {
			"icmp type echo-request", "icmpv6 type echo-request", "icmp type echo-request icmp id 1", "icmp id 1 icmp sequence 2", "icmp gateway 1",
			"ip saddr 1.1.1.1 icmp type 8", "icmp type 8 ip saddr 1.1.1.1", "meta l4proto icmp icmp type 8", "ip protocol icmp icmp type 8",
			"ip protocol tcp tcp dport 22", "ip6 nexthdr tcp tcp dport 22", "meta l4proto tcp tcp dport 22", "meta l4proto tcp ip saddr 1.1.1.1",
			"meta nfproto ipv4 ip saddr 1.1.1.1", "meta nfproto ipv6 tcp dport 22", "meta protocol ip udp dport 67", "meta protocol ip ip saddr 1.1.1.1",
			"ether type ip ip saddr 1.1.1.1", "ether saddr 02:00:00:00:00:01 ip saddr 1.1.1.1", "vlan id 5 ip saddr 1.1.1.1 udp dport 53",
			"ether type vlan vlan id 5 vlan type ip", "tcp dport 22 frag id 1", "tcp dport 22 ip option ra exists", "ip protocol { tcp, udp } th dport 53",
			"ip protocol != tcp udp dport 53", "ip protocol tcp counter tcp dport 22", "ip saddr . tcp dport { 1.1.1.1 . 22 }",
			"ether saddr . ip saddr { 02:00:00:00:00:01 . 1.1.1.1 }", "meta l4proto { tcp, udp } th dport { 53, 123 }", "ct l3proto ipv4 ct original saddr 1.2.3.4",
			"tcp sport 1 tcp dport 2", "udp sport 1 udp dport 2 udp length 3 udp checksum 4", "ip saddr 1.1.1.1 ip daddr 2.2.2.2",
			"ip ttl 1 ip protocol 6", "tcp dport 2 tcp sport 1", "tcp sport 1 iif lo tcp dport 2", "ip id 1 ip length 2", "icmp code 1 icmp type 2",
			"ether saddr 02:00:00:00:00:01 ether daddr 02:00:00:00:00:02", "tcp sport 1 tcp dport != 2", "ip saddr 1.1.1.1 counter ip daddr 2.2.2.2",
			"tcp dport 22 tcp sport 1 tcp dport 33", "th sport 1 th dport 2", "@th,0,16 1 @th,16,16 2",
		})
		check("ip", input, {
			"meta protocol ip", "meta protocol ip accept", "meta protocol ip tcp dport 22", "meta protocol ip6 tcp dport 22", "ether saddr 02:00:00:00:00:01",
			"vlan id 5", "icmp type 8", "icmpv6 type 1", "ct original saddr 1.2.3.4", "rt nexthop 1.1.1.1", "ip option rr exists",
		})
		check("ip6", input, { "icmpv6 type 1", "ip6 saddr ::1", "frag id 1", "rt nexthop ::1", "meta protocol ip6 accept", "icmpv6 type packet-too-big icmpv6 mtu 1280" })
		check("bridge", "", {
			"ip saddr 1.1.1.1", "ether saddr 02:00:00:00:00:01 ip saddr 1.1.1.1", "vlan id 5", "vlan id 5 vlan pcp 2", "vlan id 1 ip saddr 10.0.0.0/23 udp dport 53",
			"arp operation request", "icmp type 8", "icmpv6 type 1", "tcp dport 22", "ether type ip tcp dport 22", "meta protocol ip ip saddr 1.1.1.1",
			"ether type vlan vlan type ip6 ip6 saddr ::1", "meta protocol { ip, ip6, arp }",
		})
		check("arp", "", {
			"arp operation request", "arp saddr ip 1.1.1.1", "arp saddr ether 02:00:00:00:00:01 arp saddr ip 1.1.1.1", "arp htype 1 arp ptype ip arp hlen 6",
			"arp daddr ip { 1.1.1.1, 10.0.0.0/8 }", "meta mark set 1",
		})
		check("netdev", "", { "ip saddr 1.1.1.1 tcp dport 22", "vlan id 5 ip saddr 1.1.1.1", "arp operation 1", "icmp type 8", "ether saddr 02:00:00:00:00:01 ip saddr 1.1.1.1" })
	end)

	it("named sets and maps", function()
		check("inet", input, {
			"ip saddr @s4", "ip saddr != @s4i", "ip6 daddr @s6", "tcp dport @sp", "ip saddr . tcp dport @sc", "ip saddr . tcp dport != @sci", "meta mark @sm",
			"meta mark set ip saddr map @m4", "tcp dport vmap @mv", "iifname @sn", "add @sd { ip saddr }", "update @sd { ip saddr timeout 1h }",
			"update @sd { ip saddr limit rate 1/second }", "add @sd { ip saddr counter }", "delete @sd { ip saddr }", "update @sd { ip saddr ct count over 3 }",
			"counter name cnt", "counter name tcp dport map { 22 : \"cnt\", 80-90 : \"cnt\" }",
		})
	end)

	it("statements", function()
		check("inet", input, {
			"accept", "drop", "return", "continue", "jump d", "goto d", "counter", "counter packets 1 bytes 2", "log", "log prefix \"a b\"", "log level warn",
			"log prefix \"x\" level debug flags all", "log group 2 snaplen 33 queue-threshold 4", "log flags tcp sequence,options flags ip options",
			"limit rate 10/second", "limit rate over 400/minute burst 10 packets", "limit rate 1 mbytes/hour burst 2 kbytes", "quota over 100 mbytes",
			"quota 1 kbytes used 10 bytes", "ct count over 10", "ct count 20", "reject", "reject with tcp reset", "reject with icmp host-unreachable",
			"reject with icmpv6 no-route", "reject with icmpx admin-prohibited", "meta nfproto ipv4 reject", "ip6 saddr ::1 reject", "tcp dport 22 reject with tcp reset",
			"meta l4proto udp reject with icmp port-unreachable", "meta mark set 5", "meta priority set 1:2", "meta nftrace set 1", "meta pkttype set host",
			"ct mark set 5", "ct zone set 5", "ct original zone set 5", "ct label set 5", "ip dscp set cs1", "ip6 dscp set cs1", "ip6 flowlabel set 5", "ip ecn set ce",
			"ip ttl set 3", "ip saddr set 1.2.3.4", "ip protocol set 6", "tcp dport set 22", "udp checksum set 0", "vlan id set 5", "ether saddr set 02:00:00:00:00:01",
			"ip6 hoplimit set 5", "@nh,8,8 set 1", "@nh,0,12 set 1", "@ih,58,6 set 1", "tcp flags set syn", "icmp code set 1", "tcp option maxseg size set 1400",
			"tcp option maxseg size set rt mtu", "reset tcp option timestamp", "synproxy mss 1460 wscale 7 timestamp sack-perm", "notrack",
			"meta mark set tcp dport map { 1 : 5, 2-4 : 6 }", "meta mark set ip saddr . tcp dport map { 1.1.1.1 . 1 : 5, 2.0.0.0/8 . 2-4 : 6 }",
			"ip saddr set ip saddr map { 1.1.1.1 : 2.2.2.2 }", "meta mark set numgen inc mod 2", "meta mark set jhash ip saddr mod 3", "ct mark set symhash mod 2 offset 100",
			"meta priority set ip dscp map { cs1 : 1:5, cs2 : 1:6 }", "ct mark set ip6 saddr map { ::1 : 1 }", "ct helper set \"x\"", "queue num 3", "queue num 1-3 bypass,fanout",
			"queue flags bypass to 1-3", "queue to symhash mod 3", "meta l4proto tcp tproxy to :80", "meta l4proto tcp tproxy ip to 1.1.1.1:80",
			"tcp dport vmap { 1 : accept, 2-5 : goto d, * : drop }", "tcp dport { 1, 2 } counter accept comment \"x\"", "flow add @ft",
		})
		check("ip", "{ type nat hook prerouting priority -100; }", {
			"dnat to 10.0.0.1", "dnat to 10.0.0.1-10.0.0.9", "tcp dport 80 dnat to 10.0.0.1:8080", "tcp dport 80 dnat to 10.0.0.1-10.0.0.2:80-90", "dnat to 10.0.0.0/24",
			"dnat prefix to 10.0.0.0/24", "tcp dport 80 dnat to :8080", "tcp dport 80 redirect to :8080", "udp dport 53 redirect", "tcp dport 1 redirect to :1-9 random,persistent",
			"dnat to ip saddr map @ma", "dnat to ip saddr map { 1.1.1.1 : 2.2.2.2 }", "dnat to ip saddr map { 1.1.1.1 : 2.2.2.2-2.2.2.9 }", "dnat to 10.0.0.1 fully-random",
			"meta l4proto tcp dnat ip to ip saddr map { 1.1.1.1 : 2.2.2.2 . 80 }", "dnat to numgen inc mod 2 map { 0 : 10.0.0.1, 1 : 10.0.0.2 }",
			"dnat ip to ip saddr . tcp dport map { 1.1.1.1 . 80 : 10.0.0.0/24 . 80-90 }", "tcp dport 80 redirect to :tcp dport map { 22 : 8000 }",
		})
		check("inet", "{ type nat hook postrouting priority 100; }", {
			"masquerade", "masquerade random", "tcp dport 1 masquerade to :1024-2048 persistent", "snat ip to 10.0.0.1", "ip6 saddr ::1 snat to 2001:db8::1",
			"snat ip6 to 2001:db8::1", "tcp dport 1 snat ip6 to [2001:db8::1]:80", "ip saddr 1.1.1.1 snat to 10.0.0.1", "snat ip prefix to ip saddr map { 10.0.0.0/24 : 10.1.0.0/24 }",
		})
		check("ip", "{ type filter hook prerouting priority -300; }", { "dup to 10.0.0.1", "dup to 10.0.0.1 device lo", "notrack" })
		check("netdev", "{ type filter hook ingress device lo priority 0; }", { "fwd to lo", "fwd ip to 10.0.0.1 device lo", "dup to lo" })
	end)

	-- Fields and keys that nft 1.0.6 has no words for, or refuses to compare with constants.
	local unknown_to_nft = {
		"^tcp option .* kind$", "^rt[02] ", "^exthdr rt[02]$", "^exthdr srh$", "^srh sid$", "^icmpv6 parameter%-problem$", "^icmpv6 [td]addr$",
		"secmark$", "^meta oifkind$", "^meta iifkind$",
		"proto%-%a+$", -- of unknown width to it
		"^ip option .* addr$", -- takes numbers only
		"cgroupv2$", -- needs a path that exists
	}
	local by_type = {
		ipv4_addr = { "10.0.0.1", "10.0.0.9" }, ipv6_addr = { "2001:db8::1", "fe80::9" }, ether_addr = { "02:00:00:00:00:01", "02:00:00:00:00:09" },
		ifname = { '"eth0"', '"lo"' }, string = { '"ftp"', '"sip"' }, iface_index = { "1", "9" }, classid = { "1:1", "2:ffff" }, boolean = { "exists", "missing" },
		nf_proto = { "ipv4", "ipv6" }, ct_dir = { "original", "reply" }, hour = { '"01:00"', '"23:59"' }, day = { "1", "6" }, ct_label = { "1", "3" },
	}
	local family_of = { ether = "bridge", vlan = "netdev", arp = "arp", ip6 = "ip6", icmpv6 = "ip6", exthdr = "ip6", hbh = "ip6", frag = "ip6", dst = "ip6", mh = "ip6", srh = "ip6" }
	local spec_of = { netdev = "{ type filter hook ingress device lo priority 0; }", arp = "", bridge = "" }

	local function values(s)
		if s.text == "meta time" then
			return { "1654702400", "1654702500" }
		elseif s.type == "time" then
			return { "1s", "2h" }
		elseif by_type[s.type] then
			return by_type[s.type]
		end
		return { s.bits == 1 and "0" or "1", tostring(s.bits == 1 and 1 or math.tointeger(2 ^ math.min(s.bits, 31)) - 1 - (s.bits > 2 and 1 or 0)) }
	end

	it("every field and key of the tables", function()
		local rules, n = {}, 0
		for _, s in ipairs(nft.selectors()) do
			local unknown = false
			for _, pattern in ipairs(unknown_to_nft) do
				unknown = unknown or s.text:find(pattern) ~= nil
			end
			-- a protocol of the network layer says something only where there are several
			local family = s.text == "meta nfproto" and "inet" or s.text:find "ip6 " and "ip6" or s.text:find "^rt [nhts]" and s.of == "rt" and s.text ~= "rt classid" and s.text ~= "rt mtu" and "ip6" or family_of[s.of] or "ip"
			local ways = { "S A", "S != A", "S { A, B }", "S vmap { A : accept, B : drop }", "S . meta mark { A . 1, B . 2 }" }
			if s.base == "integer" and s.type ~= "boolean" and s.type ~= "nf_proto" and s.type ~= "ct_dir" then -- no ranges of those two
				ways[#ways + 1] = "S A-B"
				ways[#ways + 1] = "S != A-B"
				ways[#ways + 1] = "S { A-B }"
				ways[#ways + 1] = "S >= A"
			end
			for _, form in ipairs(unknown and {} or ways) do
				-- nft takes no type of a width of its own into a concatenation
				local variable = form:find(" . ", 1, true) and (s.type == "bitmask" or s.type == "string" or s.type == "ct_label" or s.type == "ct_event")
				if not variable and not known(s.text, (form:gsub("S", "F"))) then
					local v = values(s)
					rules[family] = rules[family] or {}
					rules[family][#rules[family] + 1] = form:gsub("%f[%w]([SAB])%f[%W]", { S = s.text, A = v[1], B = v[2] })
					n = n + 1
				end
			end
		end
		assert.is_true(n > 2000, n)
		for family, list in pairs(rules) do
			check(family, spec_of[family] or input, list)
		end
	end)
end)
