-- SPDX-License-Identifier: GPL-2.0-or-later
-- examples/cookbook/sshguard: a live session, a policy that would cut it off, and the shipped zones that it stands before.
local daemon = require "daemon"
local lab = require "lab"
local nft = require "nft"
local rnmd = require "rnmd"
local sh = require "sh"

describe("the guard of SSH sessions", function()
	local admin, host, d, ssh, session

	setup(function()
		admin, host = lab.host(), lab.host()
		lab.wire(admin, "eth0", "192.0.2.1/24", host, "eth0", "192.0.2.2/24")
		admin:run "ip addr add 192.0.2.9/24 dev eth0"
		ssh = lab.echo(host, 22)
		d = daemon.start(host, {
			config = "interfaces: [{ name: eth0, nftables_zone: lan }]\npacks: { zones: { config: { zones: { lan: [ssh] } } }, sshguard: {} }",
			packs = { ["sshguard.lua"] = sh.read "examples/cookbook/sshguard/sshguard.lua", ["zones.lua"] = sh.read "policies/zones.lua" },
		})
		session = lab.session(admin, "192.0.2.2", 22)
	end)

	teardown(function()
		session:stop "KILL"
		ssh:stop()
		rnmd.stop(d)
		rnmd.clean()
	end)

	it("asks the kernel who is there", function()
		lab.script(d, "sshguard", "ssh-peers.sh")
		assert.same({ "192.0.2.1" }, nft.set(host, "inet zones ssh-peers4"))
		lab.script(d, "sshguard", "ssh-peers.sh", "", { env = "PAM_RHOST=2001:db8::7" })
		assert.same({ "2001:db8::7" }, nft.set(host, "inet zones ssh-peers6"))
		lab.script(d, "sshguard", "ssh-peers.sh", "", { env = "PAM_RHOST='evil; drop'" })
		assert.same({ "192.0.2.1" }, nft.set(host, "inet zones ssh-peers4"))
	end)

	it("lets in who is in, whatever is applied", function()
		d:pack("zz-mistake.lua", [[
local input = nft.table("inet", "zones"):chain("input")
input:insert "ct state established drop"
input:insert "tcp dport 22 drop"]])
		d:configure "interfaces: [{ name: eth0, nftables_zone: lan }]\npacks: { zones: { config: { zones: { lan: [http] } } } }"
		d:cmd "reload"
		lab.alive(session)
		lab.session(admin, "192.0.2.2", 22):stop "KILL"
		lab.shut(admin, "192.0.2.2", 22, ",bind=192.0.2.9")
	end)
end)
