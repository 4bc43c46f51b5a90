-- SPDX-License-Identifier: GPL-2.0-or-later
-- taps.lua: an anti-spoofing chain for each VM's tap, reached through one verdict map.
local t   = nft.table("bridge", "vms")
local vms = t:map("vms", { type = "ifname : verdict" })
t:chain("forward", { type = "filter", hook = "forward", priority = "filter" }):rule("iifname vmap @vms")

rnm.each(net.links { name = "tap*" }, function (link)
  local c = t:chain("vm-" .. link.name)
  c:rule("ether saddr != $mac counter drop", { mac = link.mac })
  vms:add(link.name, "goto " .. c.name)
end)
