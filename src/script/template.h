/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "script/internal.h"

#define TEMPLATE_MAX (16u << 20)

/* A template's text by its name: a file of the pack's folder, or of a folder of templates. It stays what it
 * was until the pack is loaded anew. NULL with e. */
const struct srctext *template_get(struct pack *pk, const char *name, struct err *e);
