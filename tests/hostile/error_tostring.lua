-- An error whose __tostring never returns.
-- ends: error
-- SPDX-License-Identifier: GPL-2.0-or-later
error(setmetatable({}, { __tostring = function () while true do end end }))
