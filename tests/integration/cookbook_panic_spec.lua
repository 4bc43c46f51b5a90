-- SPDX-License-Identifier: GPL-2.0-or-later
-- policies/panic: the switch, with real connections.
local lab = require "lab"
local nft = require "nft"
local rnmd = require "rnmd"

describe("the panic switch", function()
	local client, host, d, web, ssh

	setup(function()
		client, host = lab.host(), lab.host()
		lab.wire(client, "eth0", "192.0.2.1/24", host, "eth0", "192.0.2.2/24")
		client:run "ip addr add 192.0.2.9/24 dev eth0"
		web, ssh = lab.serve(host, 80), lab.serve(host, 22)
		d = lab.cookbook(host, "panic", "packs: { panic: { config: { admins: [192.0.2.9] } } }")
	end)

	teardown(function()
		web:stop()
		ssh:stop()
		rnmd.stop(d)
		rnmd.clean()
	end)

	local function open(port, from) lab.connect(client, "192.0.2.2", port, from and ",bind=" .. from) end
	local function shut(port, from) lab.shut(client, "192.0.2.2", port, from and ",bind=" .. from) end

	it("does nothing while it sleeps", function()
		open(80)
		open(22)
	end)

	it("shuts all but the way in, by one change, and over a restart", function()
		local m = nft.monitor(host)
		assert.equal(0, select(2, d:rnm "emit panic state=on"))
		assert.equal(1, (m:generations()))
		m:close()
		for _ = 1, 2 do
			shut(80)
			shut(22)
			open(22, "192.0.2.9")
			d:halt()
			d:launch()
		end
	end)

	it("opens again", function()
		d:cmd "emit panic state=off"
		open(80)
		open(22)
	end)
end)
