/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* False: the text of Lua ends too early to be a chunk or an expression: more lines may follow. Needs no
 * daemon; runs nothing. */
bool chunk_is_whole(const char *code, size_t n);
