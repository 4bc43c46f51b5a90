-- SPDX-License-Identifier: GPL-2.0-or-later
-- Fields of headers, each in every form that a value of its kind can stand in.
local numbers = { "1", "7", "5" }
local wide = { "100", "4000", "0x3e8" }

-- { FIELD, values (small, large, another), what it is not good for }; a string of fields shares the values.
local function fields(text, values, not_for)
	local out = {}
	for name in text:gmatch "[^,]+" do
		out[#out + 1] = { name:match "^%s*(.-)%s*$", values, not_for or "" }
	end
	return out
end

local function forms(f, out)
	local name, v, not_for = f[1], f[2], f[3]
	local a, b, c = v[1], v[2], v[3]
	local function put(format, ...)
		out[#out + 1] = format:format(name, ...)
	end
	if not not_for:find "equal" then
		put("%s %s", a)
		put("%s == %s counter", b)
		put("%s { %s, %s }", a, c)
	end
	put("%s != %s", a)
	put("%s != { %s, %s } drop", a, b)
	if not not_for:find "range" then
		put("%s %s-%s", a, b)
		put("%s != %s-%s", a, b)
		put("%s { %s, %s-%s }", a, c, b)
		put("%s < %s", b)
		put("%s >= %s", a)
		put("%s vmap { %s-%s : accept, %s : drop }", c, b, a)
	end
	if not not_for:find "map" then
		put("%s vmap { %s : accept, %s : jump d }", a, b)
		put("meta mark set %s map { %s : 0x10, %s : 0x20 }", a, b)
	end
	if not not_for:find "set" then
		put("%s set %s", c)
		put("counter %s set %s accept", a)
	end
end

local function all(...)
	local out = {}
	for _, list in ipairs { ... } do
		for _, f in ipairs(list) do
			forms(f, out)
		end
	end
	return out
end

local input = "type filter hook input priority filter;"
local setup = { "add chain T d" }
local mac = { "02:00:00:00:00:01", "02:00:00:00:ff:02", "02:00:00:00:00:0f" }
local v4 = { "192.0.2.1", "203.0.113.77", "198.51.100.4" }
local v6 = { "2001:db8::1", "2001:db8::ffff", "2001:db8::7" }
local ports = { "22", "8080", "443" }

return {
	{ family = "ip inet", chain = input, setup = setup, rules = all(
		fields("ip ecn", { "not-ect", "ce", "ect0" }, "range set"), fields("ip length, ip id, ip frag-off", wide),
		fields("ip dscp", { "cs1", "ef", "af21" }, "range set"), fields("ip ttl", numbers),
		fields("ip protocol", { "tcp", "sctp", "17" }, "set range"), fields("ip checksum", { "0x1111", "0xffee", "0x2345" }),
		fields("ip saddr, ip daddr", v4)) },
	{ family = "ip6 inet", chain = input, setup = setup, rules = all(
		fields("ip6 length", wide), fields("ip6 nexthdr", { "tcp", "sctp", "udp" }, "range set"), fields("ip6 hoplimit", numbers),
		fields("ip6 saddr, ip6 daddr", v6), fields("ip6 flowlabel", { "5", "0xfffff", "0x1234" }, "range set map")) },
	{ family = "ip6 inet", chain = input, setup = setup, rules = all(
		fields("tcp sport, tcp dport, udp sport, udp dport, sctp sport, sctp dport", ports),
		fields("th sport, th dport, udplite sport, dccp dport", ports), fields("tcp sequence, tcp ackseq", { "100", "4000000000", "0x3e8" }),
		fields("tcp window, tcp urgptr, udp length", wide), fields("tcp checksum, udp checksum", { "0x1111", "0xffee", "0x2345" }),
		fields("tcp doff", { "5", "15", "8" }, "set"), fields("tcp flags", { "syn", "0x10", "rst" }, "range set"),
		fields("sctp vtag", { "1", "4000000000", "77" })) },
	{ family = "ip", chain = input, setup = setup, rules = all(
		fields("icmp type", { "echo-reply", "13", "echo-request" }, "set range"), fields("icmp code", { "1", "4", "3" }),
		fields("icmp checksum, icmp id, icmp sequence, icmp mtu", wide), fields("icmp gateway", wide),
		fields("igmp type", { "membership-query", "leave-group", "membership-report-v3" }, "range set"),
		fields("igmp mrt", numbers), fields("igmp group", wide)) },
	{ family = "ip6 inet", chain = input, setup = setup, rules = all(
		fields("icmpv6 type", { "echo-request", "nd-redirect", "nd-neighbor-solicit" }, "set range"),
		fields("icmpv6 code", { "1", "4", "3" }), fields("icmpv6 id, icmpv6 sequence, icmpv6 mtu, icmpv6 max-delay", wide)) },
	{ family = "inet ip", chain = input, setup = setup, rules = all(
		fields("ah hdrlength", numbers), fields("ah reserved", wide), fields("ah spi, ah sequence, esp spi, esp sequence", { "100", "90000", "0x3e8" }),
		fields("comp cpi", wide), fields("ah nexthdr, comp nexthdr", { "tcp", "sctp", "udp" }, "range set equal")) },
	{ family = "bridge", chain = input, setup = setup, rules = all(
		fields("ether saddr, ether daddr", mac, "range"), fields("ether type", { "ip", "ip6", "arp" }, "range set"),
		fields("vlan id", { "5", "4000", "77" }, "set"), fields("vlan pcp", { "1", "7", "3" }, "set"),
		fields("vlan type", { "ip", "ip6", "arp" }, "range set"), fields("ip saddr", v4), fields("ip6 daddr", v6),
		fields("tcp dport", ports)) },
	{ family = "netdev", chain = "type filter hook ingress device lo priority 0;", setup = setup, rules = all(
		fields("ether saddr", mac, "range"), fields("ether type", { "ip", "ip6", "arp" }, "range set"), fields("vlan id", { "5", "4000", "77" }, "set"),
		fields("ip saddr", v4), fields("ip6 daddr", v6), fields("udp dport", ports)) },
	{ family = "arp", chain = input, setup = setup, rules = all(
		fields("arp operation", { "request", "inreply", "reply" }, "range"), fields("arp htype", { "1", "6", "3" }), fields("arp hlen, arp plen", numbers),
		fields("arp ptype", { "ip", "ip6", "vlan" }, "range"), fields("arp saddr ip, arp daddr ip", v4),
		fields("arp saddr ether, arp daddr ether", mac, "range")) },
}
