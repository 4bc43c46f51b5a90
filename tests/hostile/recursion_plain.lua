-- Recursion without end.
-- ends: any
-- SPDX-License-Identifier: GPL-2.0-or-later
local function f(n) return f(n + 1) + 1 end
return f(1)
