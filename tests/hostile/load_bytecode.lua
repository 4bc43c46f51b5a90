-- Bytecode, which the virtual machine does not verify.
-- ends: done
-- SPDX-License-Identifier: GPL-2.0-or-later
assert(string.dump == nil)
local f = load "\27Lua\x54\0\x19\x93\r\n\x1a\n\4\8\8xV\0\0\0\0\0\0\0\0\0\0\0(w@\1"
assert(not f)
assert(not load("\27Lua", "x", "b"))
assert(not load("return 1", "x", "b"))
local n = 0
assert(not load(function () n = n + 1 return n == 1 and "\27" or n == 2 and "Lua" or nil end, "x", "bt"))
