-- A chain of lazy repetitions: exponential backtracking.
-- ends: budget
-- SPDX-License-Identifier: GPL-2.0-or-later
return ("a"):rep(60):find((".-"):rep(30) .. "b")
