-- SPDX-License-Identifier: GPL-2.0-or-later
local daemon = require "daemon"
local netns = require "netns"
local nft = require "nft"
local sh = require "sh"

local build = os.getenv "RNM_BUILD" or "build"

describe("an installation", function()
	local dest, ns

	local function install()
		sh.run(("make -s install BUILD=%s %s DESTDIR=%s PREFIX=/usr"):format(build, build:find "/san$" and "SAN=1" or "", dest))
	end

	setup(function()
		dest = sh.tempdir()
		install()
	end)

	before_each(function()
		ns = netns.new()
	end)

	after_each(function()
		daemon.stop_all()
		netns.close_all()
	end)

	teardown(function()
		sh.run("rm -rf " .. dest)
	end)

	it("has its parts where they belong", function()
		local modes = { ["usr/sbin/rnmd"] = "755", ["usr/bin/rnm"] = "755", ["usr/share/rnm/policies/wan.lua"] = "644",
			["usr/share/rnm/lua/rnm/testing.lua"] = "644", ["usr/lib/systemd/system/rnm.service"] = "644",
			["usr/share/man/man8/rnmd.8"] = "644", ["usr/share/man/man7/rnm-json.7"] = "644", ["etc/rnm/config.yaml"] = "600", ["etc/rnm/policies.d"] = "755",
			["usr/share/doc/rnm/examples/guide/first-policy.md"] = "644", ["usr/share/doc/rnm/examples/cookbook/bans/bans.lua"] = "644",
			["usr/share/doc/rnm/examples/cookbook/bans/sshd-failures.sh"] = "755" }
		for path, mode in pairs(modes) do
			assert.equal(mode .. "\n", sh.run(("stat -c %%a %s/%s"):format(dest, path)), path)
		end
		assert.equal("", sh.run(("find %s -name '*_spec.lua'"):format(dest)))
	end)

	it("keeps a configuration that is there", function()
		sh.write(dest .. "/etc/rnm/config.yaml", "# mine\n")
		install()
		assert.equal("# mine\n", sh.read(dest .. "/etc/rnm/config.yaml"))
	end)

	it("brings a first configuration that rnmd takes", function()
		local text = sh.read "pkg-files/config/config.yaml"
		local d = daemon.start(ns, { config = text })
		assert.equal(0, (d:stop()))
	end)

	it("runs the policies that come with it, without the source tree", function()
		ns:veth("wan0", "wan1")
		ns:run "ip addr add 203.0.113.7/24 dev wan0"
		local d = daemon.start(ns, {
			config = "interfaces:\n  - name: wan0\n    nftables_zone: wan\npacks:\n  wan: {}\n",
			program = ([[unshare -m sh -c 'cd / && mount --bind %s/usr/share /usr/share && exec %s/usr/sbin/rnmd "$@"' rnmd]])
				:format(dest, dest),
		})
		assert.same({ "203.0.113.7" }, nft.set(ns, "inet rnm wan4"))
		assert.equal(0, (d:stop()))
	end)

	it("runs the specs of policies with its own modules and packs", function()
		sh.run(("mkdir -p %s/my/policies"):format(dest))
		sh.write(dest .. "/my/policies/own.lua", 'nft.table("inet", "own"):set("s", { type = "ifname", elements = net.links {} })')
		sh.write(dest .. "/my/own_spec.lua", [[
			it("works", function()
				local sim <close> = require "rnm.testing".simulate { links = { eth0 = { zone = "wan" } }, packs = { "own", "wan" } }
				sim:addr_add("eth0", "203.0.113.7/24")
				sim:assert_set("inet own s", { '"eth0"' }):assert_set("inet rnm wan4", { "203.0.113.7" }):assert_clean()
			end)
		]])
		local out = sh.run(([[unshare -m sh -c 'cd / && mount -t overlay overlay -o lowerdir=%s/usr/share:/usr/share /usr/share &&
			env -u LUA_PATH -u LUA_CPATH %s/usr/bin/rnm test %s/my']]):format(dest, dest, dest))
		assert.matches("1 success / 0 failures", out)
	end)

	it("has a unit that starts what was installed", function()
		assert.equal("/usr/sbin/rnmd -c /etc/rnm/config.yaml\n",
			sh.run(("sed -n 's/^ExecStart=//p' %s/usr/lib/systemd/system/rnm.service"):format(dest)))
	end)
end)
