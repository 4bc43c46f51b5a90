-- SPDX-License-Identifier: GPL-2.0-or-later
-- examples/cookbook/dnscapture: questions to somebody else's resolver.
local lab = require "lab"
local rnmd = require "rnmd"
local sh = require "sh"

describe("DNS capture", function()
	local client, router, d, services, heart

	setup(function()
		client, router = lab.host(), lab.host()
		lab.router(router)
		lab.wire(client, "eth0", "192.168.1.20/24", router, "lan0", "192.168.1.1/24")
		client:run "ip route add default via 192.168.1.1"
		services = { lab.serve(router, 53, "resolver"), sh.spawn(router:enter() .. "socat UDP-RECVFROM:53,fork SYSTEM:'echo resolver'") }
		d = lab.cookbook(router, "dnscapture", "interfaces: [{ name: lan0, nftables_zone: lan }]\npacks: { dnscapture: { config: { alive: 2 } } }")
	end)

	teardown(function()
		for _, p in ipairs(services) do p:stop() end
		rnmd.stop(d)
		rnmd.clean()
	end)

	local function asks(seconds)
		return (client:try(("echo question | socat -t %s - UDP:8.8.8.8:53"):format(seconds))):find "resolver" ~= nil
	end

	it("begins when the resolver says that it is there", function()
		assert.is_false(asks(0.1))
		heart = lab.script(d, "dnscapture", "heartbeat.sh", "", { background = true, env = "INTERVAL=0.3", stubs = { dig = "exit 0" } })
		sh.eventually(function() return asks(0.5) end)
		assert.equal("192.168.1.20 resolver", lab.connect(client, "8.8.8.8", 53))
	end)

	it("ends by itself when nothing is heard any more", function()
		assert.matches("redirect", router:run "nft list ruleset")
		heart:stop "KILL"
		sh.eventually(function() return not router:run "nft list ruleset":find "redirect" end, 20)
		assert.is_false(asks(0.1))
	end)
end)
