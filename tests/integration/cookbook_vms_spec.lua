-- SPDX-License-Identifier: GPL-2.0-or-later
-- examples/cookbook/vms: two machines on a bridge, played by namespaces; one of them pretends.
local lab = require "lab"
local nft = require "nft"
local rnmd = require "rnmd"

describe("machines on a bridge", function()
	local host, a, b, d, service

	setup(function()
		host, a, b = lab.host(), lab.host(), lab.host()
		host:run "ip link add br0 type bridge && ip link set br0 up"
		d = lab.cookbook(host, "vms", "")
		for i, ns in ipairs { a, b } do
			lab.wire(host, "vnet" .. i, nil, ns, "eth0", ("192.0.2.%d/24"):format(i))
			host:run(("ip link set vnet%d master br0"):format(i))
			ns:run(("ip link set eth0 address 52:54:00:00:00:0%d"):format(i))
		end
		service = lab.serve(b, 80)
	end)

	teardown(function()
		service:stop()
		rnmd.stop(d)
		rnmd.clean()
	end)

	it("are shut until libvirt said who they are", function()
		lab.shut(a, "192.0.2.2", 80)
		lab.script(d, "vms", "libvirt-hook.sh", [[guest started begin - <<'END'
<domain type='kvm'><devices>
 <interface type='bridge'>
  <mac address='52:54:00:00:00:01'/><source bridge='br0'/><target dev='vnet1'/>
  <filterref filter='clean'><parameter name='IP' value='192.0.2.1'/><parameter name='X' value='9'/></filterref>
 </interface>
 <interface type='bridge'><mac address='52:54:00:00:00:02'/><target dev='vnet2'/></interface>
</devices></domain>
END]])
		lab.connect(a, "192.0.2.2", 80)
	end)

	it("can not send as another", function()
		a:run "ip addr add 192.0.2.77/24 dev eth0"
		lab.shut(a, "192.0.2.2", 80, ",bind=192.0.2.77")
		a:run "ip link set eth0 address 52:54:00:00:00:99"
		b:run "ip neigh flush all"
		lab.shut(a, "192.0.2.2", 80)
		assert.is_true(lab.count(host, "bridge vms vm-vnet1", "ether saddr") > 0)
		a:run "ip link set eth0 address 52:54:00:00:00:01"
		b:run "ip neigh flush all"
		lab.connect(a, "192.0.2.2", 80)
	end)

	it("leave nothing behind", function()
		host:run "ip link del vnet1"
		rnmd.settle(d)
		assert.same({ "vnet2" }, { table.concat(nft.map(host, "bridge vms taps")):match "(vnet%d)" })
		assert.not_matches("vnet1", nft.ruleset(host))
	end)
end)
