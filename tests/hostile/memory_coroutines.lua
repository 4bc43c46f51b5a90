-- A hundred thousand coroutines, all alive.
-- ends: limit
-- SPDX-License-Identifier: GPL-2.0-or-later
local all = {}
for i = 1, 100000 do
  all[i] = coroutine.create(function () coroutine.yield(i) end)
  coroutine.resume(all[i])
end
