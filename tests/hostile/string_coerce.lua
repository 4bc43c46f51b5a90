-- Long strings as numbers, by functions that cost one call.
-- ends: limit
-- SPDX-License-Identifier: GPL-2.0-or-later
local s = (" "):rep(7 << 20) .. "1"
while true do local _ = math.floor(s), math.abs(s), math.sin(s), math.floor(s), math.floor(s), math.floor(s) end
