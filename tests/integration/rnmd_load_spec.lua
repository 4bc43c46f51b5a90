-- SPDX-License-Identifier: GPL-2.0-or-later
-- Templates, nft.load and stateful objects in a real kernel.
local daemon = require "daemon"
local nft = require "nft"
local rnmd = require "rnmd"
local sh = require "sh"

local here = debug.getinfo(1, "S").source:match "^@(.*)/[^/]*$" or "."
local router = sh.read(here .. "/../../examples/template/templates/router.nft")

local config = [[
interfaces:
  - name: wan0
    nftables_zone: wan
  - name: lan*
    nftables_zone: lan
templates:
  router: { server: 192.168.1.10, ports: [80, 443], admins: 198.51.100.0/24 }
]]

describe("a template in rnmd", function()
	local ns

	before_each(function()
		ns = rnmd.quiet_ns()
		ns:veth("wan0", "wan1")
		ns:veth("lan0", "lan1")
		ns:run "ip addr add 192.168.1.1/24 dev lan0"
	end)
	after_each(rnmd.clean)

	local function start(packs)
		return daemon.start(ns, { config = config, packs = packs, templates = { ["router.nft"] = router } })
	end

	-- What a rule with these words looks up.
	local function looked_up(words)
		local set = nft.ruleset(ns):match(words:gsub("%p", "%%%0") .. " @(_[%w_]+)")
		return set and nft.set(ns, "inet nat " .. set)
	end

	it("follows what its names stand for, one batch an event", function()
		local d = start()
		local m = nft.monitor(ns)
		assert.matches("chain forward", nft.ruleset(ns))
		assert.same({}, looked_up "ip daddr")
		assert.is_nil(nft.ruleset(ns):find("snat", 1, true))

		ns:run "ip addr add 203.0.113.7/24 dev wan0"
		rnmd.settle(d)
		assert.equal(1, (m:generations()))
		assert.same({ "203.0.113.7" }, looked_up "ip daddr")
		assert.matches("snat ip to 203.0.113.7", nft.ruleset(ns), 1, true)
		assert.same({ "192.168.1.0/24", "198.51.100.0/24" }, nft.set(ns, "inet filter admins"))

		ns:run "ip addr del 203.0.113.7/24 dev wan0; ip addr add 203.0.113.99/24 dev wan0"
		rnmd.settle(d)
		assert.same({ "203.0.113.99" }, looked_up "ip daddr")
		assert.matches("snat ip to 203.0.113.99", nft.ruleset(ns), 1, true)
		local before = nft.ruleset(ns)
		m:generations()
		d:cmd "reload"
		assert.equal(0, (m:generations()))
		assert.equal(before, nft.ruleset(ns))
		m:close()
		rnmd.stop(d)
	end)

	it("is checked by rnm check, and stays as it was when a reload is wrong", function()
		local d = start()
		local before = nft.ruleset(ns)
		local out, code = ns:try(("%s/rnm check -c %s"):format(os.getenv "RNM_BUILD" or "build", d.config))
		assert.equal(0, code, out)
		d:write("templates/router.nft", "table inet filter {\n\tchain input {\n\t\ttcp dprt 22 accept\n\t}\n}\n")
		out, code = ns:try(("%s/rnm check -c %s"):format(os.getenv "RNM_BUILD" or "build", d.config))
		assert.equal(1, code, out)
		assert.matches("templates/router.nft:3:7: ", out, 1, true)
		assert.matches("did you mean `dport`?", out, 1, true)
		local ok = pcall(d.cmd, d, "reload")
		assert.is_false(ok)
		assert.equal(before, nft.ruleset(ns))
		rnmd.stop(d)
	end)

	it("shares its tables with packs, whose objects count", function()
		ns:run "ip link set lo up"
		local d = start { ["p.lua"] = [=[
			local t = nft.load[[
				table inet filter {
					quota tenk { over 10 kbytes }
					map each { type inet_service : counter; elements = { 9 : "hits" } }
				}
			]]
			hits = t:counter("hits", { packets = 100, bytes = 5 })
			quota = t:quota("tenk")
			t:chain("out", { type = "filter", hook = "output", priority = 0 })
				:rule("meta l4proto udp counter name udp dport map @each quota name $q", { q = quota })
		]=] }
		assert.matches("counter name udp dport map @each", nft.ruleset(ns), 1, true)
		assert.equal("{ bytes = 5, packets = 100 }", d:cmd "eval --pack p hits:read()"[1])
		ns:run "bash -c 'for i in 1 2; do echo x >/dev/udp/127.0.0.1/9; done'"
		assert.matches("packets = 102", d:cmd "eval --pack p hits:read()"[1])
		local q = d:cmd "eval --pack p quota:read()"[1]
		assert.matches("bytes = 10240, over = true, used = %d+", q)
		assert.is_nil(q:find("used = 0", 1, true))
		local answer = d:cmd "eval --pack p return nft.table('inet', 'filter'):counter('new'):read()"
		assert.same({ "nil", "ENOENT" }, { answer[1], answer[3] })

		-- a changed bound is updated in place, and what is counted stays
		d:write("policies.d/p.lua", sh.read(d.dir .. "/policies.d/p.lua"):gsub("over 10 kbytes", "over 20 kbytes"))
		d:cmd "reload"
		assert.matches("bytes = 20480, over = true", d:cmd "eval --pack p quota:read()"[1])
		assert.matches("packets = 10[2-9]", d:cmd "eval --pack p hits:read()"[1])
		rnmd.stop(d)
	end)
end)
