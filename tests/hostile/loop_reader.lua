-- A reader function for load() that never ends.
-- ends: budget
-- SPDX-License-Identifier: GPL-2.0-or-later
load(function () return " " end)
while true do end
