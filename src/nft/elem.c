// SPDX-License-Identifier: GPL-2.0-or-later
/* Values → set elements. On the way of events: no allocation unless something is wrong. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/text.h"
#include "nft/datatype.h"
#include "nft/ruleset.h"

#define PART_TEXT 256 /* longest text of a part */

/* The place where a scalar stands. */
struct place {
	const struct datatype *t;
	unsigned bits, bytes;
	bool ranges; /* prefixes, ranges, globs are allowed */
};

static int bad_value(const struct place *pl, const struct val *v, const char *why, struct err *e)
{
	_buf_ struct buf text = BUF_INIT;

	if (!e)
		return -EINVAL;
	val_text(v, &text);
	return err_set(e, -EINVAL, "%s is no %s%s", SHOWN(buf_str(&text)), pl->t->desc, why);
}

/* ---- one scalar ---- */

static int scalar_text(const struct place *pl, const char *s, uint8_t *out, struct err *e)
{
	return datatype_parse(pl->t, pl->bits, s, out, e);
}

static int scalar(const struct place *pl, const struct val *v, uint8_t *out, struct err *e)
{
	char num[24];

	switch (v->kind) {
	case VAL_STRING:
		if (pl->t->id != DT_IFINDEX || !v->num)
			return scalar_text(pl, v->str, out, e);
		snprintf(num, sizeof(num), "%lld", (long long)v->num);
		return scalar_text(pl, num, out, e);
	case VAL_INT:
		if (pl->t->base == BASE_STRING)
			return bad_value(pl, v, ": it must be a string", e);
		if (pl->t->id == DT_CGROUPV2)
			return bad_value(pl, v, ": it must be a path", e);
		if (v->num < 0)
			return bad_value(pl, v, ": it is negative", e);
		snprintf(num, sizeof(num), "%lld", (long long)v->num);
		return scalar_text(pl, num, out, e);
	case VAL_ADDR:
	case VAL_PREFIX:
		if (pl->t->id != (v->ip.addr.family == AF_INET ? DT_IPADDR : DT_IP6ADDR))
			return bad_value(pl, v, "", e);
		if (pl->bytes != ipaddr_bytes(&v->ip.addr))
			return bad_value(pl, v, " of this width", e);
		if (v->ip.len != ipaddr_bits(&v->ip.addr))
			return bad_value(pl, v, ": a prefix stands only where the set has flags interval", e);
		memcpy(out, v->ip.addr.b, pl->bytes);
		return (int)pl->bytes;
	case VAL_MAC:
		if ((pl->t->id != DT_ETHERADDR && pl->t->id != DT_LLADDR) || pl->bytes != sizeof(v->mac))
			return bad_value(pl, v, "", e);
		memcpy(out, v->mac, sizeof(v->mac));
		return (int)pl->bytes;
	case VAL_RANGE: return bad_value(pl, v, ": a range stands only where the set has flags interval", e);
	case VAL_GLOB: return bad_value(pl, v, ": a pattern stands only where the set has flags interval", e);
	case VAL_NIL:
	case VAL_CONCAT:
	case VAL_LIST:
	case VAL_MAP:
	case VAL_OBJ:
	case VAL_LIVE: break;
	}
	return bad_value(pl, v, ": one scalar is asked", e);
}

/* ---- ranges: lo and hi in the type's own byte order ---- */

static void spread(const struct place *pl, unsigned len, uint8_t *lo, uint8_t *hi)
{
	for (unsigned i = 0; i < pl->bytes; i++) {
		/* bit 0 of the value's most significant byte is the first bit of the prefix */
		unsigned at = pl->t->order == ORDER_HOST && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
				      ? pl->bytes - 1 - i
				      : i;
		unsigned fixed = len > 8 * i ? len - 8 * i : 0;
		uint8_t host = (uint8_t)(fixed >= 8 ? 0 : 0xff >> fixed);

		lo[at] = (uint8_t)(lo[at] & ~host);
		hi[at] = (uint8_t)(lo[at] | host);
	}
}

