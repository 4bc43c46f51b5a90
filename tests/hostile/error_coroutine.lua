-- An error in an error in a coroutine.
-- ends: error
-- SPDX-License-Identifier: GPL-2.0-or-later
local co = coroutine.wrap(function ()
  local x <close> = setmetatable({}, { __close = function () error {} end })
  error "first"
end)
co()
