// SPDX-License-Identifier: GPL-2.0-or-later
/* `rnm why` finds what it is asked about. */
#include "nft/why.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "nft/model.h"

#define FRAGMENT_MIN 3
#define WHAT_MAX     1024

/* Or a set of it is attached to. */
static bool table_stated(const struct obj *t)
{
	if (why_stated(t))
		return true;
	vec_foreach (m, &t->members)
		if (why_stated(*m))
			return true;
	return false;
}

typedef VEC(char *) strings;

static const char *string_at(void *ctx, size_t i)
{
	strings *s = ctx;

	return i < s->n ? s->v[i] : NULL;
}

/* tab: what is in it is proposed; else, for a place, tables by their family and name; else all names. */
static int unknown(struct ruleset *rs, const struct obj *tab, bool place, const char *what, struct err *e)
{
	strings known = { 0 };
	_buf_ struct buf shown = BUF_INIT;
	const char *near;
	int rc;

	for (uint32_t i = 0; i < rs->all.n && strlen(what) <= 64; i++) {
		const struct obj *o = rs->all.v[i];

		if (!why_stated(o) || (tab && o->tab != tab) || (place && o->kind != OBJ_TABLE))
			continue;
		vec_push(&known,
			place ? xasprintf("%s %s", nft_family_name(o->family), o->name) : xstrdup(o->name));
	}
	near = suggest(what, string_at, &known);
	buf_visible(&shown, what, strnlen(what, 80));
	rc = err_set(e, -ENOENT, "%s: rnm states nothing of this name%s%s%s", buf_str(&shown),
		near ? "; did you mean '" : "; `rnm list` shows what it states", near ? near : "",
		near ? "'?" : "");
	vec_foreach (s, &known)
		free(*s);
	vec_free(&known);
	return rc;
}

/* A rule of the chain by "handle N" or by its text. */
static unsigned rules_like(struct obj *chain, const char *text, struct why_list *l)
{
	uint64_t handle = 0;
	const struct rcode *rc = NULL;
	unsigned n = 0;

	if (!strncmp(text, "handle ", 7) && parse_u64(text + 7, UINT64_MAX, &handle) && handle)
		vec_foreach (k, &chain->krules)
			if (k->handle == handle)
				rc = k->rc;
	vec_foreach (st, &chain->rules) {
		const char *said = (*st)->rule.rc ? (*st)->rule.rc->text : (*st)->rule.why;
		bool hit = handle ? rc && (*st)->rule.rc == rc : said && strstr(said, text);

		if (!hit || !(*st)->active)
			continue;
		n++;
		if (why_shows(l))
			why_rule(*st, "", l->to);
		if (handle)
			break;
	}
	return n;
}

static unsigned by_fragment(struct ruleset *rs, const char *what, const struct answer *to)
{
	struct why_list l = { to, 0 };

	if (strlen(what) < FRAGMENT_MIN)
		return 0;
	for (uint32_t i = 0; i < rs->all.n; i++)
		if (rs->all.v[i]->kind == OBJ_CHAIN)
			rules_like(rs->all.v[i], what, &l);
	why_rest(&l, "", "rules");
	return l.n;
}

static int by_place(struct ruleset *rs, uint8_t family, const char *table, const char *name, const char *more,
	const char *what, const struct answer *to, struct err *e)
{
	struct obj *t = obj_find(rs, OBJ_TABLE, family, NULL, table);
	_buf_ struct buf place = BUF_INIT;
	struct why_list l = { to, 0 };
	unsigned n = 0;

	buf_printf(&place, "%s %s", nft_family_name(family), table);
	if (!t || !table_stated(t)) /* text of a rule begins like that, too */
		return by_fragment(rs, what, to) ? 0 : unknown(rs, NULL, true, buf_str(&place), e);
	if (!*name) {
		why_object(t, to);
		return 0;
	}
	for (uint32_t i = 0; i < t->members.n; i++) {
		struct obj *o = t->members.v[i];

		if (strcmp(o->name, name) != 0 || !why_stated(o))
			continue;
		if (*more && o->kind != OBJ_CHAIN)
			continue;
		if (!*more)
			why_object(o, to);
		else if (!rules_like(o, more, &l))
			return err_set(
				e, -ENOENT, "chain %s of %s has no rule '%s'", name, buf_str(&place), more);
		n++;
	}
	why_rest(&l, "", "rules");
	return n ? 0 : unknown(rs, t, false, name, e);
}

