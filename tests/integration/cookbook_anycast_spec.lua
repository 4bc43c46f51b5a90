-- SPDX-License-Identifier: GPL-2.0-or-later
-- examples/cookbook/anycast: real routes, many of them.
local lab = require "lab"
local rnmd = require "rnmd"

local N = os.getenv "RNM_TORTURE" and 100000 or 5000

describe("an anycast gate", function()
	local client, host, d, service

	setup(function()
		client, host = lab.host(), lab.host()
		lab.wire(client, "eth0", "198.51.100.1/24", host, "eth0", "198.51.100.2/24")
		client:run "ip route add 192.0.2.53/32 via 198.51.100.2"
		host:run "ip addr add 192.0.2.53/32 dev lo"
		service = lab.serve(host, 53)
		d = lab.cookbook(host, "anycast", 'packs: { anycast: { config: { services: [192.0.2.53/32], table: "100" } } }')
	end)

	teardown(function()
		service:stop()
		rnmd.stop(d)
		rnmd.clean()
	end)

	it("is open exactly while the route is there", function()
		lab.shut(client, "192.0.2.53", 53)
		host:run "ip route add 192.0.2.53/32 dev lo table 100 proto bird"
		rnmd.settle(d)
		lab.connect(client, "192.0.2.53", 53)
		host:run "ip route del 192.0.2.53/32 dev lo table 100"
		rnmd.settle(d)
		lab.shut(client, "192.0.2.53", 53)
	end)

	it("does not run for the routes of others", function()
		local function calls() return rnmd.status(d, "pack anycast: [^\n]-(%d+) calls") end
		local before, lines = calls(), {}
		for i = 0, N - 1 do lines[#lines + 1] = ("route add %d.%d.%d.0/24 via 198.51.100.1 table 100 proto bgp"):format(10 + (i >> 16), i >> 8 & 255, i & 255) end
		assert.equal(0, select(2, rnmd.ip_batch(host, lines)))
		rnmd.settle(d)
		assert.equal(before, calls())
		host:run "ip route add 192.0.2.53/32 dev lo table 100"
		rnmd.settle(d)
		lab.connect(client, "192.0.2.53", 53)
	end)
end)
