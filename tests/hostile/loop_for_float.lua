-- A loop whose step is too small to get anywhere.
-- ends: budget
-- SPDX-License-Identifier: GPL-2.0-or-later
local n = 0
for _ = 2^53, math.huge, 0.25 do n = n + 1 end
