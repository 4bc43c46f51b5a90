-- Coroutines in coroutines, with errors caught.
-- ends: limit
-- SPDX-License-Identifier: GPL-2.0-or-later
local function f() local ok, e = coroutine.resume(coroutine.create(f)) return ok, e end
while true do f() end