/* 0: nobody has this name. */
static int by_name(struct ruleset *rs, const char *name, const struct answer *to, struct err *e)
{
	struct obj *found = NULL;
	_buf_ struct buf all = BUF_INIT;
	unsigned n = 0;

	for (uint32_t i = 0; i < rs->all.n; i++) {
		struct obj *o = rs->all.v[i];

		if (strcmp(o->name, name) != 0 || !why_stated(o))
			continue;
		found = o;
		if (n++ >= WHY_SHOWN)
			continue;
		buf_puts(&all, n > 1 ? ", " : "");
		why_obj_name(o, &all);
	}
	if (n > 1)
		return err_set(e, -EINVAL, "several have this name, say which: %s%s", buf_str(&all),
			n > WHY_SHOWN ? ", …" : "");
	if (n)
		why_object(found, to);
	return (int)n;
}

/* Takes a word off the front; false: it is longer than a name. */
static bool take(const char **at, char word[NFT_NAME_MAXLEN])
{
	size_t n;

	*at += strspn(*at, " \t");
	n = strcspn(*at, " \t");
	if (n >= NFT_NAME_MAXLEN)
		return false;
	memcpy(word, *at, n);
	word[n] = '\0';
	*at += n;
	*at += strspn(*at, " \t");
	return true;
}

static bool kind_word(const char *word)
{
	if (!strcmp(word, "map") || !strcmp(word, "rule"))
		return true;
	for (enum obj_kind k = OBJ_TABLE; k <= OBJ_STATEFUL; k++)
		if (k != OBJ_STATEFUL && !strcmp(word, obj_kind_word(k)))
			return true;
	return false;
}

static int find(struct ruleset *rs, const char *what, const struct answer *to, struct err *e)
{
	char first[NFT_NAME_MAXLEN] = "", table[NFT_NAME_MAXLEN] = "", name[NFT_NAME_MAXLEN] = "";
	const char *at = what + strspn(what, " \t"), *in;
	uint8_t family;
	int n;

	if (!*at)
		return err_set(e, -EINVAL,
			"why needs an ADDRESS, a FAMILY TABLE [NAME], the NAME of something, or text of a "
			"rule");
	if (strlen(at) > WHAT_MAX)
		return err_set(e, -EINVAL, "longer than %u bytes", WHAT_MAX);
	what = in = at;
	if (take(&in, first) && *in && kind_word(first))
		what = at = in;
	in = at;
	if (take(&in, first) && *in && nft_family_parse(first, &family, NULL) == 0 && take(&in, table) &&
		take(&in, name))
		return by_place(rs, family, table, name, in, what, to, e);
	n = why_address(rs, what, to);
	if (n > 0)
		return 0;
	if (n == 0)
		return err_set(e, -ENOENT, "%s: no set of rnm's holds it, and no rule names it", what);
	n = by_name(rs, what, to, e);
	if (n)
		return n < 0 ? n : 0;
	if (why_value(rs, what, to) || by_fragment(rs, what, to))
		return 0;
	return unknown(rs, NULL, false, what, e);
}

int ruleset_why(struct ruleset *rs, const char *what, const struct answer *to, struct err *e)
{
	struct why_list l = { to, 0 };
	int rc;

	why_begin(&l, "found");
	rc = find(rs, what, to, e);
	why_end(&l);
	return rc;
}
