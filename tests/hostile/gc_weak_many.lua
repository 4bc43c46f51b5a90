-- Many weak tables with few entries each.
-- ends: any
-- SPDX-License-Identifier: GPL-2.0-or-later
local mt = { __mode = "k" }
local keep, key = {}, {}
keep[0] = key
for i = 1, 60000 do
  local value = {}
  keep[i] = setmetatable({ [key] = value }, mt)
  key = value
end
for i = 1, 1e6 do local _ = { i } end
