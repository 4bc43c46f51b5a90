-- gmatch with a costly pattern.
-- ends: budget
-- SPDX-License-Identifier: GPL-2.0-or-later
for _ in ("a"):rep(1000):gmatch(("a-"):rep(20) .. "b") do end
