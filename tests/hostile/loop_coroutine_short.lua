-- Many coroutines that are each too short for the count hook.
-- ends: budget
-- SPDX-License-Identifier: GPL-2.0-or-later
while true do
  coroutine.wrap(function () local n = 0 for i = 1, 50 do n = n + i end end)()
end
