-- Sets of great length in rules.
-- ends: error
-- SPDX-License-Identifier: GPL-2.0-or-later
local t = {}
for i = 1, 100000 do t[i] = i % 65536 end
local set = "tcp dport { " .. table.concat(t, ",") .. " } accept\n"
nft.load("table ip t { chain c { " .. set:rep(12) .. " } }")
error "done"
