-- SPDX-License-Identifier: GPL-2.0-or-later
-- Four times as many copies of any construct take about four times as long to compile, never sixteen.
local nft = require("rnm.core").nft

local function list(n, sep, fn)
	local t = {}
	for i = 1, n do
		t[i] = fn(i)
	end
	return table.concat(t, sep)
end

local function addr(i)
	return ("10.%d.%d.%d"):format(i // 65536 % 256, i // 256 % 256, i % 256)
end

-- n of them in one rule; the largest has to fit into its 64 KiB
local constructs = {
	matches = function(n)
		return list(n, " ", function(i)
			return "ip ttl " .. i % 200
		end)
	end,
	["matches that join"] = function(n)
		return list(n, " ", function()
			return "ip saddr 10.0.0.1 ip daddr 10.0.0.2"
		end)
	end,
	["implied matches"] = function(n)
		return list(n, " ", function(i)
			return i % 2 == 0 and "tcp dport 22" or "tcp option maxseg size 5"
		end)
	end,
	statements = function(n)
		return list(n, " ", function()
			return "counter log"
		end)
	end,
	["sets of references"] = function(n)
		return list(n, " ", function(i)
			return "ip saddr @s" .. i
		end)
	end,
	["chains in braces"] = function(n)
		return list(n, " ", function()
			return "jump { drop; }"
		end)
	end,
	["anonymous sets"] = function(n)
		return list(n, " ", function()
			return "tcp dport { 1, 2 }"
		end)
	end,
	["elements"] = function(n)
		return "ip saddr { " .. list(n, ", ", addr) .. " }"
	end,
	["elements in reverse"] = function(n)
		return "ip saddr { " .. list(n, ", ", function(i)
			return addr(n - i)
		end) .. " }"
	end,
	["equal elements"] = function(n)
		return "ip saddr { " .. list(n, ", ", function()
			return "10.0.0.1"
		end) .. " }"
	end,
	["intervals"] = function(n)
		return "ip saddr { " .. list(n, ", ", function(i)
			return addr(4 * i) .. "-" .. addr(4 * i + 2)
		end) .. " }"
	end,
	["intervals that overlap"] = function(n)
		return "ip saddr { " .. list(n, ", ", function(i)
			return addr(i) .. "-" .. addr(i + 50)
		end) .. " }"
	end,
	["concatenations"] = function(n)
		return "ip saddr . tcp dport { " .. list(n, ", ", function(i)
			return addr(i) .. " . 80-90"
		end) .. " }"
	end,
	["verdicts"] = function(n)
		return "ip saddr vmap { " .. list(n, ", ", function(i)
			return addr(i) .. " : jump c" .. i
		end) .. " }"
	end,
	["comments of elements"] = function(n)
		return "ip saddr { " .. list(n, ", ", function(i)
			return addr(i) .. ' comment "x"'
		end) .. " }"
	end,
	["bits in a list"] = function(n)
		return "tcp flags " .. list(n, ",", function()
			return "syn"
		end)
	end,
	["names of interfaces"] = function(n)
		return "iifname { " .. list(n, ", ", function(i)
			return '"eth' .. i .. '*"'
		end) .. " }"
	end,
	["blanks and comments"] = function(n)
		return "ip ttl 5" .. list(n, "", function()
			return " # nothing\n\t\t \\\n"
		end) .. "accept"
	end,
	["digits"] = function(n)
		return "ip ttl " .. ("0"):rep(8 * n) .. "5"
	end,
	["a long word"] = function(n)
		return ("a"):rep(8 * n)
	end,
	["colons"] = function(n)
		return "meta priority " .. ("1:"):rep(8 * n)
	end,
	["an address without end"] = function(n)
		return "ip6 saddr " .. ("1::"):rep(4 * n)
	end,
	["open braces"] = function(n)
		return ("{ "):rep(8 * n)
	end,
	["open parentheses"] = function(n)
		return "ip ttl " .. ("( "):rep(8 * n)
	end,
	["a wrong end"] = function(n)
		return list(n, " ", function(i)
			return "ip ttl " .. i % 200
		end) .. " nonsense"
	end,
}

local sets = setmetatable({}, {
	__index = function()
		return { type = "ipv4_addr" }
	end,
})

local function cost(text)
	local best = math.huge
	for _ = 1, 3 do
		local from = os.clock()
		for _ = 1, 3 do
			nft.compile { family = "ip", text = text, sets = sets }
		end
		best = math.min(best, os.clock() - from)
	end
	return best
end

describe("the compiler", function()
	for name, make in pairs(constructs) do
		it("takes " .. name .. " in linear time", function()
			local small, large = make(400), make(1600)
			assert.is_true(#large < 65536, #large)
			local a, b
			for _ = 1, 6 do -- others may have had the processor; what is not linear never is
				a, b = cost(small), cost(large)
				-- what takes no time at all says nothing
				if b < 0.001 or b / a < 10 then return end
			end
			error(("%s: %.2f ms for 400, %.2f ms for 1600"):format(name, a * 1000, b * 1000))
		end)
	end

	it("ends where a rule is larger than anybody writes", function()
		local _, message = nft.compile { family = "ip", text = "counter " .. (" "):rep(65536) }
		assert.matches("the limit is 65536", message)
	end)
end)
