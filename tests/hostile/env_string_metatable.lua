-- The metatable that all strings share.
-- ends: done
-- SPDX-License-Identifier: GPL-2.0-or-later
assert(getmetatable "" == false)
assert(not pcall(setmetatable, "", {}))
assert(not pcall(function () ("").x = 1 end))
string.rep = nil
assert(("x").rep == nil) -- the pack's own table, and nobody else's
