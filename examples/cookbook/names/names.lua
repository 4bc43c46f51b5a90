-- SPDX-License-Identifier: GPL-2.0-or-later
-- names.lua: rules by DNS name. resolve.sh asks the resolver and tells what it said:
--   rnm emit dns name=api.example.org address="192.0.2.10 2001:db8::10" ttl=300
-- An address stays for its time to live; without a new answer all of a name stay as they are.
local cfg = rnm.config {
  out   = {},         -- { { name = "api.example.org", port = 443 }, … }: where this host may connect to, through port
  admin = {},         -- { { name = "home.example.org", port = 22 }, … }: who may connect to this host
  least = 300,        -- seconds that an address stays at least
  most  = 86400,
}
local t      = nft.table("inet", "names")
local output = t:chain("output", { type = "filter", hook = "output", priority = "filter" })
local input  = t:chain("input", { type = "filter", hook = "input", priority = "filter" })

local sets = {}
local function sets_of(name)
  sets[name] = sets[name] or {
    v4 = t:set(nft.name(name) .. "-4", { type = "ipv4_addr" }),
    v6 = t:set(nft.name(name) .. "-6", { type = "ipv6_addr" }),
  }
  return sets[name]
end

local function rules(chain, list, match)
  local ports = {}
  for _, r in ipairs(list) do
    local s = sets_of(r.name)
    chain:rule("ip " .. match .. " $set tcp dport $port accept", { set = s.v4, port = r.port })
    chain:rule("ip6 " .. match .. " $set tcp dport $port accept", { set = s.v6, port = r.port })
    ports[#ports + 1] = r.port
  end
  chain:rule("ct state new tcp dport $ports drop", { ports = ports })
end
rules(output, cfg.out, "daddr")
rules(input, cfg.admin, "saddr")

rnm.block(function ()
  for name, s in pairs(sets) do
    for address in pairs(rnm.state[name] or {}) do
      local ok, why = (address:find(":", 1, true) and s.v6 or s.v4):add(address)
      if not ok then rnm.log.warn(name .. ":", why) end
    end
  end
end)

rnm.on("message", { topic = "dns" }, function (ev)
  local known = sets[ev.data.name] and (rnm.state[ev.data.name] or {})
  if not known or not (ev.data.address or ""):find "%S" then return end  -- no answer changes nothing
  local now = math.floor(ev.time)
  local ttl = math.max(cfg.least, math.min(tonumber(ev.data.ttl) or cfg.least, cfg.most))
  for address, ends in pairs(known) do
    if ends < now then known[address] = nil end
  end
  for address in ev.data.address:gmatch "%S+" do known[address] = now + ttl end
  rnm.state[ev.data.name] = known
end)
