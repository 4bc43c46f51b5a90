// SPDX-License-Identifier: GPL-2.0-or-later
/* A pack's lasting edits as texts, and made again of them: for recordings. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "nft/lang.h"
#include "nft/model.h"

/* Of strings the quotes do not count. */
static void unquoted(struct buf *b)
{
	size_t n = 0;

	for (size_t i = 0; i < b->n; i++)
		if (b->s[i] != '"')
			b->s[n++] = b->s[i];
	b->n = n;
	if (b->s)
		b->s[n] = '\0';
}

static void tell(const struct contrib *c, uint32_t i, const struct member *m,
	void (*fn)(void *ctx, const struct kept_edit *k), void *ctx)
{
	struct set_info plain = c->t->info;
	struct kept_edit k = { .set = c->set };
	_buf_ struct buf key = BUF_INIT, all = BUF_INIT;
	struct setelem el;

	elem_get(c->t, i, m->attr, &el);
	k.timeout_ms = el.timeout_ms;
	k.left_ms = el.expires_ms;
	k.comment = el.comment;
	el.timeout_ms = el.expires_ms = 0;
	el.comment = NULL;
	el.n_exprs = 0;
	plain.flags &= ~(uint32_t)(NFT_SET_MAP | NFT_SET_OBJECT);
	nft_elem_text(&plain, &el, &key);
	nft_elem_text(&c->t->info, &el, &all);
	if (all.n > key.n + 3) {
		memmove(all.s, all.s + key.n + 3, all.n - key.n - 2);
		all.n -= key.n + 3;
		unquoted(&all);
		k.data = buf_str(&all);
	}
	unquoted(&key);
	k.key = buf_str(&key);
	fn(ctx, &k);
}

void rpack_edits(const struct rpack *pk, void (*fn)(void *ctx, const struct kept_edit *k), void *ctx)
{
	vec_foreach (p, &pk->edits) {
		const struct contrib *c = *p;

		for (uint32_t i = 0; c->on && c->lasting && c->t && i < c->t->n; i++) {
			const struct member *m = member_of(c->t, i, c->id);

			if (m)
				tell(c, i, m, fn, ctx);
		}
	}
}

int rpack_edit(struct rpack *pk, const char *set, const struct kept_edit *k, struct err *e)
{
	char family[16] = "", table[NFT_NAME_MAXLEN] = "", name[NFT_NAME_MAXLEN] = "";
	struct val key = val_string(k->key, strlen(k->key)),
		   data = val_string(k->data ? k->data : "", k->data ? strlen(k->data) : 0);
	struct elem_in in = { .key = &key,
		.data = k->data ? &data : NULL,
		.timeout_ms = k->timeout_ms,
		.comment = k->comment };
	struct obj *o = NULL;
	uint8_t fam;
	int rc = -EINVAL;

	if (sscanf(set, "%15s %255s %255s", family, table, name) == 3)
		rc = nft_family_parse(family, &fam, e);
	if (rc == 0)
		o = obj_find(pk->rs, OBJ_SET, fam, table, name);
	rc = o ? edit_add(pk, o, &in, 1, true, 0, e) : err_set(e, -ENOENT, "%s: no such set", set);
	val_free(&key);
	val_free(&data);
	return rc;
}
