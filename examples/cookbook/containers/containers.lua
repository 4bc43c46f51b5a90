-- SPDX-License-Identifier: GPL-2.0-or-later
-- containers.lua: who may reach whom, by the containers' labels. What is not allowed is dropped, known or not.
-- Each message says all there is:  rnm emit containers web="172.18.0.5 172.18.0.6" db=172.18.0.9
local cfg = rnm.config {
  networks = { "172.18.0.0/16" },  -- where containers live
  allow    = {},                   -- { { from = "web", to = "db", port = 5432 }, … }
}
local t        = nft.table("inet", "containers")
local networks = t:set("networks", { type = "ipv4_addr", flags = "interval", elements = cfg.networks })
local forward  = t:chain("forward", { type = "filter", hook = "forward", priority = "filter - 1" })

local roles = {}
local function role(name)
  roles[name] = roles[name] or t:set("role-" .. nft.name(name), { type = "ipv4_addr" })
  return roles[name]
end

forward:rule "ct state established,related accept"
for _, a in ipairs(cfg.allow) do
  forward:rule("ip saddr $from ip daddr $to tcp dport $port accept", { from = role(a.from), to = role(a.to), port = a.port })
end
forward:rule("ip saddr $networks ip daddr $networks counter drop", { networks = networks })

rnm.block(function ()
  for name, set in pairs(roles) do
    for address in (rnm.state[name] or ""):gmatch "%S+" do
      local ok, why = set:add(address)
      if not ok then rnm.log.warn(name .. ":", why) end
    end
  end
end)

rnm.on("message", { topic = "containers" }, function (ev)
  for name in pairs(roles) do rnm.state[name] = ev.data[name] end
end)
