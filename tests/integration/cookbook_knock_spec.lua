-- SPDX-License-Identifier: GPL-2.0-or-later
-- policies/knock: real knocks.
local lab = require "lab"
local rnmd = require "rnmd"

describe("port knocking", function()
	local client, host, d, service

	setup(function()
		client, host = lab.host(), lab.host()
		lab.wire(client, "eth0", "192.0.2.1/24", host, "eth0", "192.0.2.2/24")
		for i = 3, 8 do client:run(("ip addr add 192.0.2.1%d/24 dev eth0"):format(i)) end
		service = lab.serve(host, 22)
		d = lab.cookbook(host, "knock", "packs: { knock: { config: { within: 30s } } }")
	end)

	teardown(function()
		service:stop()
		rnmd.stop(d)
		rnmd.clean()
	end)

	-- Each test comes from an address of its own. A dropped SYN shows nothing, so a knock is not waited for.
	local function knocks(from, ports)
		for port in ports:gmatch "%d+" do lab.knock(client, "192.0.2.2", tonumber(port), ",bind=192.0.2." .. from) end
	end
	local function open(from) lab.connect(client, "192.0.2.2", 22, ",bind=192.0.2." .. from) end
	local function shut(from) lab.shut(client, "192.0.2.2", 22, ",bind=192.0.2." .. from) end

	it("keeps the port shut without", function()
		shut(13)
	end)

	it("opens to the right knocks, and only to who knocked", function()
		knocks(14, "7001 7002 7003")
		open(14)
		shut(13)
	end)

	it("takes a repeated knock for one", function()
		knocks(15, "7001 7001 7002 7003")
		open(15)
	end)

	it("forgets the knocks at a wrong port", function()
		knocks(16, "7001 7002 9999 7003")
		shut(16)
		knocks(16, "7002 7003 7001")
		shut(16)
	end)

	it("lets those in stay in over reload, change and restart", function()
		knocks(17, "7001 7002 7003")
		d:configure "packs: { knock: { config: { within: 30s, stay: 2h } } }"
		d:cmd "reload"
		open(17)
		d:halt()
		d:launch()
		open(17)
		assert.matches("192.0.2.17", table.concat(d:cmd [[eval nft.table("inet", "knock"):set("opened4"):read()]], " "))
	end)
end)
