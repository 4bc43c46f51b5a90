-- Recursion through pcall.
-- ends: any
-- SPDX-License-Identifier: GPL-2.0-or-later
local function f() return pcall(f) end
while true do f() end
