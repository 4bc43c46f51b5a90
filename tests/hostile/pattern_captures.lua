-- More captures than there are.
-- ends: error
-- SPDX-License-Identifier: GPL-2.0-or-later
return ("a"):find(("("):rep(100))
