-- Loops in coroutines that are resumed one after the other.
-- ends: budget
-- SPDX-License-Identifier: GPL-2.0-or-later
while true do
  coroutine.resume(coroutine.create(function () while true do end end))
end
