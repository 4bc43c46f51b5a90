-- SPDX-License-Identifier: GPL-2.0-or-later
-- anycast.lua: a service is open while its route is announced, and not a packet longer. However many routes the routing
-- daemon installs, only those of the services reach this policy.
local cfg = rnm.config {
  services = {},        -- { "192.0.2.53/32", "2001:db8::53/128" }: the routes that stand for them
  table    = "main",
  ports    = { 53 },
}
local t     = nft.table("inet", "anycast")
local input = t:chain("input", { type = "filter", hook = "input", priority = "filter" })
for version, daddr in pairs { ["4"] = "ip daddr", ["6"] = "ip6 daddr" } do
  local type, mine = "ipv" .. version .. "_addr", {}
  for _, s in ipairs(cfg.services) do
    if (version == "6") == (s:find(":", 1, true) ~= nil) then mine[#mine + 1] = s end
  end
  if #mine > 0 then
    local all = t:set("services" .. version, { type = type, flags = "interval", elements = mine })
    local up  = t:set("announced" .. version, { type = type, flags = "interval",
      elements = net.routes { dst = mine, table = cfg.table } })
    input:rule("meta l4proto { tcp, udp } th dport $ports " .. daddr .. " $up accept", { ports = cfg.ports, up = up })
    input:rule(daddr .. " $all counter drop", { all = all })
  end
end
