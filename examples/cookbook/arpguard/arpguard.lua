-- SPDX-License-Identifier: GPL-2.0-or-later
-- arpguard.lua: nobody on the bridge but the gateway answers for the gateway. Its link-layer address is taken when it is
-- first seen, and another one only when you say so:  rnm emit gateway mac=02:00:00:00:00:fe
local cfg = rnm.config {
  gateway = "192.168.1.1",
  mac     = "",             -- given here it is not learnt
}
local state = rnm.state
local pre   = nft.table("bridge", "arpguard"):chain("pre", { type = "filter", hook = "prerouting", priority = "filter" })

rnm.block(function ()
  local mac = cfg.mac ~= "" and cfg.mac or state.mac
  if not mac then return end
  pre:rule("arp saddr ip $gateway arp saddr ether != $mac counter drop", { gateway = cfg.gateway, mac = mac })
end)

rnm.on("neigh_change", { address = cfg.gateway }, function (ev)
  if not ev.mac or ev.action == "del" then return end
  if not state.mac then
    rnm.log.info(("gateway %s has the address %s from now on"):format(cfg.gateway, ev.mac))
    state.mac = ev.mac
  elseif ev.mac ~= state.mac then
    rnm.log.warn(("%s claims to be the gateway %s; if it is:  rnm emit gateway mac=%s"):format(ev.mac, cfg.gateway, ev.mac))
  end
end)

rnm.on("message", { topic = "gateway" }, function (ev) state.mac = ev.data.mac end)
