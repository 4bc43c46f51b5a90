-- A format with tens of thousands of costly conversions.
-- ends: limit
-- SPDX-License-Identifier: GPL-2.0-or-later
local f, args = ("%.99f"):rep(60000), {}
for i = 1, 60000 do args[i] = 1e308 end
while true do string.format(f, table.unpack(args)) end
