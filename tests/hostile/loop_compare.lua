-- Comparison metamethods that never return.
-- ends: budget
-- SPDX-License-Identifier: GPL-2.0-or-later
local mt = { __lt = function () while true do end end, __eq = function () while true do end end }
local a, b = setmetatable({}, mt), setmetatable({}, mt)
pcall(function () return a == b end)
return a < b
