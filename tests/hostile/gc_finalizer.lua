-- A finalizer that loops: hooks are off while finalizers run.
-- ends: error
-- SPDX-License-Identifier: GPL-2.0-or-later
setmetatable({}, { __gc = function () while true do end end })
