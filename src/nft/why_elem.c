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

static uint64_t ends_in(const struct elem_table *t, const struct elem *el) /* ms; 0: never */
{
	uint32_t attr = el->m.contrib ? elem_attr(t, el) : el->hattr;
	const struct attr *a = attr ? &t->attrs.v[attr - 1] : NULL;
	uint64_t now = boot_ms();

	return a && a->timeout_ms && a->expires_at > now ? a->expires_at - now : 0;
}

static const char *elem_state(const struct elem_table *t, const struct elem *el)
{
	uint32_t attr = el->m.contrib ? elem_attr(t, el) : el->hattr;

	if (attr && t->attrs.v[attr - 1].spent)
		return "its time is over";
	if (el->flags & E_PENDING)
		return "waits for what it names";
	if (el->flags & E_REFUSED)
		return "refused by the kernel";
	return elem_unclaimed(el) ? "found in the kernel and not stated since this start" : NULL;
}

static void holder(struct ruleset *rs, const struct member *m, const struct answer *to)
{
	if (to->json) {
		json_member(to->json, NULL, rs, m);
		return;
	}
	buf_puts(to->text, "  held by ");
	why_member(rs, m, to->text);
}

static void holders(struct elem_table *t, const struct elem *el, const struct answer *to)
{
	struct why_list l = { to, 0 };

	why_begin(&l, "held_by");
	for (const struct member *m = &el->m; m->contrib; m = &t->more.v[m->next - 1]) {
		if (why_shows(&l))
			holder(t->set->rs, m, to);
		if (!m->next)
			break;
	}
	why_rest(&l, "  ", "holders");
	why_end(&l);
}

static void hit_json(struct elem_table *t, uint32_t i, enum cover how, struct json *j)
{
	static const char *const words[] = { [SAME] = "same",
		[INSIDE] = "covered",
		[AROUND] = "covers",
		[ACROSS] = "overlaps",
		[VALUE] = "value" };
	const struct elem *el = elem_at(t, i);
	uint64_t ends = ends_in(t, el);
	_buf_ struct buf text = BUF_INIT;

	elem_text(t, i, &text);
	json_text(j, "kind", "element");
	json_text(j, "element", buf_str(&text));
	json_text(j, "match", el->flags & E_CATCHALL ? "catch-all" : words[how]);
	json_open(j, "of", '{');
	why_json_name(j, t->set);
	json_close(j, '}');
	if (ends)
		json_seconds(j, "expires", (double)ends / 1000);
	if (elem_state(t, el))
		json_text(j, "state", elem_state(t, el));
}

static void hit_text(struct elem_table *t, uint32_t i, enum cover how, struct buf *out)
{
	static const char *const words[] = {
		[SAME] = "element of",
		[INSIDE] = "covered by an element of",
		[AROUND] = "covers an element of",
		[ACROSS] = "overlaps an element of",
		[VALUE] = "value of an element of",
	};
	const struct elem *el = elem_at(t, i);
	uint64_t ends = ends_in(t, el);
	char in[48];

	buf_printf(out, "%s ", el->flags & E_CATCHALL ? "covered by the catch-all of" : words[how]);
	why_obj_name(t->set, out);
	buf_puts(out, ": ");
	elem_text(t, i, out);
	if (ends)
		buf_printf(out, ", ends in %s", duration_format((ends + 999) / 1000 * 1000, in));
	if (elem_state(t, el))
		buf_printf(out, ", %s", elem_state(t, el));
	buf_putc(out, '\n');
}

static void hit(struct elem_table *t, uint32_t i, enum cover how, const struct answer *to)
{
	if (to->json) {
		json_open(to->json, NULL, '{');
		hit_json(t, i, how, to->json);
	} else {
		hit_text(t, i, how, to->text);
	}
	holders(t, elem_at(t, i), to);
	if (to->json)
		json_close(to->json, '}');
}

static bool there(const struct elem *el)
{
	return el->flags & E_USED && (el->m.contrib || elem_unclaimed(el));
}

struct found {
	const struct answer *to;
	unsigned n;
	struct why_list of_set;
};

static void found(struct found *f, struct elem_table *t, uint32_t i, enum cover how)
{
	f->n++;
	if (why_shows(&f->of_set))
		hit(t, i, how, f->to);
}

static void set_end(struct found *f, struct obj *set)
{
	struct json *j = f->to->json;

	why_rest(&f->of_set, "", "elements");
	if (f->of_set.n && j) {
		json_open(j, NULL, '{');
		why_json_name(j, set);
	}
	if (f->of_set.n)
		f->n += why_users(set, f->to);
	if (f->of_set.n && j)
		json_close(j, '}');
	f->of_set.n = 0;
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

static unsigned rules_with(struct ruleset *rs, const struct span *s, const struct answer *to)
{
	struct why_list l = { to, 0 };

	for (uint32_t i = 0; i < rs->all.n; i++)
		vec_foreach (st, &rs->all.v[i]->rules)
			if ((*st)->active && (*st)->rule.rc && text_names((*st)->rule.rc->text, s) &&
				why_shows(&l))
				why_rule(*st, "named by ", to);
	why_rest(&l, "", "rules");
	return l.n;
}

int why_address(struct ruleset *rs, const char *what, const struct answer *to)
{
	struct found f = { to, 0, { to, 0 } };
	struct span s;

	if (!span_parse(what, strlen(what), &s))
		return -1;
	for (uint32_t i = 0; i < rs->all.n; i++)
		if (rs->all.v[i]->kind == OBJ_SET && rs->all.v[i]->elems)
			address_in_set(rs->all.v[i], &s, &f);
	f.n += rules_with(rs, &s, to);
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

unsigned why_value(struct ruleset *rs, const char *what, const struct answer *to)
{
	struct found f = { to, 0, { to, 0 } };

	for (uint32_t i = 0; i < rs->all.n; i++)
		if (rs->all.v[i]->kind == OBJ_SET && rs->all.v[i]->elems)
			value_in_set(rs->all.v[i], what, &f);
	return f.n;
}
