-- An error of __close in place of the error that memory is out.
-- ends: limit
-- SPDX-License-Identifier: GPL-2.0-or-later
local closer = setmetatable({}, { __close = function () error "no, me" end })
while true do
  pcall(function ()
    local a <close> = closer
    local s = "x"
    while true do s = s .. s end
  end)
end
