-- SPDX-License-Identifier: GPL-2.0-or-later
-- Feeds the set `blocklist` of an /etc/nftables.conf that is not rnm's, such as the one beside this file: what its owner
-- declares and adds stays as it is, also when `systemctl reload nftables` flushes everything; what comes from here comes again.
local config = rnm.config { list = "/var/lib/lists/drop.txt", ban_time = "1h" }

nft.attach("inet", "filter", "blocklist"):follow(rnm.file(config.list))

local banned = nft.attach("inet", "filter", "banned")
rnm.on("message", { topic = "ban" }, function (ev)
  local ok, why = banned:add(ev.data.address, { timeout = ev.data.time or config.ban_time })
  if not ok then rnm.log.warn("no ban:", why) end
end)
