-- SPDX-License-Identifier: GPL-2.0-or-later
-- examples/cookbook/services: real control groups. The hierarchy may be anywhere, as where there is an old one beside it.
local lab = require "lab"
local nft = require "nft"
local rnmd = require "rnmd"
local sh = require "sh"

local mount = (sh.read "/proc/mounts" or ""):match "\n?%S+ (/sys/fs/cgroup%S*) cgroup2 "
local slice = mount and ("%s/rnm-spec-%d.slice"):format(mount, sh.run "echo $PPID":match "%d+")
local possible = slice and select(2, sh.try("mkdir " .. slice)) == 0

describe("a tunnel for some services", function()
	local far, host, d, service, below

	setup(function()
		if not possible then return end
		below = slice:gsub("^/sys/fs/cgroup", "")
		far, host = lab.host(), lab.host()
		lab.wire(far, "eth0", "192.0.2.1/24", host, "vpn0", "192.0.2.2/24")
		service = lab.serve(far, 80)
		d = lab.cookbook(host, "services", "packs: { services: { config: { link: vpn0, level: 2 } } }")
	end)

	teardown(function()
		if not possible then return end
		service:stop()
		rnmd.stop(d)
		rnmd.clean()
		sh.try(("rmdir %s/*.service %s"):format(slice, slice))
	end)

	-- Connects from within a control group.
	local function reach(group)
		local out, code = host:try(("sh -c 'echo $$ >%s/%s/cgroup.procs; exec socat -T 1 -u TCP:192.0.2.1:80,connect-timeout=0.3 STDOUT'"):format(slice, group))
		return code == 0 and out:find "server" ~= nil
	end

	it("is shut before they are known, and to all others", function()
		if not possible then return pending "no version 2 control groups to make here" end
		sh.run(("mkdir %s/a.service %s/b.service"):format(slice, slice))
		assert.is_false(reach "a.service")
		d:cmd(("emit service name=a.service cgroup=%s/a.service"):format(below))
		sh.eventually(function() return reach "a.service" end)
		assert.is_false(reach "b.service")
	end)

	it("knows a service that was started anew", function()
		if not possible then return pending "no version 2 control groups to make here" end
		sh.run(("rmdir %s/a.service && mkdir %s/a.service"):format(slice, slice))
		assert.is_false(reach "a.service")
		d:cmd(("emit service name=a.service cgroup=%s/a.service"):format(below))
		sh.eventually(function() return reach "a.service" end)
		assert.equal(1, #nft.set(host, "inet services services"))
		d:cmd "emit service name=a.service"
		assert.is_false(reach "a.service")
	end)
end)
