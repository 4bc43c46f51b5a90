-- A repetition whose separators make it long, and one whose length overflows.
-- ends: error
-- SPDX-License-Identifier: GPL-2.0-or-later
assert(not pcall(string.rep, "", 2000000000, ","))
assert(not pcall(string.rep, "abc", math.maxinteger, "defgh"))
return ("x"):rep(math.maxinteger // 2 + 1, "y")
