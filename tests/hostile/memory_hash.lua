-- A table of strings without end.
-- ends: limit
-- SPDX-License-Identifier: GPL-2.0-or-later
local t = {}
for i = 1, math.huge do t["key" .. i] = i end
