-- gsub in a replacement function of gsub.
-- ends: error
-- SPDX-License-Identifier: GPL-2.0-or-later
local function f(s) return (s:gsub(".", f)) end
return f "x"
