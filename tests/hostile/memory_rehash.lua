-- A table that is made anew at each insertion.
-- ends: budget
-- SPDX-License-Identifier: GPL-2.0-or-later
local t = {}
for i = 1, 60000 do t["k" .. i] = i end
local i = 60001
while true do
  t["k" .. (i - 60000)] = nil
  t["k" .. i] = i
  i = i + 1
end
