-- Steps over millions of empty slots, each of which looks like one cheap call.
-- ends: limit
-- SPDX-License-Identifier: GPL-2.0-or-later
local t = {}
for i = 1, 1 << 21 do t[i] = true end
for i = 1, 1 << 21 do t[i] = nil end
while true do next(t) end
