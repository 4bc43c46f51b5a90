// SPDX-License-Identifier: GPL-2.0-or-later
#include <stdio.h>
#include <net/if.h>

#include "base/text.h"
#include "config/read.h"

/* ---- places and messages ---- */

static void at_text(const struct at *at, struct buf *out)
{
	if (!at)
		return;
	at_text(at->up, out);
	if (!at->key)
		buf_printf(out, "[%u]", at->index);
	else
		buf_printf(out, "%s%.64s", out->n ? "." : "", at->key);
}

static void wrong_at(struct reader *r, const struct at *at, unsigned line, unsigned col, const char *text)
{
	_buf_ struct buf path = BUF_INIT;

	at_text(at, &path);
	if (path.n)
		problem_at(&r->p, line, col, "%s: %s", buf_str(&path), text);
	else
		problem_at(&r->p, line, col, "%s", text);
}

static char *vtext(const char *fmt, va_list ap)
{
	char *s;

	return vasprintf(&s, fmt, ap) < 0 ? xstrdup(fmt) : s;
}

void wrong(struct reader *r, const struct at *at, const struct ynode *n, const char *fmt, ...)
{
	_autofree_ char *s = NULL;
	va_list ap;

	va_start(ap, fmt);
	s = vtext(fmt, ap);
	va_end(ap);
	wrong_at(r, at, n->line, n->col, s);
}

void wrong_value(
	struct reader *r, const struct at *at, const struct ynode *n, const char *what, const char *hint)
{
	wrong(r, at, n, "%s (value " SHOWN ")%s%s", what, n->text ? n->text : "", hint ? "; " : "",
		hint ? hint : "");
}

void note(struct reader *r, const struct at *at, unsigned line, unsigned col, const char *fmt, ...)
{
	_buf_ struct buf path = BUF_INIT;
	_autofree_ char *s = NULL;
	va_list ap;

	va_start(ap, fmt);
	s = vtext(fmt, ap);
	va_end(ap);
	at_text(at, &path);
	vec_push(&r->c->notes, xasprintf("%s:%u:%u: %s: %s", r->p.file, line, col, buf_str(&path), s));
}

/* ---- mappings and lists ---- */

struct key_list {
	const struct key *keys;
	size_t n;
};

static const char *key_name_at(void *ctx, size_t i)
{
	const struct key_list *l = ctx;

	return i < l->n ? l->keys[i].name : NULL;
}

static const struct key *find_key(const struct key_list *l, const char *name)
{
	for (size_t i = 0; i < l->n; i++)
		if (!strcmp(l->keys[i].name, name))
			return &l->keys[i];
	return NULL;
}

