-- SPDX-License-Identifier: GPL-2.0-or-later
-- knock.lua: a port that opens to those who knock at others before, in order. The packet path does it all.
local cfg = rnm.config {
  knocks = { 7001, 7002, 7003 },
  port   = 22,     -- opens
  within = "10s",  -- from one knock to the next
  stay   = "1h",   -- how long it stays open for new connections
}
local t     = nft.table("inet", "knock")
local input = t:chain("input", { type = "filter", hook = "input", priority = "filter - 5" })
local last  = #cfg.knocks

for saddr, type in pairs { ["ip saddr"] = "ipv4_addr", ["ip6 saddr"] = "ipv6_addr" } do
  local function set(name, timeout)
    return t:set(name .. type:sub(4, 4), { type = type, flags = "dynamic, timeout", timeout = timeout, size = 65535 })
  end
  local opened, reached = set("opened", cfg.stay), {}
  for i = 1, last - 1 do reached[i] = set("knock" .. i .. "v", cfg.within) end
  reached[last] = opened

  -- Any other port forgets the knocks so far; the same one again does not (a client repeats its first packet).
  for i = 1, last - 1 do
    input:rule("ct state new tcp dport != { $again, $next } " .. saddr .. " $reached delete $reached { " .. saddr .. " }",
      { reached = reached[i], again = cfg.knocks[i], next = cfg.knocks[i + 1] })
  end
  for i = last, 2, -1 do
    input:rule("ct state new tcp dport $knock " .. saddr .. " $before update $reached { " .. saddr .. " } drop",
      { knock = cfg.knocks[i], before = reached[i - 1], reached = reached[i] })
  end
  input:rule("ct state new tcp dport $knock update $reached { " .. saddr .. " } drop", { knock = cfg.knocks[1], reached = reached[1] })
  input:rule("ct state new tcp dport $port " .. saddr .. " $opened accept", { port = cfg.port, opened = opened })
end
input:rule("ct state new tcp dport $port drop", cfg)