static int ordered(
	const struct place *pl, const char *what, const uint8_t *lo, const uint8_t *hi, struct err *e)
{
	if (datatype_cmp(pl->t, pl->bits, lo, hi) > 0)
		return err_set(e, -ERANGE, "range %s ends before it begins", SHOWN(what));
	return (int)pl->bytes;
}

/* "a-b": every '-' that leaves a scalar on both sides, numbers only when asked. -EINVAL: no range. */
static int range_text(
	const struct place *pl, const char *s, bool numbers, uint8_t *lo, uint8_t *hi, struct err *e)
{
	char left[PART_TEXT];

	if (strlen(s) >= sizeof(left))
		return -EINVAL;
	for (const char *dash = strchr(s, '-'); dash; dash = strchr(dash + 1, '-')) {
		size_t n = (size_t)(dash - s);

		if (!n || !dash[1] ||
			(numbers && (s[strspn(s, "0123456789.")] != '-' || dash[1] < '0' || dash[1] > '9')))
			continue;
		memcpy(left, s, n);
		left[n] = 0;
		if (scalar_text(pl, left, lo, NULL) >= 0 && scalar_text(pl, dash + 1, hi, NULL) >= 0)
			return ordered(pl, s, lo, hi, e);
	}
	return -EINVAL;
}

static int prefix_text(const struct place *pl, const char *s, uint8_t *lo, uint8_t *hi)
{
	const char *slash = strchr(s, '/');
	char left[PART_TEXT];
	uint64_t len;
	int n;

	if (!slash || !pl->t->prefix || (size_t)(slash - s) >= sizeof(left) || slash[1] < '0' ||
		slash[1] > '9' || !parse_u64(slash + 1, pl->bits, &len))
		return -EINVAL;
	memcpy(left, s, (size_t)(slash - s));
	left[slash - s] = 0;
	n = scalar_text(pl, left, lo, NULL);
	if (n >= 0)
		spread(pl, (unsigned)len, lo, hi);
	return n;
}

static int interval_text(const struct place *pl, const char *s, uint8_t *lo, uint8_t *hi, struct err *e)
{
	int n;

	if (pl->t->base != BASE_STRING) {
		/* Before symbols, so that lists of numbers never ask for service names. */
		n = range_text(pl, s, true, lo, hi, e);
		if (n != -EINVAL)
			return n;
		n = prefix_text(pl, s, lo, hi);
		if (n >= 0)
			return n;
	}
	n = scalar_text(pl, s, lo, NULL);
	if (n >= 0) {
		memcpy(hi, lo, (size_t)n);
		return n;
	}
	if (pl->t->base != BASE_STRING) {
		n = range_text(pl, s, false, lo, hi, e);
		if (n != -EINVAL)
			return n;
	}
	return scalar_text(pl, s, lo, e);
}

static int glob(const struct place *pl, const struct val *v, uint8_t *lo, uint8_t *hi, struct err *e)
{
	size_t n = strlen(v->str);

	if (pl->t->base != BASE_STRING)
		return bad_value(pl, v, ": patterns are for names", e);
	if (n < 2 || v->str[n - 1] != '*' || strcspn(v->str, "*?") != n - 1)
		return bad_value(pl, v, ": a pattern is the begin of a name and one * behind it", e);
	if (n - 1 >= pl->bytes || !text_is_clean(v->str, n))
		return bad_value(pl, v, ": too long, or control bytes", e);
	memcpy(lo, v->str, n - 1);
	memset(lo + n - 1, 0, pl->bytes - (n - 1));
	memcpy(hi, v->str, n - 1);
	memset(hi + n - 1, 0xff, pl->bytes - (n - 1));
	return (int)pl->bytes;
}

