-- C functions as __close, so that no instruction runs.
-- ends: budget
-- SPDX-License-Identifier: GPL-2.0-or-later
local closer = setmetatable({}, { __close = coroutine.wrap(function () while true do coroutine.yield() end end) })
pcall(function ()
  local a <close> = closer
  local b <close> = setmetatable({}, { __close = table.sort })
  while true do end
end)
while true do end
