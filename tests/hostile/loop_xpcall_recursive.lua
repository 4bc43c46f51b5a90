-- A message handler that raises errors itself.
-- ends: error
-- SPDX-License-Identifier: GPL-2.0-or-later
local ok = xpcall(error, function () error "again" end)
assert(not ok)
error(xpcall(error, function (e) error(e) end))
