-- SPDX-License-Identifier: GPL-2.0-or-later
-- examples/cookbook/nptv6: real connections from behind a prefix that changes.
local lab = require "lab"
local netns = require "netns"
local rnmd = require "rnmd"
local sh = require "sh"

describe("NPTv6", function()
	local inside, router, outside, d, service

	setup(function()
		inside, router, outside = netns.new(), netns.new(), netns.new()
		for _, ns in ipairs { inside, router, outside } do
			ns:run "for i in all default; do echo 0 >/proc/sys/net/ipv6/conf/$i/accept_dad; echo 0 >/proc/sys/net/ipv6/conf/$i/router_solicitations; done"
		end
		router:run "echo 1 >/proc/sys/net/ipv6/conf/all/forwarding"
		lab.wire(inside, "eth0", "fd00:0:0:1::10/64", router, "lan0", "fd00:0:0:1::1/64")
		lab.wire(router, "wan0", "2001:db8:ffff::2/64", outside, "eth0", "2001:db8:ffff::1/64")
		inside:run "ip -6 route add default via fd00:0:0:1::1"
		outside:run "ip -6 route add 2001:db8:a::/48 via 2001:db8:ffff::2; ip -6 route add 2001:db8:b::/48 via 2001:db8:ffff::2"
		service = sh.spawn(outside:enter() .. "socat TCP6-LISTEN:80,fork,reuseaddr SYSTEM:'echo $SOCAT_PEERADDR'")
		d = lab.cookbook(router, "nptv6", "interfaces: [{ name: wan0, nftables_zone: wan }]\npacks: { nptv6: {} }")
	end)

	teardown(function()
		service:stop()
		rnmd.stop(d)
		rnmd.clean()
	end)

	local function seen_as()
		return lab.connect(inside, "[2001:db8:ffff::1]", 80)
	end

	it("shows the host with the prefix of today", function()
		router:run "ip -6 route add unreachable 2001:db8:a::/56 proto dhcp"
		rnmd.settle(d)
		assert.equal("[2001:0db8:000a:0000:0000:0000:0000:0010]", seen_as())
		router:run "ip -6 route add unreachable 2001:db8:b::/56 proto dhcp; ip -6 route del unreachable 2001:db8:a::/56 proto dhcp"
		rnmd.settle(d)
		assert.equal("[2001:0db8:000b:0000:0000:0000:0000:0010]", seen_as())
	end)
end)
