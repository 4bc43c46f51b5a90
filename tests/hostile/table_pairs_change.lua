-- Tables that change while pairs goes through them.
-- ends: any
-- SPDX-License-Identifier: GPL-2.0-or-later
local t = {}
for i = 1, 1000 do t["k" .. i] = i t[i] = i end
for k in pairs(t) do t[k] = nil end
assert(next(t) == nil)
for i = 1, 100 do t[i] = i t["k" .. i] = i end
for k in pairs(t) do t["new" .. k] = 1 end
