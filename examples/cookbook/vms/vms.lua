-- SPDX-License-Identifier: GPL-2.0-or-later
-- vms.lua: a virtual machine may send as itself only. Its tap is shut until something that knows the machine says who it is:
--   rnm emit vm tap=vnet7 mac=52:54:00:00:00:07 address="192.0.2.7 2001:db8::7"      (libvirt-hook.sh does)
local cfg = rnm.config { taps = "vnet*" }
local t   = nft.table("bridge", "vms")
local map = t:map("taps", { type = "ifname : verdict" })
t:chain("pre", { type = "filter", hook = "prerouting", priority = "filter" }):rule "iifname vmap @taps"

rnm.each(net.links { name = cfg.taps }, function (link)
  local vm = rnm.state[link.name]
  local c  = t:chain("vm-" .. link.name)
  map:add(link.name, "jump " .. c.name)
  if vm then
    c:rule("ether saddr != $mac counter drop", vm)
    if #vm.v4 + #vm.v6 > 0 then
      c:rule("arp saddr ip != $v4 counter drop", vm)
      c:rule("ip saddr != $v4 ip saddr != 0.0.0.0 counter drop", vm)
      c:rule("ip6 saddr != $v6 ip6 saddr != { ::, fe80::/10 } counter drop", vm)
    end
  else
    c:rule "counter drop"
  end
end)

rnm.on("message", { topic = "vm" }, function (ev)
  local vm = { mac = ev.data.mac, v4 = {}, v6 = {} }
  for address in (ev.data.address or ""):gmatch "%S+" do
    local list = address:find(":", 1, true) and vm.v6 or vm.v4
    list[#list + 1] = address
  end
  rnm.state[ev.data.tap] = ev.data.mac and vm or nil
end)

rnm.on("link_change", { name = cfg.taps, action = "del" }, function (ev) rnm.state[ev.link.name] = nil end)
