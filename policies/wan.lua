-- SPDX-License-Identifier: GPL-2.0-or-later
-- wan.lua: published ports follow the public address, for those inside as well (hairpin).
local cfg = rnm.config { server = "192.168.1.10", ports = { 80, 443 } }
local t   = nft.table("inet", "rnm")
t:set("wan4", { type = "ipv4_addr", elements = net.addrs { zone = "wan", family = "ipv4", scope = "global" } })
local lan = net.addrs { zone = "lan", family = "ipv4" }:map("network")

t:chain("publish", { type = "nat", hook = "prerouting", priority = "dstnat" })
 :rule("ip daddr @wan4 tcp dport $ports counter dnat ip to $server", cfg)
t:chain("hairpin", { type = "nat", hook = "postrouting", priority = "srcnat" })
 :rule("ip saddr $lan ip daddr $server tcp dport $ports masquerade", { lan = lan, server = cfg.server, ports = cfg.ports })