/* Names that other tools use for the same thing and that no spelling distance finds. */
static const char *other_name(const struct key_list *l, const char *name)
{
	static const char *const other[][2] = {
		{ "zone", "nftables_zone" },
		{ "ip", "address" },
		{ "ipaddr", "address" },
		{ "dhcp4", "dhcp" },
		{ "dhcp6", "dhcp" },
		{ "to", "dst" },
		{ "via", "gateway" },
		{ "from", "src" },
		{ "device", "name" },
		{ "interface", "name" },
		{ "folders", "dirs" },
		{ "directories", "dirs" },
		{ "permissions", "mode" },
		{ "loglevel", "log" },
		{ "batch", "commit" },
		{ "priority", "metric" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(other); i++)
		if (!strcmp(other[i][0], name) && find_key(l, other[i][1]))
			return other[i][1];
	return NULL;
}

static void unknown_key(struct reader *r, const struct at *at, const struct ykey *k, const struct key_list *l)
{
	const char *near = strlen(k->name) <= 64 ? suggest(k->name, key_name_at, (void *)l) : NULL;
	_buf_ struct buf text = BUF_INIT;

	if (!near)
		near = other_name(l, k->name);
	buf_puts(&text, "unknown key");
	if (near) {
		buf_printf(&text, "; did you mean '%s'?", near);
	} else {
		buf_puts(&text, "; known here:");
		for (size_t i = 0; i < l->n; i++)
			buf_printf(&text, "%s %s", i ? "," : "", l->keys[i].name);
	}
	wrong_at(r, at, k->line, k->col, buf_str(&text));
}

void read_map(struct reader *r, const struct at *at, const struct ynode *n, const struct key *keys,
	size_t n_keys, void *into)
{
	const struct key_list l = { keys, n_keys };

	if (ynode_is_null(n))
		return;
	if (n->kind != Y_MAP) {
		wrong(r, at, n, "must be a mapping (KEY: VALUE), not %s", ynode_kind(n));
		return;
	}
	for (uint32_t i = 0; i < n->n; i++) {
		const struct at here = { at, n->keys[i].name, 0 };
		const struct key *k = find_key(&l, n->keys[i].name);

		if (!k)
			unknown_key(r, &here, &n->keys[i], &l);
		else if (!n->keys[i].repeated)
			k->read(r, &here, &n->items[i], (char *)into + k->off);
	}
}

void read_list(
	struct reader *r, const struct at *at, const struct ynode *n, bool single, read_fn *fn, void *into)
{
	if (ynode_is_null(n))
		return;
	if (n->kind == Y_SCALAR && single) {
		fn(r, at, n, into);
		return;
	}
	if (n->kind != Y_LIST) {
		wrong(r, at, n, "must be a list, not %s", ynode_kind(n));
		return;
	}
	for (uint32_t i = 0; i < n->n; i++) {
		const struct at here = { at, NULL, i };

		fn(r, &here, &n->items[i], into);
	}
}

const struct ynode *map_value(const struct ynode *map, const char *key, const struct ykey **place)
{
	for (uint32_t i = 0; map->kind == Y_MAP && i < map->n; i++) {
		if (strcmp(map->keys[i].name, key))
			continue;
		if (place)
			*place = &map->keys[i];
		return &map->items[i];
	}
	return NULL;
}

/* ---- single values ---- */

const char *scalar(struct reader *r, const struct at *at, const struct ynode *n, const char *want)
{
	if (n->kind != Y_SCALAR || ynode_is_null(n)) {
		wrong(r, at, n, "must be %s, not %s", want, ynode_kind(n));
		return NULL;
	}
	if (!text_is_clean(n->text, strlen(n->text))) {
		wrong(r, at, n, "must be %s, not %s", want,
			*n->text ? "text with control bytes" : "an empty text");
		return NULL;
	}
	return n->text;
}

int read_word(struct reader *r, const struct at *at, const struct ynode *n, const char *const *words,
	size_t n_words)
{
	_buf_ struct buf want = BUF_INIT, hint = BUF_INIT;
	const char *s, *near;

	for (size_t i = 0; i < n_words; i++)
		buf_printf(&want, "%s%s", i ? (i + 1 < n_words ? ", " : " or ") : "", words[i]);
	s = scalar(r, at, n, buf_str(&want));
	if (!s)
		return -1;
	for (size_t i = 0; i < n_words; i++)
		if (!strcmp(words[i], s))
			return (int)i;
	near = strlen(s) <= 64 ? suggest_in(s, words, n_words) : NULL;
	if (near)
		buf_printf(&hint, "did you mean '%s'?", near);
	wrong(r, at, n, "must be %s (value " SHOWN ")%s%s", buf_str(&want), s, near ? "; " : "",
		buf_str(&hint));
	return -1;
}

void read_bool(struct reader *r, const struct at *at, const struct ynode *n, void *into)
{
	static const char *const words[] = { "true", "yes", "on", "True", "TRUE", "Yes", "On", "false", "no",
		"off", "False", "FALSE", "No", "Off" };
	const char *s = scalar(r, at, n, "true or false");

	if (!s)
		return;
	for (size_t i = 0; n->plain && i < ARRAY_SIZE(words); i++) {
		if (strcmp(words[i], s))
			continue;
		*(bool *)into = i < ARRAY_SIZE(words) / 2;
		return;
	}
	wrong_value(
		r, at, n, n->plain ? "must be true or false" : "must be true or false, without quotes", NULL);
}

static void take_text(void *into, char *text)
{
	free(*(char **)into);
	*(char **)into = text;
}

void read_text(struct reader *r, const struct at *at, const struct ynode *n, void *into)
{
	const char *s = scalar(r, at, n, "a text");

	if (s)
		take_text(into, xstrdup(s));
}

bool zone_valid(const char *s)
{
	size_t n = strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-");

	return n && !s[n] && n < 32 && *s != '-' && *s != '.';
}

void read_zone(struct reader *r, const struct at *at, const struct ynode *n, void *into)
{
	const char *s = scalar(r, at, n, "a zone's name");

	if (s && !zone_valid(s))
		wrong_value(r, at, n, "not a zone's name: at most 31 letters, digits, '_', '-' or '.'", NULL);
	else if (s)
		take_text(into, xstrdup(s));
}

bool ifname_valid(const char *s)
{
	size_t n = strlen(s);

	if (!n || n >= IFNAMSIZ || !strcmp(s, ".") || !strcmp(s, ".."))
		return false;
	for (; *s; s++)
		if ((unsigned char)*s <= ' ' || *s == '/' || *s == ':' || *s == 0x7f)
			return false;
	return true;
}

static bool prefix_of(struct reader *r, const struct at *at, const struct ynode *n, struct ipprefix *out)
{
	const char *s = scalar(r, at, n, "an address with its prefix length");
	struct ipaddr a;
	size_t slash;

	if (!s)
		return false;
	slash = strcspn(s, "/");
	if (ipprefix_parse(s, out))
		return true;
	if (slash < IPADDR_STRLEN && s[slash] && ipaddr_parse(strndupa(s, slash), &a))
		wrong_value(r, at, n, "not a prefix length",
			a.family == AF_INET ? "0 to 32 for IPv4" : "0 to 128 for IPv6");
	else
		wrong_value(r, at, n, "not an IP address", "for example 192.168.1.1/24");
	return false;
}

void read_prefix(struct reader *r, const struct at *at, const struct ynode *n, void *into)
{
	prefix_of(r, at, n, into);
}

char *path_from(const struct reader *r, const char *path)
{
	return *path == '/' || !r->base ? xstrdup(path) : xasprintf("%s/%s", r->base, path);
}

void read_path(struct reader *r, const struct at *at, const struct ynode *n, void *into)
{
	const char *s = scalar(r, at, n, "a path");

	if (s)
		take_text(into, path_from(r, s));
}

/* Digits and one of the suffixes; false: anything else, or out of range. */
static bool scaled(const char *s, const char *const *suffix, const uint64_t *factor, size_t n, uint64_t max,
	uint64_t *out)
{
	size_t digits = strspn(s, "0123456789");

	if (!digits || digits > 19 || !parse_u64(strndupa(s, digits), UINT64_MAX, out))
		return false;
	for (size_t i = 0; i < n; i++) {
		if (strcmp(s + digits, suffix[i]))
			continue;
		if (*out > max / factor[i])
			return false;
		*out *= factor[i];
		return true;
	}
	return false;
}

static void count_of(
	struct reader *r, const struct at *at, const struct ynode *n, uint64_t max, uint64_t *out)
{
	static const char *const suffix[] = { "", "k", "M", "G" };
	static const uint64_t factor[] = { 1, 1000, 1000000, 1000000000 };
	const char *s = scalar(r, at, n, "a number");
	uint64_t v;

	if (!s)
		return;
	if (scaled(s, suffix, factor, ARRAY_SIZE(suffix), max, &v) && v)
		*out = v;
	else
		wrong_value(r, at, n,
			max > UINT32_MAX ? "must be a number from 1 on, such as 100000 or 10M"
					 : "must be a number from 1 to 4294967295, such as 5000 or 20k",
			NULL);
}

void read_count64(struct reader *r, const struct at *at, const struct ynode *n, void *into)
{
	count_of(r, at, n, INT64_MAX, into);
}

void read_count32(struct reader *r, const struct at *at, const struct ynode *n, void *into)
{
	uint64_t v = *(uint32_t *)into;

	count_of(r, at, n, UINT32_MAX, &v);
	*(uint32_t *)into = (uint32_t)v;
}

void read_bytes(struct reader *r, const struct at *at, const struct ynode *n, void *into)
{
	static const char *const suffix[] = { "", "K", "KiB", "M", "MiB", "G", "GiB" };
	static const uint64_t factor[] = { 1, 1 << 10, 1 << 10, 1 << 20, 1 << 20, 1 << 30, 1 << 30 };
	const char *s = scalar(r, at, n, "a size");
	uint64_t v;

	if (!s)
		return;
	if (scaled(s, suffix, factor, ARRAY_SIZE(suffix), INT64_MAX, &v) && v >= 1 << 20)
		*(uint64_t *)into = v;
	else
		wrong_value(r, at, n, "must be a size of at least 1 MiB, such as 64MiB", NULL);
}

void read_ms(struct reader *r, const struct at *at, const struct ynode *n, void *into)
{
	const char *s = scalar(r, at, n, "a duration");
	uint64_t v;

	if (!s)
		return;
	if (!duration_parse(s, &v))
		wrong_value(r, at, n, "not a duration", "for example 100ms, 5s or 1h30m");
	else if (!v)
		wrong_value(r, at, n, "must be longer than nothing", NULL);
	else
		*(uint64_t *)into = v;
}

bool read_number(struct reader *r, const struct at *at, const struct ynode *n, uint64_t min, uint64_t max,
	uint64_t *out)
{
	const char *s = scalar(r, at, n, "a number");

	if (!s)
		return false;
	if (parse_u64(s, max, out) && *out >= min)
		return true;
	wrong(r, at, n, "must be a number from %llu to %llu (value " SHOWN ")", (unsigned long long)min,
		(unsigned long long)max, s);
	return false;
}

/* ---- values that nothing acts on yet ---- */

void check_bool(struct reader *r, const struct at *at, const struct ynode *n, void *into)
{
	bool b;

	(void)into;
	read_bool(r, at, n, &b);
}

void check_text(struct reader *r, const struct at *at, const struct ynode *n, void *into)
{
	(void)into;
	scalar(r, at, n, "a text");
}

void check_prefix(struct reader *r, const struct at *at, const struct ynode *n, void *into)
{
	struct ipprefix p;

	(void)into;
	prefix_of(r, at, n, &p);
}

void check_destination(struct reader *r, const struct at *at, const struct ynode *n, void *into)
{
	if (n->kind != Y_SCALAR || strcmp(n->text, "default"))
		check_prefix(r, at, n, into);
}

void check_address(struct reader *r, const struct at *at, const struct ynode *n, void *into)
{
	const char *s = scalar(r, at, n, "an IP address");
	struct ipaddr a;

	(void)into;
	if (s && !ipaddr_parse(s, &a))
		wrong_value(r, at, n, "not an IP address", strchr(s, '/') ? "without a prefix length" : NULL);
}

void check_number(struct reader *r, const struct at *at, const struct ynode *n, void *into)
{
	uint64_t v;

	(void)into;
	read_number(r, at, n, 0, UINT32_MAX, &v);
}

void check_ifname(struct reader *r, const struct at *at, const struct ynode *n, void *into)
{
	const char *s = scalar(r, at, n, "an interface's name");

	(void)into;
	if (s && !ifname_valid(s))
		wrong_value(r, at, n,
			"not an interface's name: at most 15 bytes, without spaces, '/' and ':'", NULL);
}

void check_any(struct reader *r, const struct at *at, const struct ynode *n, void *into)
{
	(void)r, (void)at, (void)n, (void)into;
}
