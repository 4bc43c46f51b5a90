-- Long strings as numbers, by metamethods and functions.
-- ends: limit
-- SPDX-License-Identifier: GPL-2.0-or-later
local s = (" "):rep(7 << 20) .. "1"
local args = {}
for i = 1, 60000 do args[i] = s end
pcall(math.max, table.unpack(args))
pcall(string.char, table.unpack(args))
pcall(utf8.char, table.unpack(args))
while true do local _ = s + 1, tonumber(s), tonumber(s, 10), math.floor(s) end
