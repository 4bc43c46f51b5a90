-- One concatenation of many long strings.
-- ends: memory
-- SPDX-License-Identifier: GPL-2.0-or-later
local a = ("x"):rep(7 << 20)
return a .. a .. a .. a .. a .. a .. a .. a .. a .. a .. a .. a .. a .. a .. a .. a
