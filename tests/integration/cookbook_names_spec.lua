-- SPDX-License-Identifier: GPL-2.0-or-later
-- examples/cookbook/names: what a resolver says, and packets that follow.
local lab = require "lab"
local nft = require "nft"
local rnmd = require "rnmd"

describe("rules by name", function()
	local far, host, d, service, ssh

	setup(function()
		far, host = lab.host(), lab.host()
		lab.wire(far, "eth0", "192.0.2.1/24", host, "eth0", "192.0.2.2/24")
		far:run "ip addr add 192.0.2.9/24 dev eth0"
		service, ssh = lab.serve(far, 443), lab.serve(host, 22)
		d = lab.cookbook(host, "names", [[
packs: { names: { config: { out: [{ name: api.example.org, port: 443 }], admin: [{ name: home.example.org, port: 22 }] } } }]])
	end)

	teardown(function()
		service:stop()
		ssh:stop()
		rnmd.stop(d)
		rnmd.clean()
	end)

	-- The script asks once; the resolver is played by getent.
	local function resolve(answer)
		lab.script(d, "names", "resolve.sh", "api.example.org home.example.org", { env = "INTERVAL=0", stubs = { getent = answer } })
	end

	it("are shut before there was an answer", function()
		lab.shut(host, "192.0.2.1", 443)
		lab.shut(far, "192.0.2.2", 22)
	end)

	it("let through what the answer says", function()
		resolve [[case $2 in
api*) printf '192.0.2.1 STREAM api.example.org\n192.0.2.1 DGRAM\n2001:db8::1 STREAM\n' ;;
home*) echo '192.0.2.9 STREAM home.example.org' ;;
esac]]
		assert.same({ "192.0.2.1" }, nft.set(host, "inet names api_2eexample_2eorg-4"))
		assert.same({ "2001:db8::1" }, nft.set(host, "inet names api_2eexample_2eorg-6"))
		lab.connect(host, "192.0.2.1", 443)
		lab.shut(host, "192.0.2.9", 443)
		lab.connect(far, "192.0.2.2", 22, ",bind=192.0.2.9")
		lab.shut(far, "192.0.2.2", 22, ",bind=192.0.2.1")
	end)

	it("stay as they are while the resolver is down, and over a restart", function()
		resolve "exit 2"
		resolve "exit 0"
		lab.connect(host, "192.0.2.1", 443)
		d:halt()
		d:launch()
		lab.connect(far, "192.0.2.2", 22, ",bind=192.0.2.9")
	end)
end)
