-- A chain of greedy repetitions.
-- ends: budget
-- SPDX-License-Identifier: GPL-2.0-or-later
return ("a"):rep(60):find(("a*"):rep(30) .. "b")
