-- Functions with very many arguments.
-- ends: limit
-- SPDX-License-Identifier: GPL-2.0-or-later
local args = {}
for i = 1, 65536 do args[i] = i end
local function f(...) while true do select("#", ...) end end
f(table.unpack(args))
