-- SPDX-License-Identifier: GPL-2.0-or-later
-- examples/cookbook/balance: clients, two backends and a probe.
local lab = require "lab"
local rnmd = require "rnmd"
local sh = require "sh"

describe("balancing", function()
	local clients, lb, backends, services, d

	setup(function()
		clients, lb, backends, services = lab.host(), lab.host(), {}, {}
		lab.router(lb)
		lab.wire(clients, "eth0", "203.0.113.1/24", lb, "eth0", "203.0.113.7/24")
		for i = 11, 18 do clients:run(("ip addr add 203.0.113.%d/24 dev eth0"):format(i)) end
		for i = 1, 2 do
			backends[i] = lab.host()
			lab.wire(lb, "b" .. i, ("10.0.%d.1/24"):format(i), backends[i], "eth0", ("10.0.%d.11/24"):format(i))
			backends[i]:run(("ip route add default via 10.0.%d.1"):format(i))
			services[#services + 1] = lab.serve(backends[i], 80, "backend" .. i)
		end
		services[#services + 1] = lab.echo(backends[1], 7)
		d = lab.cookbook(lb, "balance", "packs: { balance: { config: { address: 203.0.113.7, backends: [10.0.1.11, 10.0.2.11] } } }")
	end)

	teardown(function()
		for _, p in ipairs(services) do p:stop() end
		rnmd.stop(d)
		rnmd.clean()
	end)

	-- Which backend each client gets.
	local function who()
		local out = {}
		for i = 11, 18 do out[i] = lab.connect(clients, "203.0.113.7", 80, ",bind=203.0.113." .. i):match "backend(%d)" end
		return out
	end

	local before
	it("shares the clients, each always to the same backend", function()
		before = who()
		local text = table.concat(before, "", 11, 18)
		assert.matches("1", text)
		assert.matches("2", text)
		assert.same(before, who())
	end)

	it("moves those of a backend that the probe finds dead, and no others", function()
		sh.write(d.dir .. "/down", "")
		local probe = lab.script(d, "balance", "probe.sh", "http://%s/ 10.0.1.11 10.0.2.11", { background = true, env = "INTERVAL=0.05",
			stubs = { curl = ("echo . >>%s/asked; case $* in *10.0.1.11*) ! test -e %s/down ;; esac"):format(d.dir, d.dir) } })
		sh.eventually(function() return lb:run "nft list set ip balance dead":find("10.0.1.11", 1, true) end)
		for i, backend in pairs(who()) do assert.equal("2", backend, i) end
		sh.run("rm " .. d.dir .. "/down")
		sh.eventually(function() return not lb:run "nft list set ip balance dead":find("10.0.1.11", 1, true) end)
		assert.same(before, who())
		probe:stop()
		local asked = sh.read(d.dir .. "/asked")
		sh.sleep(0.3)
		assert.equal(asked, sh.read(d.dir .. "/asked"))
	end)

	it("lets the connections of a draining backend go on, and resets those of a dead one", function()
		d:configure "packs: { balance: { config: { address: 203.0.113.7, port: 7, backends: [10.0.1.11] } } }"
		d:cmd "reload"
		local session = lab.session(clients, "203.0.113.7", 7)
		d:cmd "emit backend address=10.0.1.11 state=drain"
		lab.alive(session)
		lab.shut(clients, "203.0.113.7", 7)
		d:cmd "emit backend address=10.0.1.11 state=down"
		sh.eventually(function() return session:status() end)
		session:stop "KILL"
	end)
end)
