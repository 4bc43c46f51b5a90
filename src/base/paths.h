/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where a program finds what belongs to it: in the tree it was built in (build/, build/san/), else in the
 * installed data. */
#pragma once

char *program_dir(void); /* the folder of the running program; "" where it can not be told. The caller's */
char *data_path(const char *sub); /* "policies", "lua" → a folder. The caller's */
