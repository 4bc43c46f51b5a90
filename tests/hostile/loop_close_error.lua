-- __close functions that raise new errors over the budget's.
-- ends: budget
-- SPDX-License-Identifier: GPL-2.0-or-later
local closer = setmetatable({}, { __close = function () error "mine" end })
while true do
  pcall(function ()
    local a <close> = closer
    local b <close> = closer
    while true do end
  end)
end
