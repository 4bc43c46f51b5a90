-- Insertions in front of a long list.
-- ends: budget
-- SPDX-License-Identifier: GPL-2.0-or-later
local t = {}
for i = 1, 1e9 do table.insert(t, 1, i) end
