// SPDX-License-Identifier: GPL-2.0-or-later
/* Constants. */
#include <dirent.h>
#include <limits.h>
#include <net/if.h>
#include <string.h>
#include <sys/stat.h>

#include "base/text.h"
#include "nft/decomp.h"

u128 val_ones(unsigned bits)
{
	return bits >= 128 ? ~(u128)0 : ((u128)1 << bits) - 1;
}

struct sel sel_of(const struct datatype *dt, unsigned bits)
{
	struct sel s = { .dt = dt, .bits = bits ? bits : dt->bits, .order = dt_order_of(dt) };

	s.len = datatype_bytes(s.bits);
	return s;
}

u128 val_num(const struct sel *s, const uint8_t *p, unsigned len)
{
	return num_import(p, len > 16 ? 16 : len, s->dt->base == BASE_STRING ? ORDER_BIG : s->order);
}

const char *dc_ifname(struct dc *c, uint32_t index)
{
	struct dname *d = NULL;
	char name[IF_NAMESIZE];
	const char *s;

	for (uint32_t i = 0; i < c->n_names; i++)
		if (c->names[i].index == index)
			return c->names[i].name;
	s = c->env->ifname ? c->env->ifname(c->env->ctx, index) : if_indextoname(index, name);
	if (!s || !*s || strlen(s) >= sizeof(d->name))
		return NULL;
	c->names = xrealloc(c->names, c->n_names + 1, sizeof(*c->names));
	d = &c->names[c->n_names++];
	d->index = index;
	strcpy(d->name, s);
	return d->name;
}

void quote_put(const char *s, size_t n, struct buf *out)
{
	if (n && (!text_is_clean(s, n) || memchr(s, '"', n)))
		buf_quote(out, s, n);
	else
		buf_printf(out, "\"%.*s\"", (int)n, s);
}

/* An asterisk at the end would make a pattern of it. */
static void name_put(const uint8_t *p, unsigned n, struct buf *out)
{
	char b[NFT_KEY_MAX + 2];

	n = (unsigned)strnlen((const char *)p, n < NFT_KEY_MAX ? n : NFT_KEY_MAX);
	memcpy(b, p, n);
	if (n && b[n - 1] == '*') {
		b[n - 1] = '\\';
		b[n++] = '*';
	}
	quote_put(b, n, out);
}

void val_glob_put(const uint8_t *p, unsigned n, struct buf *out)
{
	char b[NFT_KEY_MAX + 1];

	n = (unsigned)strnlen((const char *)p, n < NFT_KEY_MAX ? n : NFT_KEY_MAX);
	memcpy(b, p, n);
	b[n] = '*';
	quote_put(b, n + 1, out);
}

/* ---- control groups are numbers of directories ---- */

#define CGROUPS     "/sys/fs/cgroup"
#define CGROUPS_MAX 20000 /* directories looked at */

struct group {
	uint64_t id;
	unsigned left;
	char path[PATH_MAX];
};

static bool find_group(struct group *g, size_t n, unsigned depth)
{
	DIR *d = depth < 16 ? opendir(g->path) : NULL;
	bool found = false;
	struct dirent *e;

	while (d && !found && (e = readdir(d))) {
		size_t len = strlen(e->d_name);

		if (e->d_type != DT_DIR || e->d_name[0] == '.' || n + 1 + len >= sizeof(g->path) || !g->left)
			continue;
		g->left--;
		g->path[n] = '/';
		memcpy(g->path + n + 1, e->d_name, len + 1);
		found = e->d_ino == g->id || find_group(g, n + 1 + len, depth + 1);
		if (!found)
			g->path[n] = '\0';
	}
	if (d)
		closedir(d);
	return found;
}

static void group_put(u128 v, struct buf *out)
{
	struct group g = { .id = (uint64_t)v, .left = CGROUPS_MAX, .path = CGROUPS };
	size_t n = strlen(CGROUPS);
	struct stat st;

	if (!stat(CGROUPS, &st) && st.st_ino == g.id)
		quote_put("/", 1, out);
	else if (find_group(&g, n, 0))
		quote_put(g.path + n + 1, strlen(g.path + n + 1), out);
	else
		buf_printf(out, "%llu", (unsigned long long)g.id);
}

static void hex_put(u128 v, struct buf *out)
{
	if (v >> 64)
		buf_printf(out, "0x%llx%016llx", (unsigned long long)(v >> 64), (unsigned long long)v);
	else
		buf_printf(out, "0x%llx", (unsigned long long)v);
}

/* The bits of a mask from the lowest on; what has no name as a number. */
bool val_bits_put(const struct sel *s, u128 v, const char *sep, struct buf *out)
{
	uint64_t left = (uint64_t)v;
	unsigned n = 0;

	if (s->dt->base != BASE_BITMASK || !s->dt->syms || !v || v >> 64)
		return false;
	for (unsigned i = 0; i < 64; i++) {
		const char *name = left >> i & 1 ? datatype_symbol_name(s->dt, 1ull << i) : NULL;

		if (!name)
			continue;
		buf_printf(out, "%s%s", n++ ? sep : "", name);
		left &= ~(1ull << i);
	}
	if (left) {
		buf_puts(out, n++ ? sep : "");
		hex_put(left, out);
	}
	return n > 1;
}

void val_num_put(struct dc *c, const struct sel *s, u128 v, bool plain, struct buf *out)
{
	unsigned bytes = datatype_bytes(s->bits);
	uint8_t b[16];
	const char *name;

	if (!s->bits || bytes > sizeof(b)) {
		c->failed = true;
		return;
	}
	if (s->hex) {
		hex_put(v, out);
		return;
	}
	num_export(v, bytes, dt_order_of(s->dt), b);
	if (s->dt->base == BASE_STRING)
		name_put(b, bytes, out);
	else if (s->dt->id == DT_CGROUPV2)
		group_put(v, out);
	else if (s->dt->id == DT_IFINDEX && v && (name = dc_ifname(c, (uint32_t)v)))
		quote_put(name, strlen(name), out);
	else if (s->dt->id == DT_IFINDEX)
		buf_printf(out, "%u", (uint32_t)v);
	else if (s->dt->base == BASE_BITMASK && s->dt->syms && v)
		val_bits_put(s, v, " | ", out);
	else if (plain && s->dt->id == DT_TIME && v % 1000 == 0)
		buf_printf(out, "%llus", (unsigned long long)(v / 1000));
	else if (plain)
		datatype_print_plain(s->dt, s->bits, b, out);
	else
		datatype_print(s->dt, s->bits, b, out);
}

/* Names of single bits would be bounds that nobody can read. */
void val_range_put(struct dc *c, const struct sel *s, u128 lo, u128 hi, struct buf *out)
{
	struct sel k = *s;

	k.hex = s->hex || s->dt->base == BASE_BITMASK;
	val_num_put(c, &k, lo, true, out);
	buf_putc(out, '-');
	val_num_put(c, &k, hi, true, out);
}

void val_put(struct dc *c, const struct sel *s, const uint8_t *p, unsigned len, struct buf *out)
{
	if (len > 16) {
		c->failed = true;
		return;
	}
	val_num_put(c, s, val_num(s, p, len) >> s->shift, s->plain, out);
}
