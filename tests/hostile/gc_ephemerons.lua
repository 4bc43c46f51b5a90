-- A chain through a weak table, which takes a collector quadratic time.
-- ends: any
-- SPDX-License-Identifier: GPL-2.0-or-later
local weak = setmetatable({}, { __mode = "k" })
local first = {}
local key = first
for _ = 1, 150000 do
  local value = {}
  weak[key] = value
  key = value
end
for i = 1, 1e6 do local _ = { i } end
