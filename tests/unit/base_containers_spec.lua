-- SPDX-License-Identifier: GPL-2.0-or-later
local base = require "rnm.core".base

local function place(list, k)
	for i, v in ipairs(list) do
		if v >= k then
			return i, v == k
		end
	end
	return #list + 1, false
end

describe("the tree", function()
	it("does what a sorted list does", function()
		math.randomseed(41)
		local tree, list = base.tree(), {}
		for step = 1, 4000 do
			local k = math.random(300)
			local i, there = place(list, k)
			if math.random(2) == 1 then
				assert.equal(not there, tree:insert(k))
				if not there then
					table.insert(list, i, k)
				end
			else
				assert.equal(there, tree:remove(k))
				if there then
					table.remove(list, i)
				end
			end
			local at = math.random(0, #list)
			assert.equal(list[at + 1], tree:at(at))
			if step % 100 == 0 then
				local all, size = tree:list()
				assert.same(list, all)
				assert.equal(#list, size)
			end
		end
	end)

	it("stays flat when keys come in order", function()
		local tree = base.tree()
		for k = 1, 20000 do
			tree:insert(k)
		end
		assert.is_true(tree:depth() < 60)
		assert.equal(12345, tree:at(12344))
		assert.is_nil(tree:at(20000))
	end)

	it("is empty when empty", function()
		local tree = base.tree()
		assert.is_nil(tree:at(0))
		assert.is_false(tree:remove(1))
		assert.same({}, (tree:list()))
	end)
end)

describe("the map", function()
	local function check(m, want)
		local items, n = m:list()
		local expected = {}
		for k in pairs(want) do
			table.insert(expected, k)
		end
		table.sort(items)
		table.sort(expected)
		assert.same(expected, items)
		assert.equal(#expected, n)
	end

	for name, hash in pairs {
		["good hashes"] = function(k) return (base.hash(k)) end,
		["four different hashes"] = function(k) return #k % 2 + k:byte(-1) % 2 * 2 end,
		["hashes with equal low bits"] = function(k) return tonumber(k) << 32 end,
	} do
		it("does what a table does, with " .. name, function()
			math.randomseed(43)
			local m, want = base.hmap(), {}
			for step = 1, 6000 do
				local k = tostring(math.random(200))
				local h = hash(k)
				assert.equal(want[k] and k, m:find(h, k) or want[k])
				if math.random(2) == 1 then
					if not want[k] then
						m:put(h, k)
						want[k] = true
					end
				else
					assert.equal(want[k] and k or nil, m:del(h, k))
					want[k] = nil
				end
				if step % 200 == 0 then
					check(m, want)
				end
			end
		end)
	end

	it("may be emptied while walked over", function()
		local m, want = base.hmap(), {}
		for i = 1, 1000 do
			m:put(base.hash(tostring(i)), tostring(i))
			want[tostring(i)] = true
		end
		local items, n = m:list(true)
		for _, k in ipairs(items) do
			assert.is_true(want[k])
			want[k] = nil
		end
		assert.is_nil(next(want))
		assert.equal(0, n)
		assert.is_nil(m:find(base.hash("1"), "1"))
	end)

	it("does not grow when items come and go", function()
		local m = base.hmap()
		for i = 1, 20000 do
			local k = tostring(i)
			m:put(base.hash(k), k)
			if i > 10 then
				local old = tostring(i - 10)
				assert.equal(old, m:del(base.hash(old), old))
			end
		end
		local _, n, cap = m:list()
		assert.equal(10, n)
		assert.is_true(cap <= 64)
	end)
end)

describe("hashes", function()
	it("that are stable are the same in every process", function()
		local _, a = base.hash("chain input", 7)
		local _, b = base.hash("chain input", 8)
		local _, c = base.hash("chain inpuu", 7)
		assert.not_equal(a, b)
		assert.not_equal(a, c)
		assert.equal("eb2b0e9c76cd34b4", ("%016x"):format(a))
	end)

	it("tell lengths apart", function()
		local seen = {}
		for n = 0, 40 do
			local keyed, stable = base.hash(("\0"):rep(n))
			assert.is_nil(seen[keyed])
			assert.is_nil(seen[stable])
			seen[keyed], seen[stable] = true, true
		end
	end)

	it("change about half of their bits with one of the text's", function()
		local sum, n = 0, 0
		for byte = 1, 24 do
			for bit = 0, 7 do
				local text = ("a"):rep(24)
				local other = text:sub(1, byte - 1) .. string.char(97 ~ 1 << bit) .. text:sub(byte + 1)
				for i = 1, 2 do
					local d = select(i, base.hash(text)) ~ select(i, base.hash(other))
					while d ~= 0 do
						sum, d = sum + 1, d & (d - 1)
					end
					n = n + 1
				end
			end
		end
		assert.is_true(math.abs(sum / n - 32) < 2, sum / n)
	end)
end)

describe("the journal", function()
	it("undoes last first, down to the mark", function()
		local done, left = base.journal "ppmppr"
		assert.equal("u4.16 u3.9 ", done)
		assert.equal(2, left)
	end)

	it("commits first to last", function()
		local done, left = base.journal "ppmpprnpc"
		assert.equal("u4.16 u3.9 c1.1 c2.4 c5.25 ", done)
		assert.equal(0, left)
	end)

	it("is empty after all was undone", function()
		local done, left = base.journal "pnpR"
		assert.equal("u2.4 u1.1 ", done)
		assert.equal(0, left)
	end)

	it("takes more than it keeps", function()
		local done, left = base.journal(("p"):rep(5000) .. "Rppc")
		assert.matches("u5000%.25000000 .*u1%.1 c5001%.%d+ c5002%.%d+ $", done)
		assert.equal(0, left)
	end)
end)
