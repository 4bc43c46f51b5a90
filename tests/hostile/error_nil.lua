-- An error without a value.
-- ends: error
-- SPDX-License-Identifier: GPL-2.0-or-later
error(nil)
