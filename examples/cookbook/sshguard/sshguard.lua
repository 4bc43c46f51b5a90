-- SPDX-License-Identifier: GPL-2.0-or-later
-- sshguard.lua: who is in stays in. Peers of live SSH sessions are accepted before all other rules of the input chain.
-- ssh-peers.sh tells them, every few minutes and at each login:  rnm emit ssh address=192.0.2.50
local cfg = rnm.config {
  table = "zones", chain = "input",  -- the chain that others fill: here that of the policy zones
  port  = 22,
  time  = "10m",                     -- after which a peer that was not told again is forgotten
}
local t     = nft.table("inet", cfg.table)
local input = t:chain(cfg.chain)
local v4    = t:set("ssh-peers4", { type = "ipv4_addr", flags = "timeout", size = 1024 })
local v6    = t:set("ssh-peers6", { type = "ipv6_addr", flags = "timeout", size = 1024 })
input:insert("ip saddr $peers tcp dport $port accept", { peers = v4, port = cfg.port })
input:insert("ip6 saddr $peers tcp dport $port accept", { peers = v6, port = cfg.port })

rnm.on("message", { topic = "ssh" }, function (ev)
  for address in (ev.data.address or ""):gmatch "%S+" do
    local ok, why = (address:find(":", 1, true) and v6 or v4):add(address, { timeout = cfg.time })
    if not ok then rnm.log.warn("no peer:", why) end
  end
end)
