-- A date format of millions of conversions.
-- ends: error
-- SPDX-License-Identifier: GPL-2.0-or-later
return os.date(("%c"):rep(1 << 20))
