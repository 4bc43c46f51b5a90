-- A length that is a lie, in functions that walk a list.
-- ends: budget
-- SPDX-License-Identifier: GPL-2.0-or-later
local endless = setmetatable({}, { __len = function () return math.maxinteger - 1 end, __index = function () return "" end,
  __newindex = function () end })
pcall(table.sort, endless)
pcall(table.concat, endless)
pcall(table.unpack, endless)
pcall(table.insert, endless, 1, "x")
table.remove(endless, 1)
