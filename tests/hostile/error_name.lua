-- An error with a giant __name.
-- ends: error
-- SPDX-License-Identifier: GPL-2.0-or-later
error(setmetatable({}, { __name = ("x"):rep(1 << 20) }))
