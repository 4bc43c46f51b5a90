-- Recursion through __index functions.
-- ends: error
-- SPDX-License-Identifier: GPL-2.0-or-later
local t = setmetatable({}, { __index = function (t, k) return t[k .. "x"] end })
return t.x
