-- A message handler that loops when the budget ends.
-- ends: budget
-- SPDX-License-Identifier: GPL-2.0-or-later
xpcall(function () while true do end end, function () while true do end end)
while true do end
