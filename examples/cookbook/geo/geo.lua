-- SPDX-License-Identifier: GPL-2.0-or-later
-- geo.lua: some ports for some countries only, and lists of networks that are dropped altogether. The lists are files that
-- fetch-list.sh replaces when it got a good one; only what differs is sent.
-- (the YAML's  packs: { geo: { files: [/var/lib/lists/allow4.txt, …] } }  allows the files)
local cfg = rnm.config {
  folder = "/var/lib/lists",  -- of allow4.txt, allow6.txt, block4.txt, block6.txt
  ports  = { 8443 },          -- are open to the allowed networks only
}
local t     = nft.table("inet", "geo")
local input = t:chain("input", { type = "filter", hook = "input", priority = "filter - 10" })

for version, saddr in pairs { ["4"] = "ip saddr", ["6"] = "ip6 saddr" } do
  local function list(name)
    return t:set(name .. version, { type = "ipv" .. version .. "_addr", flags = "interval", auto_merge = true,
      elements = rnm.file(("%s/%s%s.txt"):format(cfg.folder, name, version)) })
  end
  input:rule(saddr .. " $block counter drop", { block = list "block" })
  input:rule("tcp dport $ports " .. saddr .. " != $allow counter drop", { ports = cfg.ports, allow = list "allow" })
end
