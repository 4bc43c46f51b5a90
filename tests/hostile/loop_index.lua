-- Metamethods that never return.
-- ends: budget
-- SPDX-License-Identifier: GPL-2.0-or-later
return setmetatable({}, { __index = function () while true do end end }).x
