-- The length of tables with holes.
-- ends: budget
-- SPDX-License-Identifier: GPL-2.0-or-later
local t = { n = 1 }
for i = 1, 1 << 16 do t[i] = i end
for i = 1, 1 << 16, 2 do t[i] = nil end
while true do local _ = #t end
