-- Endless tail calls.
-- ends: budget
-- SPDX-License-Identifier: GPL-2.0-or-later
local function f() return f() end
f()
