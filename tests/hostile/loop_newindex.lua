-- A __newindex that never returns.
-- ends: budget
-- SPDX-License-Identifier: GPL-2.0-or-later
setmetatable({}, { __newindex = function () while true do end end }).x = 1
