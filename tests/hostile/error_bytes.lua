-- An error with control bytes and line ends.
-- ends: error
-- SPDX-License-Identifier: GPL-2.0-or-later
error "\27[2J\0\r\nlog: all is well\n"
