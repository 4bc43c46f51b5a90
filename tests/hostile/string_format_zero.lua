-- A format that looks at one long string again and again and takes nothing of it.
-- ends: limit
-- SPDX-License-Identifier: GPL-2.0-or-later
local long, args = ("x"):rep(7 << 20), {}
for i = 1, 60000 do args[i] = long end
return (("%.0s"):rep(60000)):format(table.unpack(args))
