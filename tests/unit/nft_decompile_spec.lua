-- SPDX-License-Identifier: GPL-2.0-or-later
-- Text → expressions → text. The decompiler holds what it prints against the expressions by itself; here is which of
-- the right texts it prints.
local nft = require("rnm.core").nft

local sets = {
	hosts = { type = "ipv4_addr" },
	nets = { type = "ipv4_addr", flags = "interval" },
	pairs = { type = "ipv4_addr . inet_service" },
	verdicts = { type = "inet_service", data = "verdict" },
	marks = { type = "ipv4_addr", data = "mark" },
	recent = { type = "ipv4_addr", flags = "dynamic, timeout" },
	targets = { type = "ipv4_addr", data = "ipv4_addr . inet_service" },
	counters = { type = "ipv4_addr", object = 1 },
}

local function back(text, t)
	t = t or {}
	return nft.decompile.rule {
		text = text, family = t.family or "inet", sets = sets, chain_type = t.chain_type, hook = t.hook, stateless = t.stateless,
		indent = t.indent,
	}
end

-- The text, or the two sides of "written → printed".
local function check(family, lines)
	for line in lines:gmatch "[^\n]+" do
		local from, to = line:match "^%s*(.-) → (.-)%s*$"
		from = from or line:match "^%s*(.-)%s*$"
		if from ~= "" then
			local text, ok = back(from, { family = family })
			assert.equal(to or from, text)
			assert.is_true(ok)
		end
	end
end

