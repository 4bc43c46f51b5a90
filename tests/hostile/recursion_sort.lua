-- sort in a comparison function of sort.
-- ends: error
-- SPDX-License-Identifier: GPL-2.0-or-later
local function f() table.sort({ 1, 2 }, f) return false end
f()
