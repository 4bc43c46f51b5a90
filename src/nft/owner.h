/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tables that only one socket may change (`flags owner`): whose port is that? */
#pragma once

#include <stdint.h>

#include "base/buf.h"

/* "nft[123]", the process whose netfilter socket has this port, or "port 123" where it can not be told: the
 * process is somebody else's, or in another PID namespace. */
void netlink_port_text(uint32_t port, struct buf *out);
