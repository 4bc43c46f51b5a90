-- Long strings joined by one operator, over and over.
-- ends: limit
-- SPDX-License-Identifier: GPL-2.0-or-later
local a = ("x"):rep(4 << 20)
while true do local _ = a .. "y" end
