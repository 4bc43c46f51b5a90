-- coroutine.close() of a coroutine whose __close loops.
-- ends: budget
-- SPDX-License-Identifier: GPL-2.0-or-later
local co = coroutine.create(function ()
  local x <close> = setmetatable({}, { __close = function () while true do end end })
  coroutine.yield()
end)
coroutine.resume(co)
coroutine.close(co)
