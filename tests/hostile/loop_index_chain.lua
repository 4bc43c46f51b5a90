-- A chain of __index tables of the longest length, used over and over.
-- ends: budget
-- SPDX-License-Identifier: GPL-2.0-or-later
local t = {}
for _ = 1, 1900 do t = setmetatable({}, { __index = t }) end
while true do local _ = t.x end
