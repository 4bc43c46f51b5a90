-- Names that double what they stand for.
-- ends: error
-- SPDX-License-Identifier: GPL-2.0-or-later
local t = { "define a0 = { 1.1.1.1, 2.2.2.2 }" }
for i = 1, 40 do t[i + 1] = ("define a%d = { $a%d, $a%d }"):format(i, i - 1, i - 1) end
local names = table.concat(t, "\n")
pcall(nft.load, names .. "\ntable ip t { set s { type ipv4_addr; elements = $a30; }; }")
pcall(nft.load, names .. "\ntable ip t { chain c { ip saddr $a30 accept; }; }")
nft.load(names .. "\ntable ip t { chain c { ip saddr $a40 accept; }; }")
