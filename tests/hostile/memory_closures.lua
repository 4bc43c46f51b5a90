-- Closures without end.
-- ends: limit
-- SPDX-License-Identifier: GPL-2.0-or-later
local last
while true do local prev = last; last = function () return prev end end
