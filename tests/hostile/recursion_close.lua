-- A long chain of suspended coroutines, each of which closes the next one.
-- ends: error
-- SPDX-License-Identifier: GPL-2.0-or-later
local chain = {}
for i = 1, 20000 do
  chain[i] = coroutine.create(function ()
    local x <close> = setmetatable({}, { __close = function ()
      if chain[i + 1] then assert(coroutine.close(chain[i + 1])) end
    end })
    coroutine.yield()
  end)
  coroutine.resume(chain[i])
end
assert(coroutine.close(chain[1]))
