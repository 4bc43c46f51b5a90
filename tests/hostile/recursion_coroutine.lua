-- Coroutines in coroutines.
-- ends: error
-- SPDX-License-Identifier: GPL-2.0-or-later
local function f() return coroutine.wrap(f)() end
return f()