static int interval(const struct place *pl, const struct val *v, uint8_t *lo, uint8_t *hi, struct err *e)
{
	int n;

	if (v->kind == VAL_STRING)
		return interval_text(pl, v->str, lo, hi, e);
	if (v->kind == VAL_GLOB)
		return glob(pl, v, lo, hi, e);
	if (v->kind == VAL_PREFIX && pl->t->id == (v->ip.addr.family == AF_INET ? DT_IPADDR : DT_IP6ADDR) &&
		pl->bytes == ipaddr_bytes(&v->ip.addr)) {
		memcpy(lo, v->ip.addr.b, pl->bytes);
		spread(pl, v->ip.len, lo, hi);
		return (int)pl->bytes;
	}
	if (v->kind == VAL_RANGE && v->n == 2) {
		if (pl->t->base == BASE_STRING)
			return bad_value(pl, v, ": names have no ranges", e);
		n = scalar(pl, &v->list[0], lo, e);
		if (n >= 0)
			n = scalar(pl, &v->list[1], hi, e);
		if (n >= 0 && datatype_cmp(pl->t, pl->bits, lo, hi) > 0)
			return bad_value(pl, v, ": the range ends before it begins", e);
		return n;
	}
	n = scalar(pl, v, lo, e);
	if (n >= 0)
		memcpy(hi, lo, (size_t)n);
	return n;
}

/* ---- parts ---- */

static void turn(uint8_t *p, unsigned n)
{
	for (unsigned i = 0; i < n / 2; i++) {
		uint8_t c = p[i];

		p[i] = p[n - 1 - i];
		p[n - 1 - i] = c;
	}
}

static bool turns(const struct place *pl, bool big) /* numbers in host order, where big endian is asked */
{
	return big && pl->t->order == ORDER_HOST && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__;
}

/* Of a part that is written: its bytes with those up to the next one. */
static unsigned end_part(const struct place *pl, bool more, bool big, uint8_t *lo, uint8_t *hi)
{
	unsigned pad = more ? -pl->bytes % 4 : 0;

	if (turns(pl, big)) {
		turn(lo, pl->bytes);
		if (hi)
			turn(hi, pl->bytes);
	}
	memset(lo + pl->bytes, 0, pad);
	if (hi)
		memset(hi + pl->bytes, 0, pad);
	return pl->bytes + pad;
}

/* hi NULL: no ranges. big: numbers in host order are turned. */
static int put_part(const struct nft_type *t, unsigned i, bool big, const struct val *v, uint8_t *lo,
	uint8_t *hi, struct err *e)
{
	struct place pl = { t->part[i], t->bits[i], datatype_bytes(t->bits[i]), hi != NULL };
	int n = hi ? interval(&pl, v, lo, hi, e) : scalar(&pl, v, lo, e);

	if (n < 0)
		return n == -ERANGE ? -EINVAL : n;
	if ((unsigned)n != pl.bytes)
		return bad_value(&pl, v, " of this width", e);
	return (int)end_part(&pl, t->n > 1, big, lo, hi);
}

/* The length of a prefix in decimal digits: where it ends. */
static const char *scan_len(const char *s, unsigned max, unsigned *out)
{
	unsigned v = 0, n;

	for (n = 0; n < 3 && s[n] >= '0' && s[n] <= '9'; n++)
		v = 10 * v + (unsigned)(s[n] - '0');
	*out = v;
	return n && v <= max && (s[0] != '0' || n == 1) ? s + n : NULL;
}

/* Plain addresses and numbers, their prefixes and ranges: what long lists are made of is read in one go.
 * Where it ends; NULL: it is something else, for those who know all notations and what to say of mistakes. */
static const char *scan_part(const struct place *pl, const char *s, uint8_t *lo, uint8_t *hi)
{
	unsigned len;

	s = datatype_scan(pl->t, pl->bits, s, lo);
	if (!s || !hi)
		return s;
	if (*s == '-') {
		s = datatype_scan(pl->t, pl->bits, s + 1, hi);
		return s && datatype_cmp(pl->t, pl->bits, lo, hi) <= 0 ? s : NULL;
	}
	if (*s == '/') {
		s = pl->t->prefix ? scan_len(s + 1, pl->bits, &len) : NULL;
		if (s)
			spread(pl, len, lo, hi);
		return s;
	}
	memcpy(hi, lo, pl->bytes);
	return s;
}

