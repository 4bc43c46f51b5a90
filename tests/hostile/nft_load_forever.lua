-- The same again and again.
-- ends: error
-- SPDX-License-Identifier: GPL-2.0-or-later
while true do nft.load("table ip t { chain c" .. math.random(1000000) .. " { accept; } }") end
