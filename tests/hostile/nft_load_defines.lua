-- A hundred thousand names.
-- ends: error
-- SPDX-License-Identifier: GPL-2.0-or-later
local t = {}
for i = 1, 100000 do t[i] = "define d" .. i .. " = $d" .. i - 1 end
nft.load("define d0 = 1\n" .. table.concat(t, "\n") .. "\ntable ip t { chain c { tcp dport $d100001; }; }")
