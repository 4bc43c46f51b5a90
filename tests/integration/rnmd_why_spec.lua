-- SPDX-License-Identifier: GPL-2.0-or-later
-- The running daemon tells whose something is, as text and as JSON.
local daemon = require "daemon"
local dkjson = require "dkjson"
local rnmd = require "rnmd"

local pack = [[
local t = nft.table("inet", "t")
local s = t:set("here", { type = "ipv4_addr", elements = net.addrs { iface = "wan0", family = "ipv4" } })
t:chain("input", { type = "filter", hook = "input", priority = 0 }):rules [=[
  ip saddr @here counter accept
  tcp dport 22 accept
]=]
local told = t:set("told", { type = "ipv4_addr", flags = "timeout" })
rnm.on("message", { topic = "ban" }, function (ev) told:add(ev.data.address, { timeout = "1h" }) end)
]]

describe("rnmd tells whose something is", function()
	local ns, d

	before_each(function()
		ns = rnmd.quiet_ns()
		ns:veth("wan0", "wan1")
		ns:run "ip addr add 192.0.2.1/24 dev wan0"
		d = daemon.start(ns, { packs = { ["simple.lua"] = pack } })
	end)

	after_each(rnmd.clean)

	local function json(command)
		local lines = d:cmd(command)
		assert.equal(1, #lines)
		local doc, _, err = dkjson.decode(lines[1])
		assert.is_nil(err)
		return doc
	end

	it("as text", function()
		local out = d:rnm "why 192.0.2.1"
		assert.matches("^element of set inet t here: 192.0.2.1\n  held by simple, simple.lua:2, in main chunk, since [%d:% -]+ by start\n", out)
		assert.matches("named by rule of inet t input: ip saddr @here counter accept\n    simple, simple.lua:", out, 1, true)
		ns:run "ip addr add 192.0.2.2/24 dev wan0"
		rnmd.settle(d)
		assert.matches("by addr add wan0 192.0.2.2/24 ", d:rnm "why 192.0.2.2", 1, true)
		d:cmd "emit ban address=203.0.113.9"
		assert.matches("element of set inet t told: 203.0.113.9, ends in [%dhms]+\n  held by simple, simple.lua:8, added in on_message, ",
			(d:rnm "why 203.0.113.9"))
		assert.matches("^rule of inet t input: tcp dport 22 accept\n", (d:rnm "why tcp dport 22"))
		local handle = ns:run("nft -a list chain inet t input"):match "dport 22 accept .-# handle (%d+)"
		assert.equal(d:rnm "why tcp dport 22", d:rnm("why inet t input handle " .. handle))
		assert.matches("^table inet t\n  pack simple: ", (d:rnm "why inet t"))
		local lines, ok, message = d:ask "why toldd"
		assert.same({ {}, false }, { lines, ok })
		assert.matches("did you mean 'told'?", message, 1, true)
		rnmd.stop(d)
	end)

	it("as JSON", function()
		local names = {}
		for _, part in ipairs(json("list --json inet t").nftables) do
			local kind, body = next(part)
			names[#names + 1] = kind .. " " .. (body.name or body.text or "")
			if kind == "rule" then
				assert.equal("simple", body.provenance.pack)
				assert.truthy(body.handle)
			end
		end
		table.sort(names)
		assert.same({ "chain input", "metainfo ", "rule ip saddr @here counter accept", "rule tcp dport 22 accept", "set here",
			"set told", "table t" }, names)
		local status = json "status --json"
		assert.equal(d.process.pid, status.pid)
		assert.equal("none", status.apply.state)
		assert.equal("simple", status.packs[1].name)
		assert.equal(1, status.ruleset.elements)
		rnmd.stop(d)
	end)

	it("of very much as well, and says when it is too much", function()
		local list = {}
		for i = 1, 50000 do
			list[i] = ("10.%d.%d.%d"):format(i >> 16, i >> 8 & 255, i & 255)
		end
		d:write("policies.d/big.txt", table.concat(list, "\n") .. "\n")
		d:configure("packs:\n  big:\n    files: [ '@DIR@/policies.d/big.txt' ]\n")
		d:pack("big.lua", ("nft.table('inet', 'b'):set('s', { type = 'ipv4_addr', elements = rnm.file('%s/policies.d/big.txt') })"):format(d.dir))
		d:cmd "reload"
		local doc = json "list --json inet b s"
		assert.equal(50000, #doc.nftables[3].set.elem)
		assert.equal("big", doc.nftables[3].set.elem[50000].elem.provenance[1].pack)
		assert.matches("held by big, big.lua:1", d:rnm "why 10.0.195.80", 1, true)
		assert.matches("… 49988 more elements", d:rnm "why 10.0.0.0/8", 1, true)
		rnmd.stop(d)
	end)
end)
