-- SPDX-License-Identifier: GPL-2.0-or-later
-- dnscapture.lua: the LAN's DNS goes to the resolver on this host, whomever it was meant for; but only while that lives.
-- The resolver's unit says so:  ExecStartPost=rnm emit resolver state=up    ExecStopPost=rnm emit resolver state=down
local cfg = rnm.config {
  port  = 53,
  alive = 90,   -- seconds: "up" must come again within them (see heartbeat.sh); 0: it counts until "down" comes
}
local pre = nft.table("inet", "dnscapture"):chain("pre", { type = "nat", hook = "prerouting", priority = "dstnat" })
local lan = net.links { zone = "lan" }

rnm.block(function ()
  if not rnm.state.up then return end
  pre:rule("iifname $lan udp dport 53 fib daddr type != local redirect to :$port", { lan = lan, port = cfg.port })
  pre:rule("iifname $lan tcp dport 53 fib daddr type != local redirect to :$port", { lan = lan, port = cfg.port })
end)

local timer
local function expect_news()
  if timer then timer:cancel() end
  timer = cfg.alive > 0 and rnm.after(cfg.alive, function () rnm.state.up = false end) or nil
end
expect_news()  -- what was up before a reload or restart must say so again

rnm.on("message", { topic = "resolver" }, function (ev)
  rnm.state.up = ev.data.state == "up"
  expect_news()
end)
