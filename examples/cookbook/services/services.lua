-- SPDX-License-Identifier: GPL-2.0-or-later
-- services.lua: only some services may use the tunnel. Everything else is dropped there, so nothing slips out before its
-- service is known. A unit says where it runs:  ExecStartPost=+/usr/bin/rnm emit service name=%n cgroup=/system.slice/%n
local cfg = rnm.config {
  link  = "vpn0",
  level = 2,       -- depth of the services' cgroups
}
local t   = nft.table("inet", "services")
local set = t:set("services", { typeof = ("socket cgroupv2 level %d"):format(cfg.level) })
t:chain("output", { type = "filter", hook = "output", priority = "filter" })
 :rule(("oifname $link socket cgroupv2 level %d @services accept"):format(cfg.level), cfg)
 :rule("oifname $link counter drop", cfg)

local block = rnm.block(function ()
  for name, cgroup in pairs(rnm.state) do
    local ok, why = set:add(cgroup)
    if not ok then rnm.log.info(name .. " does not run:", why) end
  end
end)

rnm.on("message", { topic = "service" }, function (ev)
  if not ev.data.name then return end
  rnm.state[ev.data.name] = ev.data.cgroup  -- none: the service ended
  block:refresh()                           -- a cgroup of the same name may be another one now
end)
