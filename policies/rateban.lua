-- SPDX-License-Identifier: GPL-2.0-or-later
-- rateban.lua: who opens connections too fast is banned by the packet path itself, in no time and without a log.
local cfg = rnm.config {
  ports      = { 22 },
  per_minute = 10,
  burst      = 5,
  time       = "10m",  -- of a ban
  allow      = {},     -- addresses and prefixes that are never counted
}
local t     = nft.table("inet", "rateban")
local input = t:chain("input", { type = "filter", hook = "input", priority = "filter - 5" })
local rate  = ("%d/minute burst %d packets"):format(cfg.per_minute, cfg.burst)

for version, match in pairs { ["4"] = "ip saddr", ["6"] = "ip6 saddr" } do
  local type  = "ipv" .. version .. "_addr"
  local allow = t:set("allow" .. version, { type = type, flags = "interval", auto_merge = true })
  local rates = t:set("rates" .. version, { type = type, flags = "dynamic, timeout", timeout = "1m", size = 65535 })
  local abuse = t:set("abuse" .. version, { type = type, flags = "dynamic, timeout", timeout = cfg.time, size = 65535 })
  for _, a in ipairs(cfg.allow) do
    if (version == "6") == (a:find(":", 1, true) ~= nil) then assert(allow:add(a)) end
  end
  -- Only new connections are counted and dropped: a session that is open stays open.
  input:rule("ct state new " .. match .. " $allow accept", { allow = allow })
  input:rule("ct state new " .. match .. " $abuse counter drop", { abuse = abuse })
  input:rule("ct state new tcp dport $ports update $rates { " .. match .. " limit rate over " .. rate .. " } add $abuse { " .. match .. " } drop",
    { ports = cfg.ports, rates = rates, abuse = abuse })
end
