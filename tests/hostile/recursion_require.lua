-- A metamethod of the globals that uses globals.
-- ends: error
-- SPDX-License-Identifier: GPL-2.0-or-later
setmetatable(_G, { __index = function (_, k) return _G[k .. "x"] end })
return nothing
