// SPDX-License-Identifier: GPL-2.0-or-later
/* Healing: failed blocks and records run again alone; a pack with a failed hook is replayed, all or nothing.
 */
#include <errno.h>
#include <string.h>

#include "script/internal.h"

void put_in_order(struct script *s, struct pack *pk)
{
	uint32_t i = 0;

	while (i < s->packs.n && (s->packs.v[i]->spec.order < pk->spec.order ||
					 (s->packs.v[i]->spec.order == pk->spec.order &&
						 strcmp(s->packs.v[i]->spec.name, pk->spec.name) < 0)))
		i++;
	vec_insert(&s->packs, i, pk);
}

static void put_in_place(struct script *s, struct pack *from, struct pack *to)
{
	if (!from) {
		put_in_order(s, to);
		return;
	}
	for (uint32_t i = 0; i < s->packs.n; i++) {
		if (s->packs.v[i] != from)
			continue;
		if (to)
			s->packs.v[i] = to;
		else
			vec_remove(&s->packs, i);
		return;
	}
}

void replay_undo(struct script *s, uint32_t i)
{
	struct replay r = s->replays.v[i];

	vec_remove(&s->replays, i);
	if (r.old)
		r.old->retired = false;
	put_in_place(s, r.new, r.old);
	if (r.new)
		pack_free(r.new, false);
	if (r.asked)
		return;
	r.old->fails++;
	r.old->replay_at = mono_ns() + backoff_ns(r.old->fails);
	s->ops.heal_at(s->ops.ctx, r.old->replay_at);
	pack_degraded(r.old);
}

/* Puts pk in old's place, if there is one, and brings it up. */
static int start_alone(struct script *s, struct pack *old, struct pack *pk, const char *reason, struct err *e)
{
	int rc;

	if (old) {
		old->retired = true;
		rpack_retire(old->rp, pk->rp);
	}
	put_in_place(s, old, pk);
	vec_push(&s->replays, (struct replay){ old, pk, false });
	if (holds_whole(pk->holds, pk->n_holds)) {
		pack_held(pk);
		return 0;
	}
	pk->strict = true;
	rc = pack_start(pk, e);
	if (rc == 0) {
		hooks_lifecycle(pk, EV_RELOAD, reason);
		hooks_initial(s);
		for (int i = 0; i < 16 && !pk->strict_hit; i++) {
			live_settle(s);
			if (!pack_settle(pk))
				break;
		}
	}
	pk->strict = false;
	if (rc == 0 && pk->strict_hit)
		rc = err_set(e, -ENOEXEC, "%s", pk->last_error);
	err_free(&s->load_err);
	return rc;
}

int script_start_pack(struct script *s, const struct pack_spec *spec, const char *reason, struct err *e)
{
	struct pack *old = pack_named(s, spec->name);
	int rc = start_alone(s, old, pack_new(s, spec, old, false), reason, e);

	vec_last(&s->replays).asked = true;
	if (rc < 0 && e)
		err_prefix(e, "pack %s: ", spec->name);
	return rc;
}

int script_stop_pack(struct script *s, const char *name, struct err *e)
{
	struct pack *old = pack_named(s, name);

	if (!old)
		return err_set(e, -ENOENT, "there is no pack \"%s\"", name);
	old->retired = true;
	rpack_retire(old->rp, NULL);
	put_in_place(s, old, NULL);
	vec_push(&s->replays, (struct replay){ old, NULL, true });
	return 0;
}

static void replay(struct script *s, struct pack *old)
{
	struct pack *pk = pack_new(s, &old->spec, old, true);
	_err_ struct err e = ERR_INIT;

	pack_holds_set(pk, old->holds, old->n_holds);
	old->replay_at = 0;
	log_info("pack", "%s: replay", pk->spec.name);
	if (start_alone(s, old, pk, "replay", &e) < 0) {
		log_error("pack", "%s: replay failed: %s", pk->spec.name, err_text(&e));
		pack_error(old, xstrdup(err_text(&e)));
		old->errors++;
		rpack_rollback(pk->rp, 0);
		rpack_rollback(old->rp, 0);
		replay_undo(s, s->replays.n - 1);
	}
}

static bool retry_map(struct hmap *m, uint64_t now)
{
	struct subject *sub;
	bool any = false;

	hmap_foreach (sub, m, pos)
		if (sub->failed && sub->retry_at <= now) {
			subject_stale(sub);
			any = true;
		}
	return any;
}

static bool retry_subjects(struct pack *pk, uint64_t now)
{
	bool any = false;

	if (!pk->n_failed)
		return false;
	vec_foreach (it, &pk->items) {
		if ((*it)->gone)
			continue;
		if ((*it)->kind == ITEM_EACH) {
			any |= retry_map(&((struct each *)*it)->recs, now);
		} else if ((*it)->kind == ITEM_BLOCK) {
			struct subject *sub = ((struct block *)*it)->sub;

			if (sub->failed && sub->retry_at <= now) {
				subject_stale(sub);
				any = true;
			}
		}
	}
	return any;
}

static void sooner(uint64_t *next, uint64_t at, uint64_t after)
{
	if (at > after && (!*next || at < *next))
		*next = at;
}

/* What is due at now is being seen to; whatever is later, even if that has passed meanwhile, is still to
 * come. */
static void heal_arm(struct script *s, uint64_t now)
{
	uint64_t next = 0;

	vec_foreach (p, &s->packs) {
		struct pack *pk = *p;
		struct subject *sub;

		sooner(&next, pk->replay_at, now);
		if (!pk->n_failed)
			continue;
		vec_foreach (it, &pk->items) {
			if ((*it)->kind == ITEM_BLOCK && ((struct block *)*it)->sub->failed)
				sooner(&next, ((struct block *)*it)->sub->retry_at, now);
			else if ((*it)->kind == ITEM_EACH)
				hmap_foreach (sub, &((struct each *)*it)->recs, pos)
					if (sub->failed)
						sooner(&next, sub->retry_at, now);
		}
	}
	if (next)
		s->ops.heal_at(s->ops.ctx, next);
}

bool script_heal(struct script *s, uint64_t now)
{
	bool any = false;

	for (uint32_t i = 0; i < s->packs.n; i++) {
		struct pack *pk = s->packs.v[i];

		if (pk->frozen)
			continue;
		if (pk->replay_at && pk->replay_at <= now) {
			replay(s, pk);
			any = true;
		} else if (pk->vm) {
			any |= retry_subjects(pk, now);
		}
	}
	heal_arm(s, now);
	return any;
}
