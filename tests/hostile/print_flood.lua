-- A flood of log lines.
-- ends: budget
-- SPDX-License-Identifier: GPL-2.0-or-later
while true do print "I am here" end
