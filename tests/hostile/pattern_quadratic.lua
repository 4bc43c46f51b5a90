-- A search that is quadratic in a long subject.
-- ends: limit
-- SPDX-License-Identifier: GPL-2.0-or-later
return ("a"):rep(200000):find ".-b"
