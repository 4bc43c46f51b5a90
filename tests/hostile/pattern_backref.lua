-- References to long captures.
-- ends: limit
-- SPDX-License-Identifier: GPL-2.0-or-later
return ("a"):rep(100000):find "(.*)%1b"
