-- SPDX-License-Identifier: GPL-2.0-or-later
-- bans.lua: too many failures within a while are a ban, each next one twice as long. Others may ban as well.
--   rnm emit failure address=203.0.113.9          rnm emit ban address="203.0.113.9 198.51.100.4" time=4h
--   rnm emit unban address=203.0.113.9
local cfg = rnm.config {
  failures = 5,             -- so many
  within   = 600,           -- in so many seconds
  time     = 600,           -- are a ban of so many seconds, the first time
  longest  = 7 * 86400,
  allow    = { "127.0.0.0/8", "::1" },  -- are never banned
}
local t   = nft.table("inet", "bans")
local v4  = t:set("banned4", { type = "ipv4_addr", flags = "timeout", size = 131072 })
local v6  = t:set("banned6", { type = "ipv6_addr", flags = "timeout", size = 131072 })
t:chain("input", { type = "filter", hook = "input", priority = "filter - 10" }):rules [[
  ip saddr @banned4 counter drop
  ip6 saddr @banned6 counter drop
]]
local function set_of(address) return address:find(":", 1, true) and v6 or v4 end

local function ban(address, time)
  for _, prefix in ipairs(cfg.allow) do
    if net.contains(prefix, address) then return end
  end
  local ok, why = set_of(address):add(address, { timeout = time })
  if not ok then rnm.log.warn("no ban:", why) end
end

local failures, bans = {}, {}  -- address → times; address → { number, time of the last one }

rnm.on("message", { topic = "failure" }, function (ev)
  local address = ev.data.address or ""
  local times = failures[address] or {}
  failures[address] = times
  times[#times + 1] = ev.time
  if #times > cfg.failures then table.remove(times, 1) end
  if #times < cfg.failures or ev.time - times[1] > cfg.within then return end
  failures[address] = nil
  local before = bans[address]
  local number = before and before.number or 0
  bans[address] = { number = number + 1, time = ev.time }
  ban(address, math.min(cfg.time << math.min(number, 20), cfg.longest))
end)

rnm.on("message", { topic = "ban" }, function (ev)
  for address in (ev.data.address or ""):gmatch "%S+" do ban(address, ev.data.time or cfg.time) end
end)

rnm.on("message", { topic = "unban" }, function (ev)
  for address in (ev.data.address or ""):gmatch "%S+" do set_of(address):del(address) end
end)

rnm.every("1m", function ()
  local now = os.time()
  for address, times in pairs(failures) do
    if now - times[#times] > cfg.within then failures[address] = nil end
  end
  for address, b in pairs(bans) do
    if now - b.time > cfg.longest then bans[address] = nil end
  end
end)
