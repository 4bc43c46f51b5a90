-- SPDX-License-Identifier: GPL-2.0-or-later
-- vip.lua: services and source addresses follow the virtual addresses that this host holds now (keepalived, VRRP).
-- notify.sh tells when the connections are taken over:  rnm emit vrrp state=MASTER
local cfg = rnm.config {
  vips  = {},            -- { "203.0.113.20" }
  ports = { 80, 443 },
  wait  = false,         -- true: a master opens only once notify.sh said so
}
local t    = nft.table("ip", "vip")
local open = t:set("open", { type = "ipv4_addr" })
local snat = t:map("snat_to", { type = "ifname : ipv4_addr" })
t:chain("input", { type = "filter", hook = "input", priority = "filter - 1" })
 :rule("ip daddr @open tcp dport $ports accept", cfg)
 :rule("ip daddr $vips ip protocol != { 1, 112 } counter drop", cfg)
t:chain("post", { type = "nat", hook = "postrouting", priority = "srcnat" }):rule "ct status dnat return"
 :rule "snat to oifname map @snat_to"

rnm.block(function ()
  if #cfg.vips == 0 or cfg.wait and not rnm.state.master then return end
  local has = {}
  for _, a in ipairs(net.addrs { address = cfg.vips, family = "ipv4" }) do
    open:add(a.address)
    if not has[a.iface] then snat:add(a.iface, a.address) end
    has[a.iface] = true
  end
end)

rnm.on("message", { topic = "vrrp" }, function (ev) rnm.state.master = ev.data.state == "MASTER" end)
