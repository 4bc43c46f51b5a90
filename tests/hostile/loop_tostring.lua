-- A __tostring that never returns, in print.
-- ends: budget
-- SPDX-License-Identifier: GPL-2.0-or-later
print(setmetatable({}, { __tostring = function () while true do end end }))
