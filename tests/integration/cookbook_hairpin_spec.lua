-- SPDX-License-Identifier: GPL-2.0-or-later
-- examples/cookbook/hairpin: real connections through a router whose public address changes.
local lab = require "lab"
local nft = require "nft"
local rnmd = require "rnmd"

describe("published ports", function()
	local outside, router, inside, server, d, service

	setup(function()
		outside, router, inside, server = lab.host(), lab.host(), lab.host(), lab.host()
		lab.router(router)
		lab.wire(outside, "eth0", "203.0.113.1/24", router, "wan0", "203.0.113.7/24")
		-- One network inside, two hosts on it.
		router:run "ip link add lan0 type bridge && ip addr add 192.168.1.1/24 dev lan0 && ip link set lan0 up"
		lab.wire(router, "p1", nil, inside, "eth0", "192.168.1.20/24")
		lab.wire(router, "p2", nil, server, "eth0", "192.168.1.10/24")
		router:run "ip link set p1 master lan0 && ip link set p2 master lan0"
		for _, ns in ipairs { inside, server } do ns:run "ip route add default via 192.168.1.1" end
		service = lab.serve(server, 80)
		d = lab.cookbook(router, "wan", [[
interfaces:
  - { name: wan0, nftables_zone: wan }
  - { name: lan0, nftables_zone: lan }
packs: { wan: { config: { server: 192.168.1.10, ports: [80] } } }
]])
	end)

	teardown(function()
		service:stop()
		rnmd.stop(d)
		rnmd.clean()
	end)

	it("are reached from outside, the client's address kept", function()
		assert.equal("203.0.113.1 server", lab.connect(outside, "203.0.113.7", 80))
	end)

	it("are reached from inside by the public address", function()
		assert.equal("192.168.1.1 server", lab.connect(inside, "203.0.113.7", 80))
	end)

	it("go along when the address changes, and no rule is touched", function()
		local handles = router:run "nft -a list table inet rnm":gsub("elements = [^\n]*", ""):gsub("packets %d+ bytes %d+", "")
		local m = nft.monitor(router)
		router:run "ip addr del 203.0.113.7/24 dev wan0 && ip addr add 203.0.113.99/24 dev wan0"
		rnmd.settle(d)
		local _, text = m:generations()
		assert.not_matches("rule", text)
		m:close()
		assert.same({ "203.0.113.99" }, nft.set(router, "inet rnm wan4"))
		assert.equal(handles, (router:run "nft -a list table inet rnm":gsub("elements = [^\n]*", ""):gsub("packets %d+ bytes %d+", "")))
		assert.equal("203.0.113.1 server", lab.connect(outside, "203.0.113.99", 80))
		assert.equal("192.168.1.1 server", lab.connect(inside, "203.0.113.99", 80))
		lab.shut(outside, "203.0.113.7", 80)
	end)
end)
