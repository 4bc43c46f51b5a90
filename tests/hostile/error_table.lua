-- An error that is a table.
-- ends: error
-- SPDX-License-Identifier: GPL-2.0-or-later
error { "not a text" }
