-- SPDX-License-Identifier: GPL-2.0-or-later
-- examples/cookbook/failover: connections over two uplinks, one of which dies.
local lab = require "lab"
local rnmd = require "rnmd"
local sh = require "sh"

describe("failover", function()
	local client, router, isp, services, d = nil, nil, {}, {}, nil

	setup(function()
		client, router = lab.host(), lab.host()
		lab.router(router)
		lab.wire(client, "eth0", "10.0.0.2/24", router, "lan0", "10.0.0.1/24")
		client:run "ip route add default via 10.0.0.1"
		for i = 1, 2 do
			isp[i] = lab.host()
			lab.wire(router, "wan" .. i, ("198.51.%d.2/24"):format(i), isp[i], "eth0", ("198.51.%d.1/24"):format(i))
			isp[i]:run(("ip addr add 8.8.8.8/32 dev lo && ip route add 10.0.0.0/24 via 198.51.%d.2"):format(i))
			services[#services + 1] = lab.serve(isp[i], 80, "isp" .. i)
			services[#services + 1] = lab.echo(isp[i], 7)
			router:run(("ip route add default via 198.51.%d.1 dev wan%d table %d && ip rule add pref %d fwmark %d table %d"):format(i, i, 100 + i, 1000 + i, i << 8, 100 + i))
		end
		router:run "ip rule add pref 1000 table main suppress_prefixlength 0; ip route add default via 198.51.1.1"
		d = lab.cookbook(router, "failover", [[
packs: { failover: { config: { uplinks: [
  { name: wan1, mark: 256, table: "101", weight: 2 }, { name: wan2, mark: 512, table: "102", weight: 1 } ] } } }]])
	end)

	teardown(function()
		for _, p in ipairs(services) do p:stop() end
		rnmd.stop(d)
		rnmd.clean()
	end)

	-- Over which uplink n new connections went.
	local function went(n)
		local count = { 0, 0 }
		for _ = 1, n do
			local said = assert(lab.connect(client, "8.8.8.8", 80))
			local i = tonumber(said:match "isp(%d)")
			count[i] = count[i] + 1
		end
		return count
	end

	it("spreads new connections by weight", function()
		assert.same({ 4, 2 }, went(6))
	end)

	it("keeps connections where they are, and ends those of a dead uplink at once", function()
		-- Three connections that stay open: two over the first uplink, one over the second.
		local open = {}
		for i = 1, 3 do open[i] = lab.session(client, "8.8.8.8", 7) end
		router:run "ip route del default table 101"
		rnmd.settle(d)
		local ended, alive = 0, 0
		sh.eventually(function()
			ended = 0
			for i = 1, 3 do ended = ended + (open[i]:status() and 1 or 0) end
			return ended == 2
		end)
		for i = 1, 3 do
			if not open[i]:status() then
				lab.alive(open[i])
				alive = alive + 1
			end
			open[i]:stop "KILL"
		end
		assert.equal(1, alive)
		assert.same({ 0, 3 }, went(3))
	end)

	it("takes the uplink back", function()
		router:run "ip route add default via 198.51.1.1 dev wan1 table 101"
		rnmd.settle(d)
		assert.same({ 4, 2 }, went(6))
	end)
end)
