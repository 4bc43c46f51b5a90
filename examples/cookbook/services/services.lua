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

rnm.block(function ()
  for name, group in pairs(rnm.state) do
    local ok, why = set:add(group.path, { comment = name .. " at " .. group.since })
    if not ok then rnm.log.info(name .. " does not run:", why) end
  end
end)

-- Without a cgroup: the service ended. With one: it was started, and what has the name now is another group than before.
rnm.on("message", { topic = "service" }, function (ev)
  local name, path = ev.data.name, ev.data.cgroup
  if name then rnm.state[name] = path and { path = path, since = ("%.3f"):format(ev.time) } or nil end
end)
