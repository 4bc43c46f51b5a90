-- A chain of optional items.
-- ends: budget
-- SPDX-License-Identifier: GPL-2.0-or-later
return ("a"):rep(40):find(("a?"):rep(40) .. ("a"):rep(40) .. "b")
