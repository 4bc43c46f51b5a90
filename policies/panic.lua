-- SPDX-License-Identifier: GPL-2.0-or-later
-- panic.lua: one word shuts the host but for those who administer it, and one word opens it again.
--   rnm emit panic state=on        rnm emit panic state=off
local cfg = rnm.config {
  admins = {},     -- addresses and prefixes that keep their way in
  port   = 22,
  link   = "",     -- a management link that stays open
}
rnm.block(function ()
  local t     = nft.table("inet", "panic", { flags = not rnm.state.on and "dormant" or nil })
  local spec  = { type = "filter", priority = -200, policy = "drop" }
  local sets  = {
    ["ip saddr"]  = t:set("admins4", { type = "ipv4_addr", flags = "interval", auto_merge = true }),
    ["ip6 saddr"] = t:set("admins6", { type = "ipv6_addr", flags = "interval", auto_merge = true }),
  }
  for _, a in ipairs(cfg.admins) do assert(sets[a:find(":", 1, true) and "ip6 saddr" or "ip saddr"]:add(a)) end

  spec.hook = "input"
  local input = t:chain("input", spec)
  input:rule 'iif "lo" accept'
  input:rule "ct state established accept"
  input:rule "icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert, nd-router-advert } accept"
  for saddr, set in pairs(sets) do input:rule(saddr .. " $admins tcp dport $port accept", { admins = set, port = cfg.port }) end
  if cfg.link ~= "" then input:rule("iifname $link accept", cfg) end

  spec.hook = "forward"
  t:chain("forward", spec)
end)

rnm.on("message", { topic = "panic" }, function (ev)
  local on = ev.data.state == "on"
  if on ~= (rnm.state.on or false) then rnm.log.warn("panic " .. (on and "on" or "off")) end
  rnm.state.on = on
end)
