-- SPDX-License-Identifier: GPL-2.0-or-later
-- examples/cookbook/synguard: a flood, a real client in the middle of it, and the quiet after.
local lab = require "lab"
local nft = require "nft"
local rnmd = require "rnmd"
local sh = require "sh"

describe("the SYN proxy", function()
	local client, host, d, service

	setup(function()
		client, host = lab.host(), lab.host()
		lab.wire(client, "eth0", "192.0.2.1/24", host, "eth0", "192.0.2.2/24")
		host:run "echo 0 >/proc/sys/net/netfilter/nf_conntrack_tcp_loose"
		service = lab.serve(host, 443)
		d = lab.cookbook(host, "synguard", "packs: { synguard: { config: { ports: [443, 444], rate: 5, calm: 1 } } }")
	end)

	teardown(function()
		service:stop()
		rnmd.stop(d)
		rnmd.clean()
	end)

	local function on() return nft.ruleset(host):find("synproxy", 1, true) ~= nil end

	it("comes with the flood and lets clients through", function()
		lab.connect(client, "192.0.2.2", 443)
		assert.is_false(on())
		local flood = sh.spawn(client:enter() .. "bash -c 'while :; do : </dev/tcp/192.0.2.2/444; sleep 0.01; done'")
		sh.eventually(on, 20)
		lab.connect(client, "192.0.2.2", 443)
		flood:stop "KILL"
	end)

	it("goes when it is quiet", function()
		sh.eventually(function() return not on() end, 20)
		lab.connect(client, "192.0.2.2", 443)
	end)
end)
