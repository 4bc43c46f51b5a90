-- SPDX-License-Identifier: GPL-2.0-or-later
-- balance.lua: one address, several backends. A client stays with its backend while that lives; the others' share moves.
--   rnm emit backend address=10.0.0.11 state=down    (down: connections are reset; drain: they may end; up)
local cfg = rnm.config {
  address  = "203.0.113.7",
  port     = 80,
  backends = {},             -- { "10.0.0.11", "10.0.0.12" }
  slots    = 64,             -- what clients are hashed to; many more than backends
}
local t     = nft.table("ip", "balance")
local slots = t:map("slots", { typeof = ("jhash ip saddr mod %d : ip daddr"):format(cfg.slots) })
local dead  = t:set("dead", { type = "ipv4_addr" })
t:chain("pre", { type = "nat", hook = "prerouting", priority = "dstnat" })
 :rule(("ip daddr $address tcp dport $port dnat to jhash ip saddr mod %d map @slots"):format(cfg.slots), cfg)
t:chain("forward", { type = "filter", hook = "forward", priority = "filter - 1" })
 :rule "ct status dnat ip daddr @dead ip protocol tcp reject with tcp reset"

rnm.block(function ()
  local all, live = cfg.backends, {}
  for _, b in ipairs(all) do
    local state = rnm.state[b] or "up"
    if state == "up" then live[#live + 1] = b end
    if state == "down" then dead:add(b) end
  end
  if #live == 0 then return end
  for i = 0, cfg.slots - 1 do
    local owner = all[i % #all + 1]
    if (rnm.state[owner] or "up") ~= "up" then owner = live[i // #all % #live + 1] end
    slots:add(i, owner)
  end
end)

rnm.on("message", { topic = "backend" }, function (ev)
  for _, b in ipairs(cfg.backends) do
    if b == ev.data.address then rnm.state[b] = ev.data.state end
  end
end)
