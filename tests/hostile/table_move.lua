-- A move of two thousand million elements.
-- ends: budget
-- SPDX-License-Identifier: GPL-2.0-or-later
table.move({}, 1, 2000000000, 2)
