-- Two coroutines that play ball for ever.
-- ends: budget
-- SPDX-License-Identifier: GPL-2.0-or-later
local a = coroutine.wrap(function () while true do coroutine.yield() end end)
local b = coroutine.wrap(function () while true do a() coroutine.yield() end end)
while true do b() end
