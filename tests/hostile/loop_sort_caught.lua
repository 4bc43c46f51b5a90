-- A comparison function that catches.
-- ends: budget
-- SPDX-License-Identifier: GPL-2.0-or-later
table.sort({ 3, 2, 1 }, function ()
  while true do pcall(function () while true do end end) end
end)
