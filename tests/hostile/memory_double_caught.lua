-- A string that doubles in a protected call, again and again.
-- ends: limit
-- SPDX-License-Identifier: GPL-2.0-or-later
while true do
  pcall(function ()
    local s = "x"
    while true do s = s .. s end
  end)
end
