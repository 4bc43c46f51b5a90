-- Brackets in brackets, in every place where some may stand.
-- ends: error
-- SPDX-License-Identifier: GPL-2.0-or-later
local ok = false
for _, open in ipairs { "{", "(", "jump { ", "ip saddr { ", "((ip saddr & ", "{ { ", "table ip x {", "[" } do
  local deep = open:rep(100000)
  for _, text in ipairs { deep, "table ip t { " .. deep, "table ip t { chain c { " .. deep, "table ip t { chain c { ip saddr " .. deep,
    "table ip t { set s { type ipv4_addr; elements = " .. deep, "define x = " .. deep, "table ip t { set s { typeof " .. deep } do
    ok = pcall(nft.load, text) or ok
  end
end
error(tostring(ok))
