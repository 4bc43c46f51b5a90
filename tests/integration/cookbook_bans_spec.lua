-- SPDX-License-Identifier: GPL-2.0-or-later
-- examples/cookbook/bans: real log lines, real packets, and what a restart leaves of a ban.
local lab = require "lab"
local nft = require "nft"
local rnmd = require "rnmd"
local sh = require "sh"

describe("bans", function()
	local client, host, d, service

	setup(function()
		client, host = lab.host(), lab.host()
		lab.wire(client, "eth0", "192.0.2.1/24", host, "eth0", "192.0.2.2/24")
		client:run "ip addr add 192.0.2.13/24 dev eth0"
		service = lab.serve(host, 22)
		d = lab.cookbook(host, "bans", "packs: { bans: { config: { failures: 3, time: 3600 } } }")
	end)

	teardown(function()
		service:stop()
		rnmd.stop(d)
		rnmd.clean()
	end)

	local function open(from) lab.connect(client, "192.0.2.2", 22, ",bind=192.0.2." .. from) end
	local function shut(from) lab.shut(client, "192.0.2.2", 22, ",bind=192.0.2." .. from) end
	local function banned() return table.concat(nft.set(host, "inet bans banned4"), " ") end

	-- Seconds that an element has left in the kernel.
	local function left(address)
		local n = 0
		local text = host:run("nft list set inet bans banned4"):match(address:gsub("%.", "%%.") .. " timeout %w+ expires (%w+)") or ""
		for v, unit in text:gmatch "(%d+)(%l+)" do n = n + v * ({ h = 3600, m = 60, s = 1, ms = 0.001 })[unit] end
		return n
	end

	it("come from the journal's lines, and not from what a user name pretends", function()
		open(13)
		local journal = [[cat <<'END'
Failed password for root from 192.0.2.13 port 40022 ssh2
Accepted publickey for root from 192.0.2.1 port 50000 ssh2: ED25519 SHA256:xyz
Failed password for invalid user x from 192.0.2.1 port 1 ssh2 from 192.0.2.13 port 40023 ssh2
Invalid user x from 192.0.2.1 port 1 from 192.0.2.13 port 40023
Invalid user admin from 192.0.2.13 port 40024
Failed password for invalid user y from 192.0.2.1 port 1 ssh2 from 192.0.2.14 port 40025 ssh2
END]]
		lab.script(d, "bans", "sshd-failures.sh", "", { stubs = { journalctl = journal } })
		assert.equal("192.0.2.13", banned())
		shut(13)
		open(1)
	end)

	it("go through a restart with the time that is left, and are extended", function()
		d:cmd "emit ban address=192.0.2.14 time=100s"
		d:halt()
		sh.sleep(1.1)
		d:launch()
		assert.is_true(left "192.0.2.14" < 99)
		assert.is_true(left "192.0.2.13" > 3500 and left "192.0.2.13" < 3599)
		shut(13)
		d:cmd "emit ban address=192.0.2.14 time=1h"
		assert.is_true(left "192.0.2.14" > 3500)
		d:cmd "emit unban address=192.0.2.13"
		open(13)
	end)

	it("come by thousands in one change", function()
		local list = {}
		for i = 0, 1999 do list[#list + 1] = ("10.%d.%d.1"):format(i // 256, i % 256) end
		local m = nft.monitor(host)
		d:cmd(('emit ban address="%s" time=4h'):format(table.concat(list, " ")))
		local n, text = m:generations()
		assert.equal(1, n)
		local _, elements = text:gsub("%f[%w]10%.%d+%.%d+%.1 ", "")
		assert.equal(2000, elements)
		m:close()
	end)
end)
