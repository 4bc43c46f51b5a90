-- A finalizer that is put into the metatable later.
-- ends: done
-- SPDX-License-Identifier: GPL-2.0-or-later
local mt = {}
for _ = 1, 1000 do setmetatable({}, mt) end
mt.__gc = function () while true do end end
local ok = pcall(setmetatable, {}, mt)
assert(not ok)
for i = 1, 1e5 do local _ = { i } end
