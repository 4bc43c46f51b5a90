-- A million rules in one text.
-- ends: error
-- SPDX-License-Identifier: GPL-2.0-or-later
nft.load("table ip t { chain c { " .. ("accept;"):rep(1 << 20) .. "} }")
