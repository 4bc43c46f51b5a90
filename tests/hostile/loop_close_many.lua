-- Thousands of pending __close functions.
-- ends: budget
-- SPDX-License-Identifier: GPL-2.0-or-later
local closer = setmetatable({}, { __close = function () while true do end end })
local function f(n)
  local a <close> = closer
  local b <close> = closer
  if n > 0 then pcall(f, n - 1) end
  while true do end
end
f(100)
