// SPDX-License-Identifier: GPL-2.0-or-later
/* Control groups that rules name. The kernel knows them by a number, which another one has after the group
 * went and came again under its name, and no notification tells of it. */
#include "nft/datatype.h"
#include "nft/model.h"

#define GROUPS_MAX 1024u /* then those are found anew that are still named */

void group_named(struct ruleset *rs, const char *path)
{
	vec_foreach (g, &rs->groups)
		if (!strcmp(g->path, path))
			return;
	vec_push(&rs->groups, (struct group_seen){ xstrdup(path), dt_cgroup_id(path) });
}

void groups_forget(struct ruleset *rs)
{
	vec_foreach (g, &rs->groups)
		free(g->path);
	vec_clear(&rs->groups);
}

bool ruleset_groups_named(const struct ruleset *rs)
{
	return rs->groups.n > 0;
}

bool ruleset_groups_moved(const struct ruleset *rs)
{
	vec_foreach (g, &rs->groups)
		if (dt_cgroup_id(g->path) != g->id)
			return true;
	return rs->groups.n > GROUPS_MAX;
}
