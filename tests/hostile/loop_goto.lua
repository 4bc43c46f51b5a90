-- An endless loop without a loop statement.
-- ends: budget
-- SPDX-License-Identifier: GPL-2.0-or-later
::again::
goto again
