-- __close functions that go on allocating when memory is out.
-- ends: limit
-- SPDX-License-Identifier: GPL-2.0-or-later
local keep = {}
local closer = setmetatable({}, { __close = function () while true do keep[#keep + 1] = ("x"):rep(1000) .. #keep end end })
while true do
  pcall(function ()
    local a <close> = closer
    while true do keep[#keep + 1] = ("x"):rep(100000) .. #keep end
  end)
end
