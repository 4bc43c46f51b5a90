-- SPDX-License-Identifier: GPL-2.0-or-later
-- examples/cookbook/rateban: real connections, too many of them.
local lab = require "lab"
local rnmd = require "rnmd"
local sh = require "sh"

describe("bans by the packet path", function()
	local client, host, d, service

	setup(function()
		client, host = lab.host(), lab.host()
		lab.wire(client, "eth0", "192.0.2.1/24", host, "eth0", "192.0.2.2/24")
		client:run "ip addr add 192.0.2.13/24 dev eth0; ip addr add 192.0.2.14/24 dev eth0"
		service = lab.serve(host, 22)
		d = lab.cookbook(host, "rateban", "packs: { rateban: { config: { per_minute: 6, burst: 3, allow: [192.0.2.14] } } }")
	end)

	teardown(function()
		service:stop()
		rnmd.stop(d)
		rnmd.clean()
	end)

	local function opened(from, n)
		local count = 0
		for _ = 1, n do count = count + (lab.connect(client, "192.0.2.2", 22, ",bind=192.0.2." .. from, 0.1) and 1 or 0) end
		return count
	end

	it("end the patience after the burst, for one source alone", function()
		local n = opened(13, 6)
		assert.is_true(n >= 3 and n <= 4, n)
		assert.equal(1, opened(1, 1))
		local banned = table.concat(d:cmd [[eval nft.table("inet", "rateban"):set("abuse4"):read()]], " ")
		assert.matches("192.0.2.13", banned, 1, true)
		assert.not_matches("192.0.2.1 ", banned, 1, true)
	end)

	it("never count friends", function()
		assert.equal(8, opened(14, 8))
	end)

	it("leave open sessions open", function()
		-- socat's cat answers what it is told until the end of the connection
		local echo = sh.spawn(host:enter() .. "socat TCP-LISTEN:2222,reuseaddr,fork EXEC:cat")
		d:configure "packs: { rateban: { config: { ports: [22, 2222], per_minute: 6, burst: 3 } } }"
		d:cmd "reload"
		sh.eventually(function() return host:run "ss -Hltn 'sport = :2222'" ~= "" end)
		local out = client:run([[{ echo one; for i in 1 2 3 4 5 6 7 8; do socat -u OPEN:/dev/null TCP:192.0.2.2:22,connect-timeout=0.05 2>/dev/null; done
			echo two; sleep 0.2; } | socat -t 0.2 - TCP:192.0.2.2:2222]])
		assert.equal("one\ntwo\n", out)
		assert.equal(0, opened(1, 1))
		echo:stop()
	end)

	it("are forgiven by hand, and stay so over a reload", function()
		host:run "nft delete element inet rateban abuse4 '{ 192.0.2.13 }'; nft delete element inet rateban rates4 '{ 192.0.2.13 }'"
		d:cmd "reload"
		assert.equal(1, opened(13, 1))
	end)
end)
