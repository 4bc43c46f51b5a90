-- A long set against a long subject.
-- ends: limit
-- SPDX-License-Identifier: GPL-2.0-or-later
return ("a"):rep(1 << 20):find("[" .. ("b"):rep(1 << 20) .. "]")
