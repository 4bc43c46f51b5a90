-- Long strings as keys, each of which is hashed.
-- ends: limit
-- SPDX-License-Identifier: GPL-2.0-or-later
local t, s = {}, ("x"):rep(1 << 20)
while true do t[s .. "y"] = nil; local _ = t[s .. "z"] end
