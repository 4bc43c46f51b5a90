-- Many long strings, none of which is kept.
-- ends: budget
-- SPDX-License-Identifier: GPL-2.0-or-later
while true do string.rep("x", 4000000) end
