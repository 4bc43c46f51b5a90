-- gsub that adds a long text for each byte.
-- ends: any
-- SPDX-License-Identifier: GPL-2.0-or-later
return ("x"):rep(1 << 20):gsub("", ("y"):rep(1 << 20))
