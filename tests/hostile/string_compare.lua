-- Comparing long equal strings.
-- ends: budget
-- SPDX-License-Identifier: GPL-2.0-or-later
local a, b = ("x"):rep(7 << 20), ("x"):rep((7 << 20) - 1) .. "x"
while true do local _ = a == b, a < b, a == b, a <= b, a == b, a < b end
