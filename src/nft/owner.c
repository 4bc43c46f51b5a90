// SPDX-License-Identifier: GPL-2.0-or-later
/* Owner mode: rnm's tables get the flags `owner` and `persist`, and tables that others own are waited for. */
#include "nft/owner.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <linux/netlink.h>

#include "nft/merge_impl.h"
#include "nft/readback.h"

/* ---- the process behind a port ---- */

/* The inode of the netfilter socket with this port, from this namespace's list; 0: it has none. */
static unsigned long port_inode(uint32_t port)
{
	FILE *f = fopen("/proc/net/netlink", "re");
	unsigned long inode = 0, found;
	char line[256];
	unsigned proto, id;

	while (f && !inode && fgets(line, sizeof(line), f))
		if (sscanf(line, "%*s %u %u %*s %*s %*s %*s %*s %*s %lu", &proto, &id, &found) == 3 &&
			proto == NETLINK_NETFILTER && id == port)
			inode = found;
	if (f)
		fclose(f);
	return inode;
}

static bool has_socket(const char *pid, unsigned long inode)
{
	char path[300], to[64], want[64];
	const struct dirent *d;
	bool found = false;
	ssize_t n;
	DIR *fds;

	snprintf(path, sizeof(path), "/proc/%s/fd", pid);
	snprintf(want, sizeof(want), "socket:[%lu]", inode);
	fds = opendir(path);
	while (fds && !found && (d = readdir(fds))) {
		snprintf(path, sizeof(path), "/proc/%s/fd/%s", pid, d->d_name);
		n = readlink(path, to, sizeof(to) - 1);
		if (n <= 0)
			continue;
		to[n] = '\0';
		found = !strcmp(to, want);
	}
	if (fds)
		closedir(fds);
	return found;
}

static void process_text(const char *pid, struct buf *out)
{
	char path[300], name[32];
	size_t n = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%s/comm", pid);
	f = fopen(path, "re");
	if (f) {
		n = fread(name, 1, sizeof(name), f);
		fclose(f);
	}
	while (n && name[n - 1] == '\n')
		n--;
	if (n)
		buf_visible(out, name, n);
	else
		buf_putc(out, '?');
	buf_printf(out, "[%s]", pid);
}

void netlink_port_text(uint32_t port, struct buf *out)
{
	unsigned long inode = port_inode(port);
	DIR *procs = inode ? opendir("/proc") : NULL;
	const struct dirent *d;
	bool found = false;

	while (procs && !found && (d = readdir(procs))) {
		found = d->d_name[0] >= '1' && d->d_name[0] <= '9' && has_socket(d->d_name, inode);
		if (found)
			process_text(d->d_name, out);
	}
	if (procs)
		closedir(procs);
	if (!found)
		buf_printf(out, "port %u", port);
}

/* ---- the ruleset's tables ---- */

void ruleset_owner(struct ruleset *rs, bool owner)
{
	if (rs->owner == owner)
		return;
	rs->owner = owner;
	for (uint32_t i = 0; i < rs->all.n; i++)
		if (rs->all.v[i]->kind == OBJ_TABLE)
			obj_dirty(rs->all.v[i]);
}

bool ruleset_owner_asked(const struct ruleset *rs)
{
	return rs->owner_asked && rs->owner_can < 0;
}

void ruleset_owner_can(struct ruleset *rs, bool can)
{
	rs->owner_can = can;
	for (uint32_t i = 0; !can && i < rs->all.n; i++)
		if (rs->all.v[i]->kind == OBJ_TABLE)
			obj_dirty(rs->all.v[i]);
}

unsigned ruleset_owned(struct ruleset *rs, bool look)
{
	unsigned n = 0;

	for (uint32_t i = 0; rs->owned && i < rs->all.n; i++) {
		const struct obj *o = rs->all.v[i];

		if (o->kind != OBJ_TABLE || !o->owner || !o->decls.n)
			continue;
		n++;
		if (look)
			ruleset_suspect(rs, OBJ_TABLE, o->family, o->name, NULL);
	}
	rs->owned = n > 0;
	return n;
}

uint32_t owner_flags(struct ruleset *rs, uint32_t flags)
{
	const uint32_t both = NFT_TABLE_F_OWNER | TABLE_F_PERSIST;

	if (!rs->owner && !(flags & NFT_TABLE_F_OWNER))
		return flags;
	rs->owner_asked = true;
	return rs->owner_can ? flags | both : flags & ~both;
}

char *table_why(const struct obj *o)
{
	_buf_ struct buf who = BUF_INIT;

	if (o->owner)
		netlink_port_text(o->owner, &who);
	if (o->owner && o->marked)
		return xasprintf("%s owns it (`flags owner`): it waits until that process lets go of it",
			buf_str(&who));
	if (o->owner)
		return xasprintf(
			"a table of this name exists, is not rnm's and owned by %s (`flags owner`): choose "
			"another name, or end that process",
			buf_str(&who));
	if (o->odd_mark)
		return xstrdup("a table of this name exists, is not rnm's, and can not be taken over: a "
			       "chain " MARK_CHAIN " in it is in the way");
	return xasprintf(
		"a table of this name exists and is not rnm's: take it over with `rnm adopt %s %s` (or "
		"adopt = true in its spec), put elements into its sets with nft.attach, choose another "
		"name, or delete that table",
		nft_family_name(o->family), o->name);
}
