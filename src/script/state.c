// SPDX-License-Identifier: GPL-2.0-or-later
/* rnm.state: a table that outlives its Lua state. Kept in C, journaled with the pack, written to PACK.state.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "script/state_int.h"

#define SAVE_EVERY_NS 1000000000ull

/* ---- file ---- */

struct pstate *pstate_open(struct script *s, const char *name)
{
	struct pstate *st = xnew(struct pstate);
	_autofree_ char *text = NULL;
	_err_ struct err e = ERR_INIT;
	size_t n;
	int rc;

	st->s = s;
	st->refs = 1;
	st->name = xstrdup(name);
	if (s->state_dir) {
		st->path = xasprintf("%s/%s.state", s->state_dir, name);
		rc = text_read(st->path, 4 * STATE_BYTES, &text, &n, &e);
		if (rc == 0)
			st->root = state_parse(text, n, &e);
		if (!st->root && rc != -ENOENT) {
			_autofree_ char *bad = xasprintf("%s.bad", st->path);

			if (!s->read_only && rename(st->path, bad) == 0)
				log_warn("pack", "%s: rnm.state begins empty: %s: %s; kept as %s", name,
					st->path, err_text(&e), bad);
			else
				log_warn("pack", "%s: rnm.state begins empty: %s: %s", name, st->path,
					err_text(&e));
		}
	}
	if (s->read_only) {
		free(st->path);
		st->path = NULL;
	}
	if (!st->root)
		st->root = snode_new(SN_TABLE);
	st->bytes = snode_bytes(st->root);
	return st;
}

struct pstate *pstate_ref(struct pstate *st)
{
	st->refs++;
	return st;
}

void script_states(const struct script *s,
	void (*fn)(void *ctx, const char *pack, const char *state, uint64_t source), void *ctx)
{
	vec_foreach (pk, &s->packs) {
		_buf_ struct buf text = BUF_INIT;

		if ((*pk)->st)
			state_print((*pk)->st->root, &text);
		fn(ctx, (*pk)->spec.name, buf_str(&text), (*pk)->spec.source);
	}
}

/* Not synced: it would stop the loop for as long as the disk takes. */
static int save(struct pstate *st)
{
	_buf_ struct buf text = BUF_INIT;
	_err_ struct err e = ERR_INIT;

	state_print(st->root, &text);
	return file_write(st->path, 0600, false, buf_str(&text), text.n, &e);
}

static void save_now(struct pstate *st)
{
	int rc;

	if (!st->dirty || !st->path)
		return;
	st->saved_at = mono_ns();
	rc = save(st);
	if (rc < 0 && !st->failing)
		log_warn("pack", "%s: can not write %s: %s; trying again", st->name, st->path, strerror(-rc));
	st->failing = rc < 0;
	st->dirty = rc < 0;
}

void pstate_save_due(struct pstate *st, uint64_t now, uint64_t *next)
{
	uint64_t at = st->saved_at + (st->failing ? 10 : 1) * SAVE_EVERY_NS;

	if (!st->dirty || !st->path)
		return;
	if (now && (!st->saved_at || at <= now)) {
		save_now(st);
		if (!st->dirty)
			return;
		at = st->saved_at + 10 * SAVE_EVERY_NS;
	}
	if (!*next || at < *next)
		*next = at;
}

const struct snode *pstate_root(const struct pstate *st)
{
	return st->root;
}

void pstate_put(struct pstate *st)
{
	if (--st->refs)
		return;
	save_now(st);
	snode_put(st->root);
	free(st->name);
	free(st->path);
	free(st);
}

/* ---- changes ---- */

static void change_free(struct change *c)
{
	c->st->undoable -= c->cost;
	snode_put(c->old);
	snode_put(c->table);
	free(c->key.s);
	free(c->top);
	pstate_put(c->st);
	free(c);
}

struct snode *snode_swap(struct snode *table, const struct state_key *key, struct snode *val)
{
	struct snode *old = NULL;
	bool found;
	uint32_t i = snode_find(table, key, &found);

	if (found) {
		old = table->e.v[i].val;
		if (val) {
			table->e.v[i].val = val;
		} else {
			free(table->e.v[i].key.s);
			vec_remove(&table->e, i);
		}
	} else if (val) {
		struct state_key k = { key->s ? xmemdup(key->s, key->n + 1) : NULL, key->n, key->i };

		vec_insert(&table->e, i, (struct sentry){ k, val });
	}
	return old;
}

static void change_undo(void *obj, uint64_t a, uint64_t b)
{
	struct change *c = obj;

	(void)a, (void)b;
	snode_put(snode_swap(c->table, &c->key, c->old));
	c->old = NULL;
	c->st->bytes = c->bytes;
	change_free(c);
}

static void change_commit(void *obj, uint64_t a, uint64_t b)
{
	struct change *c = obj;

	(void)a, (void)b;
	c->st->dirty = true;
	change_free(c);
}

const struct jtype jt_state = { "rnm.state", change_undo, change_commit };

void pstate_touched(struct pack *pk, const char *top)
{
	for (struct dep *d = pk->state_deps; d; d = d->peer)
		if (!d->key || strcmp(d->key, top) == 0)
			subject_stale(d->sub);
}

void pstate_set(struct pack *pk, struct snode *table, const struct state_key *key, struct snode *val,
	const char *top, size_t bytes)
{
	struct pstate *st = pk->st;
	struct change *c = xnew(struct change);

	c->st = pstate_ref(st);
	c->table = table;
	c->table->refs++;
	c->key = (struct state_key){ key->s ? xmemdup(key->s, key->n + 1) : NULL, key->n, key->i };
	c->top = xstrdup(top);
	c->bytes = st->bytes;
	c->old = snode_swap(table, key, val);
	c->cost = 128 + key->n + (c->old ? snode_bytes(c->old) : 0);
	st->undoable += c->cost;
	st->bytes = bytes;
	journal_push(rpack_journal(pk->rp), &jt_state, c, 0, 0);
}
