-- An endless loop.
-- ends: budget
-- SPDX-License-Identifier: GPL-2.0-or-later
while true do end
