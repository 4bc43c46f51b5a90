-- Frontiers with long sets.
-- ends: limit
-- SPDX-License-Identifier: GPL-2.0-or-later
return ("ab"):rep(1 << 20):gsub("%f[" .. ("c"):rep(100000) .. "]", "")
