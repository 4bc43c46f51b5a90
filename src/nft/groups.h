/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Control groups that rules name: by which number each was found. Part of the model. */
#pragma once

#include <stdint.h>

struct ruleset;
struct group_seen {
	char *path;  /* below /sys/fs/cgroup; owned */
	uint64_t id; /* 0: it was not there */
};

void group_named(struct ruleset *rs, const char *path);
void groups_forget(struct ruleset *rs);
