-- SPDX-License-Identifier: GPL-2.0-or-later
-- zones.lua: what each zone may reach on this host. Services by zone, established connections, sane ICMP, drop the rest.
local cfg = rnm.config {
  zones    = {},         -- zone: [services]; "any" opens all. Nothing said: lan: [ssh, dns, dhcp], the other zones nothing
  services = {},         -- own ones: name: ["tcp 8080", "udp 5000-5010"]
  default  = "drop",     -- for what no zone lets in: drop or reject
  antilock = { "ssh" },  -- services that stay open from `admins`, whatever the zones say
  admins   = {},         -- addresses and prefixes of those who administer the host
  log      = false,      -- log what is dropped, ten lines a minute
}
if cfg.default ~= "drop" and cfg.default ~= "reject" then error("zones: default: drop or reject, not " .. cfg.default, 0) end

local zones, said = cfg.zones, false
for _ in pairs(zones) do said = true end
if not said then zones = { lan = { "ssh", "dns", "dhcp" } } end

local known = {
  ssh = { "tcp 22" }, http = { "tcp 80" }, https = { "tcp 443", "udp 443" }, dns = { "tcp 53", "udp 53" }, ntp = { "udp 123" },
  dhcp = { "udp 67" }, dhcpv6 = { "udp 547" }, mdns = { "udp 5353" }, smb = { "tcp 445" }, wireguard = { "udp 51820" },
}

-- "tcp 5000-5010" → "tcp", a port or a range
local function parse(text)
  local proto, first, last = text:match "^(%a+) (%d+)%-?(%d*)$"
  if proto ~= "tcp" and proto ~= "udp" then error(("zones: %q is no service: write \"tcp 80\" or \"udp 5000-5010\""):format(text), 0) end
  if last == "" then return proto, tonumber(first) end
  return proto, assert(nft.range(tonumber(first), tonumber(last)))
end

local function ports(name)
  return cfg.services[name] or known[name] or error(("zones: no service %q (own ones go into services)"):format(name), 0)
end

-- match: what stands in front of the service in each rule
local function accept(chain, names, match, params)
  for _, name in ipairs(names) do
    if name == "any" then
      chain:rule(match .. "accept", params)
    else
      for _, text in ipairs(ports(name)) do
        local proto, port = parse(text)
        params.port = port
        chain:rule(match .. proto .. " dport $port accept", params)
      end
    end
  end
end

local t     = nft.table("inet", "zones")
local input = t:chain("input", { type = "filter", hook = "input", priority = "filter", policy = "drop" })
input:rules [[
  iifname "lo" accept
  ct state vmap { established : accept, related : accept, invalid : drop }
  icmp type { echo-request, destination-unreachable, time-exceeded, parameter-problem } limit rate 20/second accept
  meta l4proto ipv6-icmp accept
  udp sport 67 udp dport 68 accept
  ip6 saddr fe80::/10 udp sport 547 udp dport 546 accept
]]

-- Those who administer the host stay in, also while the zones are being changed.
local admins4 = t:set("admins4", { type = "ipv4_addr", flags = "interval", auto_merge = true })
local admins6 = t:set("admins6", { type = "ipv6_addr", flags = "interval", auto_merge = true })
for _, a in ipairs(cfg.admins) do
  local set = a:find(":", 1, true) and admins6 or admins4
  assert(set:add(a))
end
accept(input, cfg.antilock, "ip saddr $admins ", { admins = admins4 })
accept(input, cfg.antilock, "ip6 saddr $admins ", { admins = admins6 })

-- One chain a zone, reached by the links that are in it.
local map = t:map("zone", { type = "ifname : verdict" })
input:rule("iifname vmap @zone")
rnm.each(net.links { zone = "?*" }, function (link)
  map:add(link.name, "jump zone-" .. link.zone)
end)
rnm.block(function ()
  for zone in pairs(zones) do
    local found = false
    for _, z in ipairs(net.zones()) do found = found or z == zone end
    if not found then rnm.log.warn("no interface has the zone " .. zone) end
  end
  for _, zone in ipairs(net.zones()) do
    accept(t:chain("zone-" .. zone), zones[zone] or {}, "", {})
  end
end)

if cfg.log then input:rule [[limit rate 10/minute log prefix "zones drop: "]] end
if cfg.default == "reject" then input:rule "reject" end
