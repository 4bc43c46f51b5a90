-- Recursion without end, caught and begun again.
-- ends: limit
-- SPDX-License-Identifier: GPL-2.0-or-later
local function f() return f() + 1 end
while true do pcall(f) end
