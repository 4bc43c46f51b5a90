-- SPDX-License-Identifier: GPL-2.0-or-later
-- Extension headers, options of TCP and IP, chunks of SCTP.
local input = "type filter hook input priority filter;"

local function each(names, formats)
	local out = {}
	for name in names:gmatch "[^,]+" do
		name = name:match "^%s*(.-)%s*$"
		for _, format in ipairs(formats) do
			out[#out + 1] = (format:gsub("F", name))
		end
	end
	return out
end

local function join(...)
	local out = {}
	for _, list in ipairs { ... } do
		table.move(list, 1, #list, #out + 1, out)
	end
	return out
end

local numeric = { "F 3", "F != 3", "F 3-7", "F != 3-7", "F { 1, 3, 9 }", "F { 1-2, 5-9 } counter", "F != { 1, 3 }", "F < 4", "F >= 4",
	"F vmap { 1 : accept, 2 : drop }" }
local to_map = { "meta mark set F map { 1 : 2, 3 : 4 }" }
local exists = { "exthdr F exists", "exthdr F missing" }
local option = { "F exists", "F missing", "F exists counter accept" }

return {
	{ family = "ip6 inet", chain = input, rules = join(
		each("hbh hdrlength, rt hdrlength, rt type, rt seg-left, frag reserved, frag id, dst hdrlength, mh hdrlength, mh reserved, mh checksum",
			numeric),
		each("frag frag-off, frag more-fragments", { "F 1", "F != 1", "F { 0, 1 }" }),
		each("hbh nexthdr, rt nexthdr, frag nexthdr, dst nexthdr, mh nexthdr", { "F tcp", "F != udp", "F { tcp, udp, esp }" }),
		each("mh type", { "F binding-update", "F != { home-test-init, binding-error }", "F 3-5" }),
		each("hbh, rt, frag, dst, mh", exists),
		each("rt0 addr[1], rt0 addr[2]", { "F 2001:db8::1", "F != 2001:db8::1", "F { 2001:db8::1, 2001:db8::2 }" }),
		{ "srh last-entry 1", "srh flags 8", "srh tag { 1, 7 }", "srh sid[1] 2001:db8::1", "srh sid[2] != 2001:db8::1" }) },
	{ family = "ip ip6 inet", chain = input, rules = join(
		each("tcp option maxseg size, tcp option window count, tcp option sack left, tcp option sack1 right, tcp option timestamp tsval, tcp option timestamp tsecr",
			numeric),
		each("tcp option maxseg size, tcp option window count, tcp option timestamp tsval", to_map),
		each("tcp option eol, tcp option nop, tcp option maxseg, tcp option window, tcp option sack-perm, tcp option sack, tcp option timestamp, tcp option fastopen, tcp option md5sig, tcp option mptcp",
			option),
		each("tcp option maxseg length, tcp option timestamp length, tcp option fastopen length", { "F 4", "F { 2, 4 }" }),
		{ "tcp option maxseg size set 1400", "tcp option maxseg size set rt mtu", "tcp option window count set 3 counter",
			"tcp flags syn tcp option maxseg size set 1360", "tcp option 6 exists", "tcp option @255,8,8 255", "tcp option @34,16,8 { 1, 2 }",
			"tcp option mptcp subtype 0", "tcp option mptcp subtype 1 accept", "tcp option timestamp tsval set 1",
			"tcp option maxseg size > 1400 drop", "tcp option sack2 left 9", "tcp option sack3 right 77", "reset tcp option maxseg",
			"reset tcp option window" }) },
	{ family = "ip inet", chain = input, rules = join(
		each("ip option lsrr, ip option rr, ip option ssrr, ip option ra", option),
		each("ip option lsrr type, ip option rr length, ip option ssrr ptr, ip option lsrr ptr, ip option ra length, ip option ra value", numeric),
		each("ip option lsrr addr, ip option rr addr, ip option ssrr addr", {
			"F 192.0.2.1  // nft: F 0xc0000201", "F { 192.0.2.1, 192.0.2.2 }  // nft: F { 0xc0000201, 0xc0000202 }",
			"F != 192.0.2.1  // nft: F != 3221225985" })) },
	{ family = "ip ip6 inet", chain = input, rules = join(
		each("sctp chunk data, sctp chunk init, sctp chunk init-ack, sctp chunk sack, sctp chunk heartbeat, sctp chunk abort, sctp chunk shutdown, sctp chunk error, sctp chunk cookie-echo, sctp chunk ecne, sctp chunk asconf, sctp chunk forward-tsn",
			option),
		each("sctp chunk data flags, sctp chunk data length, sctp chunk data tsn, sctp chunk data stream, sctp chunk data ssn, sctp chunk data ppid, sctp chunk init init-tag, sctp chunk init a-rwnd, sctp chunk init num-outbound-streams, sctp chunk init num-inbound-streams, sctp chunk sack cum-tsn-ack, sctp chunk sack num-gap-ack-blocks, sctp chunk asconf seqno, sctp chunk shutdown cum-tsn-ack",
			{ "F 3", "F != 3", "F 3-7", "F { 1, 3-9 }", "F > 2" })) },
	{ family = "inet", chain = input, rules = each("dccp option 40, dccp option 2", { "F exists", "F missing" }) },
}
