-- Packing with giant paddings.
-- ends: error
-- SPDX-License-Identifier: GPL-2.0-or-later
return string.pack("c2000000000", "x")
