-- A long string each byte of which has to be written as an escape.
-- ends: limit
-- SPDX-License-Identifier: GPL-2.0-or-later
local zeros = ("\0"):rep(3 << 20)
while true do string.format("%q", zeros) end
