-- A message handler that loops for an ordinary error.
-- ends: budget
-- SPDX-License-Identifier: GPL-2.0-or-later
xpcall(error, function () while true do end end)
