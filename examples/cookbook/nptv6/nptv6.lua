-- SPDX-License-Identifier: GPL-2.0-or-later
-- nptv6.lua: fixed addresses inside, whatever prefix the provider delegates today (RFC 6296).
local cfg = rnm.config {
  inside   = { "fd00:0:0:1::/64" },  -- networks inside; the n-th gets the n-th /64 of the delegated prefix, from 0
  protocol = "dhcp",                 -- who installs the delegated prefix as an unreachable route
}
local post = nft.table("ip6", "nptv6"):chain("post", { type = "nat", hook = "postrouting", priority = "srcnat" })

rnm.block(function ()
  local delegated = net.routes { family = "ipv6", type = "unreachable", protocol = cfg.protocol }:first()
  if not delegated then return end
  local map = {}
  for i, inside in ipairs(cfg.inside) do
    local outside, why = net.subnet(delegated.dst, 64, i - 1)
    if outside then map[nft.prefix(inside)] = nft.prefix(outside) else rnm.log.warn(why) end
  end
  post:rule("oifname $wan snat ip6 prefix to ip6 saddr map $map", { wan = net.links { zone = "wan" }, map = map })
end)
