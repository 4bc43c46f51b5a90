-- An unpack of giant ranges.
-- ends: error
-- SPDX-License-Identifier: GPL-2.0-or-later
assert(not pcall(table.unpack, {}, 1, 1e7))
assert(not pcall(table.unpack, {}, math.mininteger, math.maxinteger))
return table.unpack({}, 0, math.maxinteger)
