-- A to-be-closed variable whose __close loops when the budget ends the block.
-- ends: budget
-- SPDX-License-Identifier: GPL-2.0-or-later
local forever = setmetatable({}, { __close = function () while true do end end })
while true do
  pcall(function ()
    local x <close> = forever
    while true do end
  end)
end
