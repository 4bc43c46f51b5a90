/* SPDX-License-Identifier: GPL-2.0-or-later */
/* help: what the annotations for editors (lua/rnm/meta) say, for the prompt and for `rnm help TOPIC`. The
 * texts are part of the program. */
#pragma once

#include "base/buf.h"
#include "base/err.h"

/* topic: "nft.table", "set:add", "on_addr_change", "net.link" (a record's fields), "nft", … -ENOENT: none,
 * with proposals. */
int help_topic(const char *topic, struct buf *out, struct err *e);
void help_overview(struct buf *out);
/* The i-th topic; NULL at the end. In order of the files. */
const char *help_name(unsigned i);

struct lua_State;
int lua_help(struct lua_State *L); /* help([topic]) of the prompt */
