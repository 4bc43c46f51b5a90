-- Catching the end of the budget, again and again.
-- ends: budget
-- SPDX-License-Identifier: GPL-2.0-or-later
while true do
  pcall(function () while true do end end)
end
