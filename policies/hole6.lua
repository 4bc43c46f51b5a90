-- SPDX-License-Identifier: GPL-2.0-or-later
-- hole6.lua: a pinhole whose host part is fixed and whose prefix is whatever the provider delegated today.
local fwd = nft.table("inet", "hole6"):chain("pinholes", { type = "filter", hook = "forward", priority = "filter" })
rnm.each(net.addrs { zone = "lan", family = "ipv6", scope = "global" }, function (a)
  fwd:rule("ip6 daddr $host tcp dport 443 accept", { host = net.host(a.network, "::10") })
end)
