-- A concat of a giant range.
-- ends: any
-- SPDX-License-Identifier: GPL-2.0-or-later
return table.concat(setmetatable({}, { __index = function () return "" end }), "", 1, math.maxinteger)
