-- SPDX-License-Identifier: GPL-2.0-or-later
-- luacheck: ignore listed
-- lists.lua: a blocklist kept in a file, and bans that other programs ask for:  rnm emit ban address=203.0.113.9 time=10m
-- (the YAML's  packs: { lists: { files: [/var/lib/lists/drop.txt] } }  allows the file)
local t      = nft.table("inet", "lists")
local listed = t:set("listed", { type = "ipv4_addr", flags = "interval", elements = rnm.file "/var/lib/lists/drop.txt" })
local banned = t:set("banned", { type = "ipv4_addr", flags = "timeout", size = 65536 })
t:chain("in", { type = "filter", hook = "input", priority = -10 }):rules [[
  ip saddr @listed counter drop
  ip saddr @banned counter drop
]]
rnm.on("message", { topic = "ban" }, function (ev)
  local ok, why = banned:add(ev.data.address, { timeout = ev.data.time or "1h" })
  if not ok then rnm.log.warn(why) end
end)
