-- An error with a giant text.
-- ends: error
-- SPDX-License-Identifier: GPL-2.0-or-later
error(("x"):rep(4 << 20))
