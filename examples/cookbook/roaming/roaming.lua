-- SPDX-License-Identifier: GPL-2.0-or-later
-- roaming.lua: a laptop's zones. Home is where the gateway is one that is known; everywhere else is public, from the first
-- packet on.
local cfg = rnm.config {
  links = { "wl*", "en*", "eth*" },
  home  = {},                         -- link-layer addresses of gateways: { "02:00:5e:00:01:01" }
  tcp   = { 22, 631 },                -- what is open at home
  udp   = { 5353 },
}
local t      = nft.table("inet", "roaming")
local zone   = t:map("zone", { type = "ifname : verdict" })
local home   = t:chain("home")
local public = t:chain("public")

home:rule("tcp dport $tcp accept", cfg):rule("udp dport $udp accept", cfg):rule "icmp type echo-request accept"
public:rule "counter drop"
t:chain("input", { type = "filter", hook = "input", priority = "filter", policy = "drop" }):rules [[
  iif "lo" accept
  ct state vmap { established : accept, related : accept, invalid : drop }
  icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert, nd-router-advert } accept
  udp sport 67 udp dport 68 accept
  iifname vmap @zone
]]

local known = {}
for _, mac in ipairs(cfg.home) do known[mac:lower()] = true end

rnm.each(net.links { name = cfg.links }, function (link)
  local route   = net.routes { iface = link.name, dst = "default", family = "ipv4" }:first()
  local gateway = route and route.gateway and net.neighs { iface = link.name, address = route.gateway }:first()
  zone:add(link.name, gateway and known[gateway.mac] and "jump home" or "jump public")
end)
