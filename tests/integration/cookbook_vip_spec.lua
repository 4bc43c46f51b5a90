-- SPDX-License-Identifier: GPL-2.0-or-later
-- examples/cookbook/vip: an address that comes and goes, and what goes with it.
local lab = require "lab"
local rnmd = require "rnmd"

describe("virtual addresses", function()
	local outside, host, inside, d, web, far

	setup(function()
		outside, host, inside = lab.host(), lab.host(), lab.host()
		lab.router(host)
		lab.wire(outside, "eth0", "203.0.113.1/24", host, "wan0", "203.0.113.5/24")
		lab.wire(host, "lan0", "10.0.0.1/24", inside, "eth0", "10.0.0.2/24")
		inside:run "ip route add default via 10.0.0.1"
		web, far = lab.serve(host, 80), lab.serve(outside, 8080)
		d = lab.cookbook(host, "vip", "packs: { vip: { config: { vips: [203.0.113.20], wait: true } } }")
	end)

	teardown(function()
		web:stop()
		far:stop()
		rnmd.stop(d)
		rnmd.clean()
	end)

	local function open() lab.connect(outside, "203.0.113.20", 80) end
	local function shut() lab.shut(outside, "203.0.113.20", 80) end
	local function notify(state) lab.script(d, "vip", "notify.sh", "INSTANCE web " .. state .. " 100") end

	it("open once the connections were taken over", function()
		shut()
		host:run "ip addr add 203.0.113.20/32 dev wan0"
		rnmd.settle(d)
		shut()
		notify "MASTER"
		open()
	end)

	it("are where connections from inside come from", function()
		assert.equal("203.0.113.20 server", lab.connect(inside, "203.0.113.1", 8080))
	end)

	it("close with the address, whatever is said", function()
		host:run "ip addr del 203.0.113.20/32 dev wan0"
		rnmd.settle(d)
		shut()
		lab.shut(inside, "203.0.113.1", 8080)
		notify "BACKUP"
		host:run "ip addr add 203.0.113.20/32 dev wan0"
		rnmd.settle(d)
		shut()
	end)
end)
