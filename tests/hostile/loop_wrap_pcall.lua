-- A wrapped coroutine in a protected call in a coroutine.
-- ends: budget
-- SPDX-License-Identifier: GPL-2.0-or-later
local function forever() while true do end end
local co = coroutine.wrap(function ()
  while true do pcall(coroutine.wrap(function () pcall(forever) end)) end
end)
while true do pcall(co) end
