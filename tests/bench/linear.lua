-- SPDX-License-Identifier: GPL-2.0-or-later
-- lua5.4 tests/bench/linear.lua RNM [N]: the processor time of `rnm nft compile` for N copies of each of many constructs, and for
-- four times as many: about four times as long if the cost grows with the text. Fails where it is more than eight.
local rnm, n = arg[1], tonumber(arg[2] or 4000)
local dir = io.popen "mktemp -d":read "l"

local rules = {
	"tcp dport 22 accept", "ip saddr 192.0.2.1 counter", "ip saddr { 192.0.2.1, 192.0.2.2 } accept", "tcp dport { 1-5, 9 } drop",
	"ip saddr . tcp dport { 192.0.2.1 . 22, 192.0.2.2 . 80 }", "ip saddr . tcp dport { 192.0.2.0/24 . 1-5 }", "ip saddr @s", "meta mark set ip saddr map @m",
	"tcp dport vmap { 22 : accept, 80 : jump d }", "ct state vmap { new : accept, established : drop }", "jump d", "goto d",
	"jump { accept; }", "add @s { ip saddr }", "meter x%d { ip saddr counter }", "counter name k", 'log prefix "x"', 'accept comment "c"',
	"limit rate 5/second", "ip length 100-200", "meta mark set jhash ip saddr mod 9 seed 1", "ip saddr $a", "ip saddr $l",
	"iifname { \"a\", \"b*\" }", "meta mark & 0xff == 1", "tcp flags & (syn | ack) == syn", "ip dscp set ef", "@th,16,16 22",
	"fib saddr oif exists", "tcp option maxseg size set 1400", "meta hour \"12:00\"",
}
local objects = {
	"add chain ip t c%d", "add set ip t s%d { type ipv4_addr; }", "add map ip t m%d { type ipv4_addr : mark; }", "add counter ip t k%d { }",
	"add table ip t%d", "add element ip t s { 10.%d }", "define x%d = 5", "add chain ip t n%d { type filter hook input priority 0; }",
	"add quota ip t q%d { over 5 mbytes; }", "delete rule ip t c handle %d", "flush chain ip t c%%", "# comment %d", "table ip t { chain c { accept; }\n}",
	"table ip t {\nset v%d {\ntype ipv4_addr; flags interval; elements = { 1.2.3.4, 10.0.0.0/8 }\n}\n}",
}

local function write(text)
	local f = assert(io.open(dir .. "/in.nft", "w"))
	f:write(text)
	f:close()
end

-- Seconds of processor time, and whether it was taken.
local function cost()
	local p = io.popen(("%s nft compile %s/in.nft >/dev/null 2>%s/err; echo $?; times"):format(rnm, dir, dir))
	local status = p:read "n"
	local text = p:read "a"
	p:close()
	local um, us, sm, ss = text:match "\n[%d.ms]+ [%d.ms]+\n(%d+)m([%d.]+)s (%d+)m([%d.]+)s"
	return 60 * (um + sm) + us + ss, status
end

local before = [[
define a = 192.0.2.1
define l = { 192.0.2.1, 192.0.2.2 }
table ip t {
	set s { type ipv4_addr; flags dynamic; size 65535; }
	map m { type ipv4_addr : mark; }
	counter k { }
	chain c { }
	chain d { }
}
]]

local function text_of(kind, format, count)
	local t = { before }
	for i = 1, count do
		local line = format:find "10%.%%d" and format:gsub("10%.%%d", ("10.%d.%d.%d"):format(i >> 16, i >> 8 & 255, i & 255)) or format:gsub("%%d", i):gsub("%%%%", "")
		t[#t + 1] = (kind == "rule" and "add rule ip t c " or "") .. line .. "\n"
	end
	return table.concat(t)
end

-- One construct that is long in itself.
local long = {
	["elements of one set"] = function(count)
		local t = {}
		for i = 1, count do
			t[i] = ("10.%d.%d.%d"):format(i >> 16, i >> 8 & 255, i & 255)
		end
		return before .. "add element ip t s { " .. table.concat(t, ", ") .. " }\n"
	end,
	["elements of one anonymous set"] = function(count)
		local t = {}
		for i = 1, count do
			t[i] = ("10.%d.%d.%d-10.%d.%d.%d"):format(i >> 14, i >> 6 & 255, i << 2 & 255, i >> 14, i >> 6 & 255, (i << 2 & 255) + 1)
		end
		return before .. "add rule ip t c ip saddr { " .. table.concat(t, ", ") .. " }\n"
	end,
	["matches of one rule"] = function(count)
		return before .. "add rule ip t c " .. ("counter "):rep(count // 64) .. "accept\n"
	end,
	["defines that use each other"] = function(count)
		local t = { "define z0 = 5\n" }
		for i = 1, count do
			t[#t + 1] = ("define z%d = $z%d\n"):format(i, i - 1)
		end
		return before .. table.concat(t)
	end,
	["errors"] = function(count)
		return before .. ("add rule ip t c nonsense\n"):rep(count)
	end,
	["empty lines"] = function(count)
		return before .. ("\n"):rep(count * 20)
	end,
}

local failed = 0
local function compare(name, make)
	write(make(n))
	local one, status = cost()
	write(make(4 * n))
	local four = cost()
	local ratio = four / math.max(one, 0.02) -- two ticks of the clock: below that there is nothing to divide
	local bad = ratio > 8 and four > 0.3
	failed = failed + (bad and 1 or 0)
	print(("%-64s %8.0f %8.0f %6.1f%s%s"):format(name:sub(1, 64), one * 1e3, four * 1e3, ratio, bad and "  grows faster than its text" or "",
		status ~= 0 and "  (refused)" or ""))
end

print(("%-64s %8s %8s %6s"):format("processor time, ms", n .. " x", 4 * n .. " x", "ratio"))
for kind, list in pairs { rule = rules, object = objects } do
	for _, format in ipairs(list) do
		compare(format:gsub("\n", " "), function(count) return text_of(kind, format, count) end)
	end
end
for name, make in pairs(long) do
	compare(name, make)
end
os.execute("rm -r " .. dir)
os.exit(failed == 0)
