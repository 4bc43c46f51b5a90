-- Errors in message handlers in message handlers.
-- ends: any
-- SPDX-License-Identifier: GPL-2.0-or-later
local function h(e) return (select(2, xpcall(error, h, e))) end
return xpcall(error, h, "x")
