-- SPDX-License-Identifier: GPL-2.0-or-later
-- lost.lua: an address that the outside lost stays listed for ten minutes, so that late packets to it can be told apart.
local t = nft.table("inet", "rnm")
local lost = t:set("lost4", { type = "ipv4_addr", flags = "timeout" })

rnm.on("addr_change", { zone = "wan", family = "ipv4" }, function (ev)
	if ev.action == "del" then
		lost:add(ev.address, { timeout = "10m" })
	else
		lost:del(ev.address)
	end
end)
