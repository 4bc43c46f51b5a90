-- A format with a giant width.
-- ends: error
-- SPDX-License-Identifier: GPL-2.0-or-later
return ("%99999d"):format(1)
