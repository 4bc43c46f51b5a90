// SPDX-License-Identifier: GPL-2.0-or-later
/* `rnm why` of an address or another value: the elements that hold or cover it, their holders, and the rules
 * that look it up or name it. */
#include <ctype.h>
#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/text.h"
#include "nft/model.h"
#include "nft/why.h"

#define HOLDERS_SHOWN 8

struct span { /* of addresses, both ends in it */
	int family;
	size_t len;
	uint8_t lo[16], hi[16];
};

enum cover { APART, SAME, INSIDE, AROUND, ACROSS, VALUE };

/* How [lo, hi] lies to [elo, ehi]. */
static enum cover covers(
	const uint8_t *lo, const uint8_t *hi, const uint8_t *elo, const uint8_t *ehi, size_t len)
{
	int a = memcmp(lo, elo, len), b = memcmp(hi, ehi, len);

	if (memcmp(hi, elo, len) < 0 || memcmp(lo, ehi, len) > 0)
		return APART;
	if (a == 0 && b == 0)
		return SAME;
	if (a >= 0 && b <= 0)
		return INSIDE;
	return a <= 0 && b >= 0 ? AROUND : ACROSS;
}

static void span_of(const struct ipprefix *p, struct span *s)
{
	s->family = p->addr.family;
	s->len = p->addr.family == AF_INET ? 4 : 16;
	for (size_t i = 0; i < s->len; i++) {
		unsigned bits = p->len > 8 * i ? p->len - 8 * (unsigned)i : 0;
		uint8_t mask = (uint8_t)(bits >= 8 ? 0xff : 0xff00 >> bits);

		s->lo[i] = p->addr.b[i] & mask;
		s->hi[i] = p->addr.b[i] | (uint8_t)~mask;
	}
}

/* "192.0.2.1", "192.0.2.0/24", "192.0.2.1-192.0.2.9" */
static bool span_parse(const char *text, size_t n, struct span *s)
{
	char word[2 * IPPREFIX_STRLEN], *dash;
	struct ipprefix a, b;
	struct span to;

	if (!n || n >= sizeof(word))
		return false;
	memcpy(word, text, n);
	word[n] = '\0';
	dash = strchr(word, '-');
	if (dash)
		*dash = '\0';
	if (!ipprefix_parse(word, &a))
		return false;
	span_of(&a, s);
	if (!dash)
		return true;
	if (!ipprefix_parse(dash + 1, &b) || b.addr.family != a.addr.family)
		return false;
	span_of(&b, &to);
	memcpy(s->hi, to.hi, sizeof(s->hi));
	return memcmp(s->lo, s->hi, s->len) <= 0;
}

/* ---- an element and its holders ---- */

static void elem_text(const struct elem_table *t, uint32_t i, struct buf *out)
{
	const struct elem *el = elem_at(t, i);
	struct setelem x;

	elem_get(t, i, el->m.contrib ? elem_attr(t, el) : el->hattr, &x);
	x.timeout_ms = x.expires_ms = 0;
	elem_line(&t->info, &x, out);
}

static void elem_state(const struct elem_table *t, const struct elem *el, struct buf *out)
{
	uint32_t attr = el->m.contrib ? elem_attr(t, el) : el->hattr;
	const struct attr *a = attr ? &t->attrs.v[attr - 1] : NULL;
	uint64_t now = boot_ms();
	char text[48];

	if (a && a->timeout_ms && a->expires_at > now)
		buf_printf(out, ", ends in %s",
			duration_format((a->expires_at - now + 999) / 1000 * 1000, text));
	if (a && a->spent)
		buf_puts(out, ", its time is over");
	if (el->flags & E_PENDING)
		buf_puts(out, ", waits for what it names");
	if (el->flags & E_REFUSED)
		buf_puts(out, ", refused by the kernel");
	if (elem_unclaimed(el))
		buf_puts(out, ", found in the kernel and not stated since this start");
}

static void holders(struct elem_table *t, const struct elem *el, struct buf *out)
{
	unsigned n = 0;

	for (const struct member *m = &el->m; m->contrib; m = &t->more.v[m->next - 1]) {
		if (++n <= HOLDERS_SHOWN) {
			buf_puts(out, "  held by ");
			why_member(t->set->rs, m, out);
		}
		if (!m->next)
			break;
	}
	if (n > HOLDERS_SHOWN)
		buf_printf(out, "  … %u more holders\n", n - HOLDERS_SHOWN);
}

