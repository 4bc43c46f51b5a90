-- SPDX-License-Identifier: GPL-2.0-or-later
-- failover.lua: several uplinks by weight; connections stay with theirs while it lives and leave it when it dies.
-- An uplink lives while its table has a default route: take it away (a prober, a DHCP client, ip route del) and it is out.
local cfg = rnm.config {
  uplinks = {},  -- { { name = "wan1", mark = 256, table = "101", weight = 6 }, … }
}
local t       = nft.table("inet", "failover")
local alive   = t:set("alive", { type = "mark" })
local pre     = t:chain("pre", { type = "filter", hook = "prerouting", priority = "mangle" })
local forward = t:chain("forward", { type = "filter", hook = "forward", priority = "filter" })

pre:rule "ct mark @alive meta mark set ct mark return"
-- The client of a connection whose uplink died is told, and comes back over another one.
forward:rule "ct mark != 0 ct mark != @alive meta l4proto tcp reject with tcp reset"
forward:rule "ct mark != 0 ct mark != @alive drop"

rnm.block(function ()
  local turns, n = {}, 0
  for _, up in ipairs(cfg.uplinks) do
    if net.routes { table = up.table, dst = "default", iface = up.name }:first() then
      alive:add(up.mark)
      pre:rule("iifname $name ct state new ct mark set $mark return", up)
      turns[nft.range(n, n + up.weight - 1)] = up.mark
      n = n + up.weight
    end
  end
  if n > 0 then
    pre:rule("ct state new ct mark set numgen inc mod $n map $turns meta mark set ct mark", { n = n, turns = turns })
  end
end)
