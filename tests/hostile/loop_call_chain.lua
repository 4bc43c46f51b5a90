-- A chain of __call metamethods.
-- ends: budget
-- SPDX-License-Identifier: GPL-2.0-or-later
local f = function () end
for _ = 1, 100 do f = setmetatable({}, { __call = f }) end
while true do pcall(f) end
