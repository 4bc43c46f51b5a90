-- Many protected calls around each other, each of which wants to go on.
-- ends: budget
-- SPDX-License-Identifier: GPL-2.0-or-later
local function f(n)
  if n > 0 then pcall(f, n - 1) end
  while true do end
end
f(150)
