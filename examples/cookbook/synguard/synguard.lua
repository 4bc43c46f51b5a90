-- SPDX-License-Identifier: GPL-2.0-or-later
-- synguard.lua: while more connections a second are asked for than is sane, the kernel answers for the servers (synproxy);
-- when it is quiet again, the rules go. By hand:  rnm emit synguard state=on
local cfg = rnm.config {
  ports = { 443 },
  rate  = 2000,    -- SYNs a second that are an attack
  calm  = 60,      -- seconds below that rate that end it
  mss   = 1460, wscale = 7,
}
local t    = nft.table("inet", "synguard")
local syns = t:counter("syns")
local raw  = t:chain("raw", { type = "filter", hook = "prerouting", priority = "raw" })
raw:rule("tcp dport $ports tcp flags syn / fin,syn,rst,ack counter name $syns", { ports = cfg.ports, syns = syns })

rnm.block(function ()
  if not rnm.state.attack then return end
  raw:rule("tcp dport $ports tcp flags syn / fin,syn,rst,ack notrack", cfg)
  for _, hook in ipairs { "input", "forward" } do
    t:chain(hook, { type = "filter", hook = hook, priority = "filter - 20" })
     :rule("tcp dport $ports ct state invalid,untracked synproxy mss $mss wscale $wscale timestamp sack-perm", cfg)
     :rule("tcp dport $ports ct state invalid drop", cfg)
  end
end)

local function attack(on)
  if on ~= (rnm.state.attack or false) then rnm.log.warn("SYN proxy " .. (on and "on" or "off")) end
  rnm.state.attack = on
end

local before, quiet = nil, 0
rnm.every("1s", function ()
  local c = syns:read()
  if not c then return end
  local rate = c.packets - (before or c.packets)
  before = c.packets
  quiet = rate > cfg.rate and 0 or quiet + 1
  if quiet == 0 then attack(true) elseif quiet >= cfg.calm then attack(false) end
end)

rnm.on("message", { topic = "synguard" }, function (ev)
  quiet = 0
  attack(ev.data.state == "on")
end)
