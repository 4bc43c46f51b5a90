-- Source for which the compiler searches long for each name.
-- ends: any
-- SPDX-License-Identifier: GPL-2.0-or-later
local s = {}
for i = 1, 180 do
  local names = {}
  for k = 1, 190 do names[k] = ("v%x"):format(k) end
  s[#s + 1] = "local " .. table.concat(names, ",") .. " local function f()"
end
s[#s + 1] = ("q=q "):rep(200000)
load(table.concat(s, "\n"))
