-- Two thousand million times nothing, a thousand times.
-- ends: done
-- SPDX-License-Identifier: GPL-2.0-or-later
for _ = 1, 1000 do string.rep("", 2000000000) end
