-- One long list in every set.
-- ends: error
-- SPDX-License-Identifier: GPL-2.0-or-later
local list, t = {}, {}
for i = 1, 20000 do list[i] = i end
for i = 1, 2000 do t[i] = "set s" .. i .. " { type mark; elements = { $x, $x, $x }; }" end
nft.load("table ip t { " .. table.concat(t, "\n") .. " }", { x = list })
