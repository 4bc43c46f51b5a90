-- Comparing long strings of zero bytes, which the core compares in pieces of one byte.
-- ends: limit
-- SPDX-License-Identifier: GPL-2.0-or-later
local a, b = ("\0"):rep(7 << 20), ("\0"):rep(7 << 20) .. "x"
while true do local _ = a < b, b < a end