static void hit(struct elem_table *t, uint32_t i, enum cover how, struct buf *out)
{
	static const char *const words[] = {
		[SAME] = "element of",
		[INSIDE] = "covered by an element of",
		[AROUND] = "covers an element of",
		[ACROSS] = "overlaps an element of",
		[VALUE] = "value of an element of",
	};
	const struct elem *el = elem_at(t, i);

	buf_printf(out, "%s ", el->flags & E_CATCHALL ? "covered by the catch-all of" : words[how]);
	why_obj_name(t->set, out);
	buf_puts(out, ": ");
	elem_text(t, i, out);
	elem_state(t, el, out);
	buf_putc(out, '\n');
	holders(t, el, out);
}

static bool there(const struct elem *el)
{
	return el->flags & E_USED && (el->m.contrib || elem_unclaimed(el));
}

struct found {
	unsigned n, of_set;
	struct buf *out;
};

static void found(struct found *f, struct elem_table *t, uint32_t i, enum cover how)
{
	f->n++;
	if (++f->of_set <= WHY_SHOWN)
		hit(t, i, how, f->out);
}

static void set_end(struct found *f, struct obj *set)
{
	if (f->of_set > WHY_SHOWN)
		buf_printf(f->out, "… %u more elements\n", f->of_set - WHY_SHOWN);
	if (f->of_set)
		f->n += why_users(set, "  ", f->out);
	f->of_set = 0;
}

/* ---- addresses ---- */

struct part {
	size_t off, len;
	int family;
};

static unsigned parts_of(const struct nft_type *type, struct part out[NFT_PARTS_MAX])
{
	size_t off = 0;

	for (unsigned i = 0; i < type->n; i++) {
		struct nft_type one = { .n = 1, .part = { type->part[i] }, .bits = { type->bits[i] } };

		out[i] = (struct part){ off, (type->bits[i] + 7u) / 8, nft_type_family(&one) };
		off += (out[i].len + 3) & ~(size_t)3;
	}
	return type->n;
}

static bool any_of(const struct part *parts, unsigned n, const struct span *s)
{
	for (unsigned p = 0; p < n; p++)
		if (parts[p].family == s->family)
			return true;
	return false;
}

static enum cover elem_covers(const struct elem_table *t, const struct elem *el, const struct part *parts,
	unsigned n, const struct span *s)
{
	enum cover how = APART;

	if (el->flags & E_CATCHALL)
		return INSIDE;
	for (unsigned p = 0; p < n && how == APART; p++) {
		const uint8_t *lo = el->key + parts[p].off;

		if (parts[p].family == s->family && parts[p].len == s->len &&
			parts[p].off + s->len <= t->klen)
			how = covers(s->lo, s->hi, lo, t->interval ? lo + t->klen : lo, s->len);
	}
	return how;
}

/* What a map leads to. */
static enum cover value_in(const struct elem_table *t, const struct elem *el, const struct part *parts,
	unsigned n, const struct span *s)
{
	uint32_t attr = el->m.contrib ? elem_attr(t, el) : el->hattr;
	const struct attr *a = attr ? &t->attrs.v[attr - 1] : NULL;

	for (unsigned p = 0; a && p < n; p++) {
		const uint8_t *at = attr_data(a) + parts[p].off;

		if (parts[p].family == s->family && parts[p].len == s->len &&
			parts[p].off + s->len <= a->dlen && covers(s->lo, s->hi, at, at, s->len))
			return VALUE;
	}
	return APART;
}

static void address_in_set(struct obj *set, const struct span *s, struct found *f)
{
	const struct set_info *info = &set->elems->info;
	struct part keys[NFT_PARTS_MAX], values[NFT_PARTS_MAX];
	unsigned n = parts_of(&info->key, keys),
		 m = info->flags & NFT_SET_MAP ? parts_of(&info->data, values) : 0;
	bool by_key = any_of(keys, n, s), by_value = any_of(values, m, s);

	for (uint32_t i = 0; (by_key || by_value) && i < set->elems->n; i++) {
		const struct elem *el = elem_at(set->elems, i);
		enum cover how = APART;

		if (there(el) && by_key)
			how = elem_covers(set->elems, el, keys, n, s);
		if (there(el) && by_value && !how)
			how = value_in(set->elems, el, values, m, s);
		if (how)
			found(f, set->elems, i, how);
	}
	set_end(f, set);
}

