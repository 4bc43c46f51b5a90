-- A __pairs whose iterator has no end.
-- ends: budget
-- SPDX-License-Identifier: GPL-2.0-or-later
for _ in pairs(setmetatable({}, { __pairs = function () return function () return 1 end end })) do end
