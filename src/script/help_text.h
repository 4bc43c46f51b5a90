/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stddef.h>

extern const char *const help_texts[]; /* of lua/rnm/meta, NULL at the end */
