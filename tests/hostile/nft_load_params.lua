-- One long list in every rule.
-- ends: error
-- SPDX-License-Identifier: GPL-2.0-or-later
local list = {}
for i = 1, 5000 do list[i] = i end
nft.load("table ip t { chain c { " .. ("tcp dport $x;"):rep(5000) .. "} }", { x = list })
