-- A protected metatable.
-- ends: done
-- SPDX-License-Identifier: GPL-2.0-or-later
local t = setmetatable({}, { __metatable = false })
assert(getmetatable(t) == false)
assert(not pcall(setmetatable, t, {}))
