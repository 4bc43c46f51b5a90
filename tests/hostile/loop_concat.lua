-- A __concat that never returns.
-- ends: budget
-- SPDX-License-Identifier: GPL-2.0-or-later
return setmetatable({}, { __concat = function () while true do end end }) .. "x"
