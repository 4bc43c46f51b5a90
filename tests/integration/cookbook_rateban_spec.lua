-- SPDX-License-Identifier: GPL-2.0-or-later
-- policies/rateban: real connections, too many of them.
local lab = require "lab"
local rnmd = require "rnmd"

describe("bans by the packet path", function()
	local client, host, d, service

	setup(function()
		client, host = lab.host(), lab.host()
		lab.wire(client, "eth0", "192.0.2.1/24", host, "eth0", "192.0.2.2/24")
		client:run "ip addr add 192.0.2.13/24 dev eth0; ip addr add 192.0.2.14/24 dev eth0"
		service = lab.serve(host, 22)
		d = lab.cookbook(host, "rateban", "packs: { rateban: { config: { per_minute: 1, burst: 3, allow: [192.0.2.14] } } }")
	end)

	teardown(function()
		service:stop()
		rnmd.stop(d)
		rnmd.clean()
	end)

	local function open(from) lab.connect(client, "192.0.2.2", 22, ",bind=192.0.2." .. from) end
	local function shut(from) lab.shut(client, "192.0.2.2", 22, ",bind=192.0.2." .. from) end

	it("end the patience after the burst, for one source alone", function()
		for _ = 1, 3 do open(13) end
		shut(13)
		open(1)
		local banned = table.concat(d:cmd [[eval nft.table("inet", "rateban"):set("abuse4"):read()]], " ")
		assert.matches("192.0.2.13", banned, 1, true)
		assert.not_matches("192.0.2.1 ", banned, 1, true)
	end)

	it("never count friends", function()
		for _ = 1, 8 do open(14) end
	end)

	it("leave open sessions open", function()
		local echo = lab.echo(host, 2222)
		d:configure "packs: { rateban: { config: { ports: [22, 2222], per_minute: 1, burst: 3 } } }"
		d:cmd "reload"
		local session = lab.session(client, "192.0.2.2", 2222)
		for _ = 1, 3 do lab.knock(client, "192.0.2.2", 22, ",bind=192.0.2.1") end
		shut(1)
		lab.alive(session)
		session:stop "KILL"
		echo:stop()
	end)

	it("are forgiven by hand, and stay so over a reload", function()
		host:run "nft delete element inet rateban abuse4 '{ 192.0.2.13 }'; nft delete element inet rateban rates4 '{ 192.0.2.13 }'"
		d:cmd "reload"
		open(13)
	end)
end)
