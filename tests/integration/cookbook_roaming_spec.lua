-- SPDX-License-Identifier: GPL-2.0-or-later
-- examples/cookbook/roaming: a laptop that comes home and leaves.
local lab = require "lab"
local rnmd = require "rnmd"
local sh = require "sh"

describe("roaming", function()
	local home, laptop, d, service

	setup(function()
		home, laptop = lab.host(), lab.host()
		lab.wire(home, "eth0", "192.168.1.1/24", laptop, "wlan0", nil)
		home:run "ip link set eth0 address 02:00:5e:00:01:01"
		service = lab.serve(laptop, 22)
		d = lab.cookbook(laptop, "roaming", 'packs: { roaming: { config: { home: ["02:00:5e:00:01:01"] } } }')
	end)

	teardown(function()
		service:stop()
		rnmd.stop(d)
		rnmd.clean()
	end)

	local function open() lab.connect(home, "192.168.1.77", 22) end
	local function shut() lab.shut(home, "192.168.1.77", 22) end
	-- A packet to the gateway, so that the kernel asks who it is.
	local function talk() laptop:try "bash -c 'echo >/dev/udp/192.168.1.1/9'" end

	it("is public when the address comes", function()
		laptop:run "ip addr add 192.168.1.77/24 dev wlan0"
		talk()
		rnmd.settle(d)
		shut()
	end)

	it("is home when the gateway is the one", function()
		laptop:run "ip route add default via 192.168.1.1"
		talk()
		sh.eventually(function() return laptop:run "ip neigh":find("02:00:5e:00:01:01", 1, true) end)
		rnmd.settle(d)
		open()
	end)

	it("is public again without the route, and with another gateway", function()
		laptop:run "ip route del default"
		rnmd.settle(d)
		shut()
		home:run "ip link set eth0 address 02:00:00:00:66:66"
		laptop:run "ip neigh flush dev wlan0; ip route add default via 192.168.1.1"
		talk()
		sh.eventually(function() return laptop:run "ip neigh":find("02:00:00:00:66:66", 1, true) end)
		rnmd.settle(d)
		shut()
	end)
end)
