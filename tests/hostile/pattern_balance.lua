-- Balanced brackets that never close, from each position.
-- ends: limit
-- SPDX-License-Identifier: GPL-2.0-or-later
return ("("):rep(1000000):find "%b()"
