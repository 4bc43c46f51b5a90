/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Records as JSON and back, whole: also what no field shows. For files that are kept; what is read is not
 * trusted. */
#pragma once

#include "net/net.h"

struct jval;
struct json;

/* The members of an open object, without those that follow from other records. */
void net_rec_write(const struct net_rec *r, struct json *j);
/* The caller's; NULL with e: v is no such record. */
struct net_rec *net_rec_read(enum net_kind kind, const struct jval *v, struct err *e);
