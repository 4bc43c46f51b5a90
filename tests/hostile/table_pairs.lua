-- pairs over millions of empty slots.
-- ends: limit
-- SPDX-License-Identifier: GPL-2.0-or-later
local t = {}
for i = 1, 1 << 20 do t[i] = true end
for i = 1, 1 << 20 do t[i] = nil end
while true do for _ in pairs(t) do break end end
