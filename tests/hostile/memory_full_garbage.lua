-- Living on the last bytes, so that each allocation costs a full collection.
-- ends: limit
-- SPDX-License-Identifier: GPL-2.0-or-later
local keep, garbage = {}, nil
while true do
  local ok = pcall(function () keep[#keep + 1] = { #keep } end)
  if not ok or #keep > 500000 then break end
end
while true do garbage = ("x"):rep(100000) .. #keep end
