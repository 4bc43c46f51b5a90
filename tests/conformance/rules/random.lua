-- SPDX-License-Identifier: GPL-2.0-or-later
-- Rules put together at random, COUNT (default 400) a chain, beginning with SEED. Left out is what nft 1.0.6 gets wrong: it
-- moves matches over statements, lets two `!=` of one header run together, and makes one compare of flags and the window. Rules
-- that nft refuses do not count: whether protocols conflict it decides by the last element of a set.
local n = tonumber(os.getenv "COUNT" or 400)
math.randomseed(tonumber(os.getenv "SEED" or 1))
local random = math.random

local function pick(list)
	return list[random(#list)]
end

local function ipv4() return ("%d.%d.%d.%d"):format(random(1, 223), random(0, 255), random(0, 255), random(1, 254)) end
local function ipv6() return ("2001:db8:%x::%x"):format(random(0, 65535), random(1, 65535)) end
local function mac() return ("02:%02x:00:00:00:%02x"):format(random(0, 255), random(0, 255)) end
local function number(lo, hi)
	return function() return tostring(random(lo, hi)) end
end
local function word(...)
	local list = { ... }
	return function() return pick(list) end
end
local port, mark = number(1, 65535), function() return ("0x%x"):format(random(0, 0xffffffff)) end
local l4 = word("tcp", "udp", "sctp", "icmp", "esp", "47")
local name = word('"eth0"', '"wlan1"', "br-lan", '"ppp0"')

-- { FIELD, value, size for ranges (nil: none), prefix }
local kinds = {
	ip4 = { { "ip saddr", ipv4, "prefix" }, { "ip daddr", ipv4, "prefix" }, { "ip ttl", number(0, 255), "range" }, { "ip id", port, "range" },
		{ "ip length", port, "range" }, { "ip protocol", l4 }, { "ip dscp", word("cs1", "af21", "ef", "0x04") } },
	ip6 = { { "ip6 saddr", ipv6, "prefix6" }, { "ip6 daddr", ipv6, "prefix6" }, { "ip6 hoplimit", number(0, 255), "range" },
		{ "ip6 nexthdr", l4 }, { "ip6 length", port, "range" } },
	tcp = { { "tcp dport", port, "range" }, { "tcp sport", port, "range" }, { "tcp urgptr", port, "range" },
		{ "tcp flags", word("syn", "syn | ack", "rst", "0x11") } },
	udp = { { "udp dport", port, "range" }, { "udp sport", port, "range" }, { "udp length", port, "range" } },
	th = { { "th dport", port, "range" }, { "th sport", port, "range" } },
	icmp = { { "icmp type", word("echo-request", "echo-reply", "time-exceeded") }, { "icmp code", number(0, 15), "range" } },
	icmp6 = { { "icmpv6 type", word("echo-request", "nd-neighbor-solicit", "packet-too-big") }, { "icmpv6 code", number(0, 15), "range" } },
	meta = { { "meta mark", mark, "range" }, { "meta length", port, "range" }, { "meta cpu", number(0, 64), "range" },
		{ "meta iifname", name }, { "meta priority", word("1:2", "0x30004", "none") }, { "meta pkttype", word("unicast", "broadcast") },
		{ "meta l4proto", l4 }, { "meta skuid", number(0, 70000), "range" }, { "meta iiftype", word("ether", "ppp", "loopback") },
		{ "meta iifgroup", number(0, 9), "range" }, { "meta rtclassid", number(0, 9), "range" } },
	ct = { { "ct mark", mark, "range" }, { "ct state", word("new", "established", "related", "invalid") },
		{ "ct direction", word("original", "reply") }, { "ct status", word("snat", "dnat", "assured") }, { "ct zone", number(0, 99), "range" },
		{ "ct expiration", word("30s", "1m", "2h30m") } },
	more = { { "fib saddr type", word("local", "unicast", "blackhole") }, { "rt mtu", port, "range" }, { "socket mark", mark, "range" },
		{ "tcp option maxseg size", port, "range" }, { "frag id", port, "range" }, { "@th,0,16", port, "range" }, { "@nh,8,8", number(0, 255), "range" },
		{ "ct packets", port, "range" }, { "ah spi", port, "range" }, { "esp sequence", port, "range" },
		{ "rt classid", number(0, 255), "range" }, { "sctp dport", port, "range" },
		{ "meta day", word('"Monday"', '"Sunday"', '"Friday"') }, { "meta hour", word('"10:00"', '"12:34:56"', '"23:59"') } },
	ether = { { "ether saddr", mac }, { "ether daddr", mac } },
}

local function ordered(f, make)
	local a, b = make(), make()
	local function key(s)
		if s:find ":" then
			return s
		end
		return (s:gsub("%x+", function(d) return ("%012d"):format(tonumber(d) or tonumber(s)) end))
	end
	if f[1]:find "ip6 .addr" then
		local base = ("2001:db8:%x::"):format(random(0, 65535))
		local x = random(1, 30000)
		return base .. ("%x"):format(x), base .. ("%x"):format(x + random(1, 30000))
	elseif f[1]:find "mark$" or f[1]:find "ip .addr" then
		if f[1]:find "ip " then
			local base = ("%d.%d."):format(random(1, 223), random(0, 255))
			local x = random(0, 200)
			return base .. x .. ".7", base .. x + random(1, 50) .. ".3"
		end
		local x = random(0, 0x7fffffff)
		return ("0x%x"):format(x), ("0x%x"):format(x + random(1, 0x7fffffff))
	end
	if key(a) == key(b) then
		b = tostring(tonumber(a) + (tonumber(a) > 0 and -1 or 1))
	end
	if tonumber(a) > tonumber(b) then
		a, b = b, a
	end
	return a, b
end

local function scalar(f)
	if f[3] == "prefix" and random(4) == 1 then
		return ("%d.%d.0.0/%d"):format(random(1, 223), random(0, 255), random(8, 16))
	elseif f[3] == "prefix6" and random(4) == 1 then
		return ("2001:db8:%x::/%d"):format(random(0, 65535), random(33, 64))
	end
	return f[2]()
end

-- Elements that do not overlap.
local function elements(f, value)
	local list, seen = {}, {}
	for _ = 1, random(1, 5) do
		local v = f[2]()
		local k = tonumber(v) or v
		if not seen[k] and not v:find "|" then
			seen[k] = true
			list[#list + 1] = v .. (value and " : " .. value() or "")
		end
	end
	if #list == 0 then
		list[1] = f[2]():gsub(" .*", "") .. (value and " : " .. value() or "")
	end
	return "{ " .. table.concat(list, ", ") .. " }"
end

local function match(f, alone)
	local form = random(10)
	if form <= 4 then
		return f[1] .. " " .. scalar(f)
	elseif form <= 6 then
		return f[1] .. " " .. elements(f)
	elseif form == 7 and alone then
		return f[1] .. " != " .. scalar(f)
	elseif form == 8 and f[3] then
		local a, b = ordered(f, f[2])
		return ("%s %s-%s"):format(f[1], a, b)
	elseif form == 9 and f[3] then
		local a, b = ordered(f, f[2])
		return ("%s { %s-%s }"):format(f[1], a, b)
	elseif form == 10 and f[3] == "range" and f[1]:find "mark$" then
		local mask = pick { "0xff", "0xf0f0", "0xffff0000", "0x1" }
		return pick { ("%s & %s == %s"):format(f[1], mask, "0x1"), ("%s & %s != 0x0"):format(f[1], mask),
			("%s & %s { 0x0, 0x1 }"):format(f[1], mask), ("%s | %s == 0xffff"):format(f[1], mask) }
	elseif form == 10 and f[3] == "prefix" then
		return ("%s & 0.0.255.255 == 0.0.%d.1"):format(f[1], random(0, 255))
	elseif form == 10 and f[3] == "range" then
		return ("%s %s %s"):format(f[1], pick { "<", ">", "<=", ">=" }, number(1, 200)())
	end
	return f[1] .. " " .. scalar(f)
end

local function part(f, ranges)
	if ranges and f[3] and random(2) == 1 then
		if f[3] ~= "range" then
			return scalar(f)
		end
		return ("%s-%s"):format(ordered(f, f[2]))
	end
	return (f[2]():gsub(" .*", ""))
end

local function concat(fields)
	local names, rows, ranges = {}, {}, random(3) == 1
	for i, f in ipairs(fields) do
		names[i] = f[1]
	end
	local seen = {}
	for _ = 1, ranges and 1 or random(1, 4) do -- ranges may overlap
		local row = {}
		for i, f in ipairs(fields) do
			row[i] = part(f, ranges)
		end
		local text = table.concat(row, " . ")
		if not seen[text] then
			seen[text] = true
			rows[#rows + 1] = text
		end
	end
	return table.concat(names, " . "), rows
end

local verdict = word("accept", "drop", "jump d", "goto d", "continue", "return")
local statements = {
	word("counter"), word('log prefix "x"', "log level debug", "log group 3 snaplen 64"),
	function() return ("limit rate %s%d/%s"):format(random(2) == 1 and "over " or "", random(1, 500), pick { "second", "minute", "hour", "day" }) end,
	function() return "meta mark set " .. mark() end, function() return "ct mark set " .. mark() end,
	word("meta mark set ct mark", "ct mark set meta mark", "meta mark set meta mark & 0xff00 | 0x12", "meta priority set 1:5"),
	word("meta mark set numgen inc mod 7 offset 3", "meta mark set jhash ip saddr mod 9 seed 0x5", "meta mark set symhash mod 4",
		"ct mark set meta mark and 0xff or 0x100", "meta mark set ct mark xor 0x5", "meta priority set 0x5", "notrack"),
	function() return ("quota %s%d mbytes"):format(random(2) == 1 and "over " or "", random(1, 500)) end,
}

local function rule(groups)
	local parts, chosen = {}, {}
	local how = random(10)
	local function field()
		local f
		repeat
			f = pick(kinds[pick(groups)])
		until not chosen[f[1]]
		chosen[f[1]] = true
		return f
	end
	if how <= 6 then
		local count = random(1, 4)
		for i = 1, count do
			parts[i] = match(field(), count == 1)
		end
	elseif how <= 8 then
		local names, rows = concat { field(), field(), random(3) == 1 and field() or nil }
		if random(2) == 1 then
			for i, row in ipairs(rows) do
				rows[i] = row .. " : " .. verdict()
			end
			parts[1] = ("%s vmap { %s }"):format(names, table.concat(rows, ", "))
		else
			parts[1] = ("%s { %s }"):format(names, table.concat(rows, ", "))
		end
	else
		local f = field()
		parts[1] = random(2) == 1 and ("%s vmap %s"):format(f[1], elements(f, verdict))
			or ("meta mark set %s map %s"):format(f[1], elements(f, mark))
	end
	for _ = 1, random(0, 3) do
		parts[#parts + 1] = pick(statements)()
	end
	if random(2) == 1 and not (parts[#parts] or ""):find "vmap" then
		parts[#parts + 1] = verdict()
	end
	return table.concat(parts, " ")
end

local function many(...)
	local groups, out = { ... }, {}
	for i = 1, n do
		out[i] = rule(groups)
	end
	return out
end

local hook, setup = "type filter hook prerouting priority mangle;", { "add chain T d" }
return {
	{ family = "ip", chain = hook, setup = setup, lenient = true, rules = many("ip4", "tcp", "meta", "ct") },
	{ family = "ip", chain = hook, setup = setup, lenient = true, rules = many("ip4", "udp", "icmp", "meta") },
	{ family = "ip6", chain = hook, setup = setup, lenient = true, rules = many("ip6", "tcp", "icmp6", "meta", "ct") },
	{ family = "inet", chain = hook, setup = setup, lenient = true, rules = many("ip4", "tcp", "meta", "ct") },
	{ family = "inet", chain = hook, setup = setup, lenient = true, rules = many("ip6", "udp", "th", "meta", "ether") },
	{ family = "inet", chain = hook, setup = setup, lenient = true, rules = many("tcp", "icmp", "icmp6", "ct", "meta") },
	{ family = "inet", chain = hook, setup = setup, lenient = true, rules = many("more", "meta", "ip4") },
	{ family = "ip", chain = hook, setup = setup, lenient = true, rules = many("more", "tcp", "ct") },
	{ family = "bridge", chain = "type filter hook forward priority 0;", setup = setup, lenient = true, rules = many("ip4", "ip6", "tcp", "udp", "ether", "meta") },
	{ family = "netdev", chain = "type filter hook ingress device lo priority 0;", setup = setup, lenient = true, rules = many("ip4", "ip6", "udp", "ether") },
}
