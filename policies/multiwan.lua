-- SPDX-License-Identifier: GPL-2.0-or-later
-- multiwan.lua: spread new connections over the uplinks that are up; replies leave where the request came in.
local cfg = rnm.config { uplinks = { "wan1", "wan2" } }
local t   = nft.table("inet", "multiwan")
local pre = t:chain("pre", { type = "filter", hook = "prerouting", priority = "mangle" })
pre:rule("ct mark != 0 meta mark set ct mark return")
rnm.block(function ()
  local marks, n = {}, 0
  for i, name in ipairs(cfg.uplinks) do
    if net.links { name = name, carrier = true }:first() then
      pre:rule("iifname $name ct state new ct mark set $mark return", { name = name, mark = i })
      marks[n] = i                                        -- { [0] = 1, [1] = 2 }: a table with keys is a map
      n = n + 1
    end
  end
  if n > 0 then
    pre:rule("ct state new ct mark set numgen inc mod $n map $marks meta mark set ct mark", { n = n, marks = marks })
  end
end)
