-- Recursion through metamethods that are called from C.
-- ends: error
-- SPDX-License-Identifier: GPL-2.0-or-later
local mt = {}
mt.__tostring = function (t) return tostring(t) end
return tostring(setmetatable({}, mt))
