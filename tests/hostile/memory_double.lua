-- A string that doubles.
-- ends: memory
-- SPDX-License-Identifier: GPL-2.0-or-later
local s = "x"
while true do s = s .. s end