describe("nft.decompile", function()
	it("leaves out what the compiler adds by itself", function()
		check("inet", [[
			tcp dport 22
			meta l4proto tcp tcp dport 22 → tcp dport 22
			meta nfproto ipv4 ip saddr 192.0.2.1 → ip saddr 192.0.2.1
			ip saddr 192.0.2.1 tcp dport 22
			icmp type echo-request
			icmpv6 type packet-too-big icmpv6 mtu 1280 → icmpv6 mtu 1280
			ip6 saddr 2001:db8::1 udp sport 53 udp dport 1024-65535
			frag more-fragments 1
			ether saddr 02:00:00:00:00:01
		]])
		check("bridge", [[
			ip saddr 192.0.2.1
			arp operation request
			vlan id 5 ip saddr 192.0.2.1
			ether type arp
		]])
		check("netdev", [[
			meta protocol ip ip saddr 192.0.2.1 → ip saddr 192.0.2.1
			ip6 daddr 2001:db8::1 tcp dport 80
		]])
	end)

	it("keeps what would be missed", function()
		check("inet", [[
			meta l4proto tcp
			meta l4proto tcp counter packets 0 bytes 0 tcp dport 22
			meta nfproto ipv4 tcp dport 22
			meta protocol ip tcp dport 22
			ip protocol tcp tcp dport 22
			meta l4proto tcp ip saddr 192.0.2.1 tcp dport 22
			icmp type { echo-reply, echo-request } icmp id 7
			icmp type echo-reply icmp id 7
			ether type ip tcp dport 22
		]])
		check("bridge", "ether type ip ip saddr 192.0.2.1")
	end)

	it("takes apart what was loaded at once", function()
		check("inet", [[
			tcp sport 1 tcp dport 2
			ip saddr 192.0.2.1 ip daddr 192.0.2.2
			icmp type destination-unreachable icmp code host-unreachable
			icmp code host-unreachable icmp type destination-unreachable → icmp type destination-unreachable icmp code host-unreachable
		]])
		check("ip6", "ip6 saddr 2001:db8::1 ip6 daddr 2001:db8::2")
		check("bridge", "ether daddr 02:00:00:00:00:01 ether saddr 02:00:00:00:00:02 ether type arp")
	end)

	it("spells masks as what they are for", function()
		check("ip", [[
			ip saddr 192.0.2.0/24
			ip saddr != 10.0.0.0/9
			ip saddr & 0.0.0.255 == 0.0.0.1
			ip saddr & 255.255.0.0 == 10.1.0.0
			ip dscp cs1
			ip ecn ce
			ip version 4 ip hdrlength 5
			ip frag-off & 8191 != 0
			tcp flags syn
			tcp flags & (syn|ack) != 0 → tcp flags syn,ack
			tcp flags & (fin|syn|rst|ack) == syn → tcp flags syn / fin,syn,rst,ack
			tcp flags & (fin|syn) != syn → tcp flags != syn / fin,syn
			tcp flags & syn == syn
			tcp flags & (fin | syn | rst) < rst
			tcp flags ! syn,ack
			tcp flags == syn
			tcp flags != syn
			ct state established,related
			ct state { established, related }
			ct status ! dnat
			ct mark & 0x0000000f == 0x00000001
			ct mark | 0x00000003 == 0x00000001
			meta mark 0xffffff00/24
			iifname "eth*"
			iifname "eth\*"
			@nh,8,8 0xff
			@ll,0,8 & 0x80 == 0x80
		]])
		check("ip6", [[
			ip6 dscp cs1
			ip6 flowlabel 3
			ip6 saddr 2001:db8::/33
			frag frag-off 5
		]])
	end)

	it("writes sets", function()
		check("ip", [[
			tcp dport { 22, 80-90, 443 }
			tcp dport != { 22, 80 }
			ip saddr { 10.0.0.0/8, 192.0.2.1-192.0.2.9 }
			ip saddr . tcp dport { 192.0.2.0/24 . 80-90, 192.0.2.1 . 22 }
			iifname { "lo", "dummy0" }
			ip dscp { cs1, cs2 }
			vlan id { 1, 4095 }
			meta mark { 0x00000001, 0x00000010-0x00000020 }
			ip saddr @hosts
			ip saddr != @nets
			ip saddr . tcp dport @pairs
			tcp dport vmap { 22 : accept, 80 : jump web, * : drop }
			tcp dport vmap @verdicts
			meta mark set ip saddr map { 192.0.2.1 : 0x00000001, 192.0.2.2 : 0x00000002 }
			meta mark set ip saddr map @marks
			meta l4proto tcp dnat ip to ip saddr map @targets
			ip protocol . th dport { tcp . 22, udp . 53 }
			add @recent { ip saddr timeout 1m }
			update @recent { ip saddr timeout 10s limit rate 5/second }
			delete @recent { ip saddr }
			add @marks { ip saddr : 0x00000005 }
			counter name ip saddr map @counters
			counter name ip saddr map { 192.0.2.1 : "c" }
			ip saddr 192.0.2.1 drop
		]])
	end)

	it("writes statements", function()
		check("ip", [[
			counter packets 3 bytes 200
			limit rate 10/second
			limit rate over 10/minute burst 3 packets
			limit rate 3 kbytes/second burst 1 mbytes
			quota over 10 mbytes used 5 bytes
			ct count over 20
			log
			log prefix "a b" level debug flags tcp sequence,options flags ip options
			log prefix "x" group 3 snaplen 100 queue-threshold 5
			log group 3 snaplen 0
			log flags all
			reject
			reject with icmp host-unreachable
			meta l4proto tcp reject with tcp reset
			accept comment "let it in"
			goto other
			meta mark set ct mark
			ct mark set meta mark & 0x000000ff
			meta mark set (meta mark & 0x000000ff) << 8
			meta mark set meta mark & 0xffff12ff | 0x00001200
			meta priority set 1:2
			meta nftrace set 1
			ct event set new,destroy
			ct original zone set 1
			ip dscp set af23
			ip ttl set 23
			tcp dport set 80
			ip daddr set 192.0.2.1
			tcp option maxseg size set rt mtu
			reset tcp option maxseg
			notrack
			queue flags bypass,fanout to 1-3
			queue to 4
			queue to symhash mod 4
			flow add @f
			synproxy mss 1460 wscale 7 timestamp sack-perm
			dup to 192.0.2.1 device "lo"
			tcp dport 80 dnat to 192.0.2.1:8080
			tcp dport 80 dnat to 192.0.2.1-192.0.2.5:8080-8090
			snat to 192.0.2.1 random,persistent
			masquerade
			tcp dport 80 redirect to :8080
			tcp dport 80 redirect to :tcp dport map { 80 : 8080, 81 : 8081 }
			tcp dport 80 tproxy to 192.0.2.1:50080
			snat ip prefix to ip saddr map { 10.0.0.0/24 : 192.0.2.0/24 }
			ct helper set "ftp"
			quota name "q"
			ct mark set jhash ip saddr . ip daddr mod 2 seed 0xdeadbeef offset 100
			ct mark set numgen inc mod 4
			fib saddr . iif oif missing
			fib daddr type local
			fib daddr type . tcp dport { local . 22 }
			ct original ip saddr . tcp dport { 192.0.2.1 . 22 }
			ip ecn vmap { 0x01-0x03 : drop }
			ct state 0x1-0x7
			rt ip nexthop 192.0.2.1
			socket transparent 1
			osf ttl loose name "Linux"
			ipsec out spnum 2 reqid 5
			ct original ip saddr 192.0.2.1
			tcp option sack-perm exists
			tcp option maxseg size 1400
			ip option ra exists
			sctp chunk data flags 1
		]])
		check("inet", [[
			srh sid[1] 2001:db8::1
			tcp dport 80 dnat ip to 192.0.2.1:8080
			tcp dport 80 dnat ip6 to [2001:db8::1]:8080
			snat ip6 to 2001:db8::1
			reject
			reject with icmpx admin-prohibited
			ip saddr 192.0.2.1 reject with icmp host-unreachable
		]])
		check("netdev", [[
			fwd ip to 192.0.2.1 device "lo"
			fwd to "lo"
			dup to "lo"
		]])
	end)

	it("leaves out counts where asked", function()
		assert.equal("counter drop", (back("counter packets 5 bytes 6 drop", { stateless = true })))
		assert.equal("quota 5 mbytes", (back("quota 5 mbytes used 7 bytes", { stateless = true })))
	end)
end)
