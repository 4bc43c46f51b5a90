-- Base functions replaced by the pack, which then uses libraries.
-- ends: done
-- SPDX-License-Identifier: GPL-2.0-or-later
local p, t = pairs, tostring
pcall, error, type, tostring, next, rawget, setmetatable, select = nil, nil, nil, nil, nil, nil, nil, nil
string.format, table.concat, coroutine.resume = nil, nil, nil
for _ in p { a = 1, b = 2 } do end
assert(t(1) == "1")
