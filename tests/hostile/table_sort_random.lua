-- A comparison function that contradicts itself.
-- ends: done
-- SPDX-License-Identifier: GPL-2.0-or-later
local t = {}
for i = 1, 1000 do t[i] = i end
table.sort(t, function () return math.random(2) == 1 end)
table.sort(t, function () return true end)
table.sort(t, function () for i = 1, 20 do t[i] = nil end return false end)