/* Its bytes; 0: not so. */
static unsigned scan_value(const struct nft_type *t, bool big, const char *s, uint8_t *lo, uint8_t *hi)
{
	unsigned off = 0;

	for (unsigned i = 0; i < t->n; i++) {
		struct place pl = { t->part[i], t->bits[i], datatype_bytes(t->bits[i]), hi != NULL };

		if (i) {
			if (s[0] != ' ' || s[1] != '.' || s[2] != ' ')
				return 0;
			s += 3;
		}
		s = scan_part(&pl, s, lo + off, hi ? hi + off : NULL);
		if (!s)
			return 0;
		off += end_part(&pl, t->n > 1, big, lo + off, hi ? hi + off : NULL);
	}
	return *s ? 0 : off;
}

static int wrong_count(const struct nft_type *t, const struct val *v, struct err *e)
{
	_buf_ struct buf text = BUF_INIT, type = BUF_INIT;

	if (!e)
		return -EINVAL;
	val_text(v, &text);
	nft_type_text(t, &type);
	return err_set(
		e, -EINVAL, "%s has not the %u parts of %s", SHOWN(buf_str(&text)), t->n, buf_str(&type));
}

static int put_text_parts(
	const struct nft_type *t, bool big, const struct val *v, uint8_t *lo, uint8_t *hi, struct err *e)
{
	const char *s = v->str;
	unsigned off = 0;

	for (unsigned i = 0; i < t->n; i++) {
		const char *end = strstr(s, " . ");
		char word[PART_TEXT];
		struct val part = { .kind = VAL_STRING, .str = word };
		size_t n;
		int r;

		if (!end == (i + 1 < t->n))
			return wrong_count(t, v, e);
		s += strspn(s, " ");
		n = end ? (size_t)(end - s) : strlen(s);
		if (end && end < s)
			return wrong_count(t, v, e);
		while (n && s[n - 1] == ' ')
			n--;
		if (!n || n >= sizeof(word))
			return wrong_count(t, v, e);
		memcpy(word, s, n);
		word[n] = 0;
		r = put_part(t, i, big, &part, lo + off, hi ? hi + off : NULL, e);
		if (r < 0)
			return r;
		off += (unsigned)r;
		s = end ? end + 3 : s + n;
	}
	return (int)off;
}

static int put_value(
	const struct nft_type *t, bool big, const struct val *v, uint8_t *lo, uint8_t *hi, struct err *e)
{
	unsigned off = 0;

	if (!t->n || nft_type_is_verdict(t))
		return err_set(e, -EINVAL, "no type for a value");
	if (v->kind == VAL_STRING && (off = scan_value(t, big, v->str, lo, hi)) != 0)
		return (int)off;
	if (t->n == 1)
		return put_part(t, 0, big, v, lo, hi, e);
	if (v->kind == VAL_STRING)
		return put_text_parts(t, big, v, lo, hi, e);
	if (v->kind != VAL_CONCAT || v->n != t->n)
		return wrong_count(t, v, e);
	for (unsigned i = 0; i < t->n; i++) {
		int r = put_part(t, i, big, &v->list[i], lo + off, hi ? hi + off : NULL, e);

		if (r < 0)
			return r;
		off += (unsigned)r;
	}
	return (int)off;
}

int nft_value_make(const struct nft_type *t, const struct val *v, uint8_t out[NFT_KEY_MAX], struct err *e)
{
	uint8_t hi[NFT_KEY_MAX];
	int n;

	if (!t->interval)
		return put_value(t, false, v, out, NULL, e);
	n = put_value(t, true, v, out, hi, e);
	if (n < 0 || 2 * n > NFT_KEY_MAX)
		return n < 0 ? n : -EINVAL;
	memcpy(out + n, hi, (size_t)n);
	return 2 * n;
}

/* ---- elements ---- */

static int put_name(char out[NFT_NAME_MAXLEN], const char *s, const char *what, struct err *e)
{
	size_t n = strlen(s);

	if (n >= NFT_NAME_MAXLEN || !text_is_clean(s, n) || strpbrk(s, " \t"))
		return err_set(e, -EINVAL, "'%s' is no name of %s", SHOWN(s), what);
	memcpy(out, s, n + 1);
	return 0;
}

