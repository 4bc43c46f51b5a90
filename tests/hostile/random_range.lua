-- Random numbers of odd ranges.
-- ends: error
-- SPDX-License-Identifier: GPL-2.0-or-later
math.random(math.mininteger, math.maxinteger)
math.randomseed(1, 2)
return math.random(2, 1)
