-- Code for an _ENV that is a constant, which old compilers got wrong.
-- ends: any
-- SPDX-License-Identifier: GPL-2.0-or-later
local function f()
  local _ENV <const> = 11
  X = "hi"
end
f()