static int put_verdict(const char *s, struct setelem *el, struct err *e)
{
	static const struct {
		const char *name;
		int32_t code;
	} words[] = { { "accept", 1 }, { "drop", 0 }, { "continue", NFT_CONTINUE },
		{ "return", NFT_RETURN } };

	for (unsigned i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (!strcmp(s, words[i].name)) {
			el->verdict_code = words[i].code;
			return 0;
		}
	}
	if (!strncmp(s, "jump ", 5) || !strncmp(s, "goto ", 5)) {
		el->verdict_code = *s == 'j' ? NFT_JUMP : NFT_GOTO;
		return put_name(el->target, s + 5 + strspn(s + 5, " "), "a chain", e);
	}
	return err_set(e, -EINVAL,
		"'%s' is no verdict: accept, drop, continue, return, jump CHAIN or goto CHAIN", SHOWN(s));
}

static int put_data(const struct set_info *set, const struct val *v, struct setelem *el, struct err *e)
{
	bool text = v && (v->kind == VAL_STRING || (v->kind == VAL_OBJ && (set->flags & NFT_SET_OBJECT)));
	int n;

	el->dlen = 0;
	el->verdict = false;
	el->target[0] = 0;
	if (!(set->flags & (NFT_SET_MAP | NFT_SET_OBJECT)))
		return v ? err_set(e, -EINVAL, "'%s' is a set: its elements have no data", set->name) : 0;
	if (!v)
		return err_set(e, -EINVAL, "'%s' is a map: the element has no data", set->name);
	if (v->kind == VAL_OBJ && (set->flags & NFT_SET_OBJECT) &&
		v->obj_kind != OBJ_STATEFUL + set->obj_type)
		return err_set(e, -EINVAL, "'%s' is a %s, the data of '%s' is the name of a %s",
			SHOWN(v->str), obj_kind_word(v->obj_kind), set->name,
			obj_kind_word((enum obj_kind)(OBJ_STATEFUL + set->obj_type)));
	if (set->flags & NFT_SET_OBJECT)
		return text ? put_name(el->target, v->str, "an object", e)
			    : err_set(e, -EINVAL, "the data of '%s' is the name of an object", set->name);
	if (nft_type_is_verdict(&set->data)) {
		el->verdict = true;
		return text ? put_verdict(v->str, el, e)
			    : err_set(e, -EINVAL, "the data of '%s' is a verdict, as \"goto CHAIN\"",
				      set->name);
	}
	n = nft_value_make(&set->data, v, el->data, e);
	if (n < 0)
		return n;
	el->dlen = (uint16_t)n;
	return 0;
}

static bool is_catchall(const struct set_info *set, const struct val *v)
{
	bool string = false;

	if ((v->kind != VAL_STRING && v->kind != VAL_GLOB) || v->str[0] != '*' || v->str[1])
		return false;
	for (unsigned i = 0; i < set->key.n; i++)
		string |= set->key.part[i]->base == BASE_STRING;
	/* "*" might be the name of a link */
	return v->kind == VAL_GLOB || !string;
}

int nft_elem_make(const struct set_info *set, const struct val *key, const struct val *data,
	struct setelem *out, struct err *e)
{
	bool ranges = set->flags & NFT_SET_INTERVAL;
	int n = 0;

	out->catchall = is_catchall(set, key);
	out->interval = ranges && !out->catchall;
	out->timeout_ms = key->timeout_ms;
	out->expires_ms = 0;
	out->comment = key->comment;
	if (out->catchall) { /* it has none */
		memset(out->key, 0, sizeof(out->key));
		memset(out->key_end, 0, sizeof(out->key_end));
	}
	if (!out->catchall)
		n = put_value(&set->key, ranges, key, out->key, ranges ? out->key_end : NULL, e);
	if (n < 0)
		return n;
	out->klen = (uint16_t)n;
	return put_data(set, data, out, e);
}
