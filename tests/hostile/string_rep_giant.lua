-- A string of two thousand million bytes.
-- ends: error
-- SPDX-License-Identifier: GPL-2.0-or-later
return ("x"):rep(2000000000)
