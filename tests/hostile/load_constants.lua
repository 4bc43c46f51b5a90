-- Source with very many constants and line ends.
-- ends: any
-- SPDX-License-Identifier: GPL-2.0-or-later
local s = { "return {" }
for i = 1, 300000 do s[#s + 1] = i .. ".5,\n" end
s[#s + 1] = "}"
load(table.concat(s))
