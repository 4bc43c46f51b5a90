/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Names of packs. Private to config/. */
#pragma once

#include <stdbool.h>

#define PACK_NAME_MAX      63
#define PACK_ORDER_DEFAULT 50
#define PACK_ORDER_MAX     65534 /* the console's is above */

bool pack_name_valid(const char *name);
bool pack_name_reserved(const char *name);