/* Does the text of a rule have an address, prefix or range that touches it? Comments do not count. */
static bool text_names(const char *text, const struct span *s)
{
	bool quoted = false;

	while (*text) {
		size_t n = strspn(text, "0123456789abcdefABCDEF.:/-");
		struct span other;

		if (!quoted && span_parse(text, n, &other) && other.family == s->family &&
			covers(s->lo, s->hi, other.lo, other.hi, s->len))
			return true;
		text += n;
		for (; *text && !isspace((unsigned char)*text) && *text != '{' && *text != ','; text++)
			quoted ^= *text == '"'; /* the rest of a word */
		for (; *text && (isspace((unsigned char)*text) || *text == '{' || *text == ',');)
			text++;
	}
	return false;
}

static unsigned rules_with(struct ruleset *rs, const struct span *s, struct buf *out)
{
	unsigned n = 0;

	for (uint32_t i = 0; i < rs->all.n; i++)
		vec_foreach (st, &rs->all.v[i]->rules) {
			if (!(*st)->active || !(*st)->rule.rc || !text_names((*st)->rule.rc->text, s) ||
				++n > WHY_SHOWN)
				continue;
			buf_puts(out, "named by ");
			why_rule_line(*st, out);
		}
	if (n > WHY_SHOWN)
		buf_printf(out, "… %u more rules\n", n - WHY_SHOWN);
	return n;
}

int why_address(struct ruleset *rs, const char *what, struct buf *out)
{
	struct found f = { 0, 0, out };
	struct span s;

	if (!span_parse(what, strlen(what), &s))
		return -1;
	for (uint32_t i = 0; i < rs->all.n; i++)
		if (rs->all.v[i]->kind == OBJ_SET && rs->all.v[i]->elems)
			address_in_set(rs->all.v[i], &s, &f);
	f.n += rules_with(rs, &s, out);
	return (int)f.n;
}

/* ---- other values ---- */

static enum cover value_covers(const struct elem_table *t, const struct elem *el, const struct setelem *x,
	const struct part *parts, unsigned n)
{
	const uint8_t *hi = x->interval ? x->key_end : x->key;

	for (unsigned p = 0; p < n; p++) {
		const uint8_t *lo = el->key + parts[p].off;

		if (parts[p].off + parts[p].len > t->klen ||
			!covers(x->key + parts[p].off, hi + parts[p].off, lo, lo + t->klen, parts[p].len))
			return APART;
	}
	return INSIDE;
}

static void value_in_set(struct obj *set, const char *what, struct found *f)
{
	struct elem_table *t = set->elems;
	struct set_info info = t->info; /* a map's key alone */
	struct part parts[NFT_PARTS_MAX];
	unsigned n = parts_of(&info.key, parts);
	struct val v = val_string(what, strlen(what));
	struct setelem x = { 0 };
	uint32_t i;

	info.flags &= ~(uint32_t)(NFT_SET_MAP | NFT_SET_OBJECT);
	if (nft_elem_make(&info, &v, NULL, &x, NULL) == 0) {
		i = elem_find(t, &x);
		if (i != UINT32_MAX && there(elem_at(t, i)))
			found(f, t, i, SAME);
		for (uint32_t k = 0; t->interval && !x.catchall && k < t->n; k++)
			if (k != i && there(elem_at(t, k)) && !(elem_at(t, k)->flags & E_CATCHALL) &&
				value_covers(t, elem_at(t, k), &x, parts, n))
				found(f, t, k, INSIDE);
	}
	val_free(&v);
	set_end(f, set);
}

unsigned why_value(struct ruleset *rs, const char *what, struct buf *out)
{
	struct found f = { 0, 0, out };

	for (uint32_t i = 0; i < rs->all.n; i++)
		if (rs->all.v[i]->kind == OBJ_SET && rs->all.v[i]->elems)
			value_in_set(rs->all.v[i], what, &f);
	return f.n;
}
