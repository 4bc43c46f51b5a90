-- Numbers of millions of digits.
-- ends: limit
-- SPDX-License-Identifier: GPL-2.0-or-later
local s = ("1"):rep(7 << 20)
while true do tonumber(s) tonumber(s, 7) end
