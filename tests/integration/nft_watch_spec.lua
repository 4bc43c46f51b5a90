-- SPDX-License-Identifier: GPL-2.0-or-later
local core = require "rnm.core"

local function nft(text)
	local p = assert(io.popen("nft -f - 2>&1", "w"))
	p:write(text)
	return p:close()
end


describe("the watch on nftables", function()
	local w
	before_each(function()
		nft "flush ruleset"
		local why
		w, why = core.nft_watch.new "t"
		if not w then
			pending(why)
		end
	end)

	it("tells who changed what in one commit", function()
		assert.is_true(nft [[
			add table inet t
			add chain inet t c
			add set inet t s { type ipv4_addr; }
			add counter inet t n
			add element inet t s { 192.0.2.1, 192.0.2.2 }
			add rule inet t c accept
			add rule inet t c drop
		]])
		local gens, last = w:poll()
		assert.equal(1, #gens)
		local g = gens[1]
		assert.equal(last, g.id)
		assert.equal("nft", g.process)
		assert.is_true(g.pid > 0)
		assert.is_false(g.lost)
		assert.same({ "add table inet t x1", "add chain inet t c x1", "add set inet t s x1", "add counter inet t n x1",
			"add element inet t s x2", "add rule inet t c x2" }, { table.unpack(g) })
	end)

	it("keeps commits apart and tells deletions", function()
		nft "table inet t { chain c { accept; }\n}"
		nft "flush chain inet t c"
		nft "delete table inet t"
		local gens = w:poll()
		assert.equal(3, #gens)
		assert.same({ "del rule inet t c x1" }, { table.unpack(gens[2]) })
		assert.equal("del table inet t x1", gens[3][#gens[3]])
		assert.is_true(gens[1].id < gens[2].id and gens[2].id < gens[3].id)
	end)

	it("does not tell of other tables, but knows their generation", function()
		nft "add table inet other"
		local gens, last = w:poll()
		assert.same({}, gens)
		assert.is_true(last > 0)
		assert.equal(0, select(2, w:poll()))
	end)

	it("tells when notifications were lost", function()
		local lines = { "add table inet t", "add set inet t s { type ipv4_addr; }" }
		for round = 0, 11 do
			local els = {}
			for i = 0, 9999 do
				els[#els + 1] = ("10.%d.%d.%d"):format(round, i // 256, i % 256)
			end
			lines[#lines + 1] = "add element inet t s { " .. table.concat(els, ", ") .. " }"
		end
		assert.is_true(nft(table.concat(lines, "\n")))
		local gens = w:poll()
		local lost = 0
		for _, g in ipairs(gens) do
			lost = lost + (g.lost and 1 or 0)
		end
		assert.is_true(lost >= 1)
	end)

	it("survives a process with a name of arbitrary bytes", function()
		os.execute [[cp "$(command -v nft)" "$(printf '/tmp/\033[31m\001x')"; PATH=/tmp:$PATH "$(printf '/tmp/\033[31m\001x')" add table inet t; rm -f "$(printf '/tmp/\033[31m\001x')"]]
		local gens = w:poll()
		assert.equal(1, #gens)
		assert.equal("\27[31m\1x", gens[1].process)
	end)
end)

describe("the watch's filter", function()
	it("hides what the given socket commits", function()
		local batch = core.nft.type.batch
		local port = batch.portid()
		if not port then
			pending "no nf_tables"
		end
		nft "flush ruleset"
		local all, others = assert(core.nft_watch.new "t"), assert(core.nft_watch.new("t", port))
		assert.equal(0, assert(batch.commit { { kind = "add_table", table = "t" } }).code)
		nft "add chain inet t c"
		assert.same({ "add table inet t x1" }, { table.unpack((all:poll())[1]) })
		local gens = others:poll()
		assert.equal(1, #gens)
		assert.same({ "add chain inet t c x1" }, { table.unpack(gens[1]) })
	end)
end)
