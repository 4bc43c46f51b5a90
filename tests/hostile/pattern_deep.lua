-- Patterns that would recurse deeply.
-- ends: error
-- SPDX-License-Identifier: GPL-2.0-or-later
local s = ("a"):rep(100000)
assert(not pcall(string.find, s, ("(a)"):rep(20) .. ("a?"):rep(100000)))
return s:find(("a-"):rep(100000) .. "b")
