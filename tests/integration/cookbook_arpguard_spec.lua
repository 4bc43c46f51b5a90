-- SPDX-License-Identifier: GPL-2.0-or-later
-- examples/cookbook/arpguard: somebody on the bridge answers for the gateway.
local lab = require "lab"
local rnmd = require "rnmd"
local sh = require "sh"

describe("the guard of the gateway's address", function()
	local host, victim, gateway, thief, d
	local REAL, FALSE = "02:00:00:00:00:fe", "02:00:00:00:66:66"

	setup(function()
		host, victim, gateway, thief = lab.host(), lab.host(), lab.host(), lab.host()
		host:run "ip link add br0 type bridge && ip addr add 192.168.1.2/24 dev br0 && ip link set br0 up"
		lab.wire(host, "p1", nil, victim, "eth0", "192.168.1.10/24")
		lab.wire(host, "p2", nil, gateway, "eth0", "192.168.1.1/24")
		lab.wire(host, "p3", nil, thief, "eth0", nil)
		host:run "for p in p1 p2 p3; do ip link set $p master br0; done"
		gateway:run("ip link set eth0 address " .. REAL)
		thief:run("ip link set eth0 address " .. FALSE)
		d = lab.cookbook(host, "arpguard", "packs: { arpguard: { config: { gateway: 192.168.1.1 } } }")
	end)

	teardown(function()
		rnmd.stop(d)
		rnmd.clean()
	end)

	local function talk(ns) ns:try "bash -c 'echo >/dev/udp/192.168.1.1/9'" end
	local function believed(ns) return ns:run "ip neigh show 192.168.1.1":match "lladdr (%S+)" end

	it("learns the gateway, and drops what others say", function()
		talk(host)
		sh.eventually(function() return host:run "nft list chain bridge arpguard pre":find(REAL, 1, true) end)
		thief:run "ip addr add 192.168.1.1/24 dev eth0"
		gateway:run "ip link set eth0 down"
		talk(victim)
		sh.eventually(function() return lab.count(host, "bridge arpguard pre", "drop") > 0 end)
		assert.is_nil(believed(victim))
		gateway:run "ip link set eth0 up"
		victim:run "ip neigh flush all"
		sh.eventually(function()
			talk(victim)
			return believed(victim) == REAL
		end)
	end)

	it("takes over another one when told", function()
		gateway:run "ip link set eth0 down"
		d:cmd("emit gateway mac=" .. FALSE)
		victim:run "ip neigh flush all"
		sh.eventually(function()
			talk(victim)
			return believed(victim) == FALSE
		end)
	end)
end)
