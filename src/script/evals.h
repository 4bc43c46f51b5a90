/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Evals that can be taken back: eval.c makes them, undo.c keeps and undoes them. Internal to script/. */
#pragma once

#include "script/internal.h"

struct state_log;
struct hook_was { /* the global handler of an event before an eval gave another */
	enum event_id ev;
	uint32_t rank;
	struct lua_ref fn; /* empty: there was none */
	struct eval *by;   /* whose it was; NULL: the pack's own */
};
struct eval {
	uint32_t id;
	struct operator who;
	double time;
	char *note;
	struct pack *pk;
	struct subject *sub;     /* what it states and made; NULL: nothing, or not any more */
	struct edit_log *edits;  /* NULL: none */
	struct state_log *state; /* NULL: none */
	VEC(struct hook_was) hooks;
	uint32_t emits, cancelled; /* messages, and handles of others: not to be taken back */
	bool going;                /* taken back by the open transaction */
	bool cut;                  /* it changed more than is remembered */
};

/* undo.c */
struct eval *eval_new(struct pack *pk, const struct eval_request *rq);
void eval_free(struct eval *ev);
void evals_free(struct pack *pk); /* the pack is closed */
/* The running eval replaces this hook, or (NULL) gives the first global one of the event. May raise. */
void eval_hook_was(lua_State *L, struct pack *pk, enum event_id ev, struct hook *h);
/* A reload or replay follows on: edits of old's evals are the new one's. */
void evals_inherit(struct pack *old, struct pack *new);

/* state_log.c: what a transaction wrote to rnm.state */
struct state_log *state_log_take(struct pack *pk, size_t max, bool *cut); /* NULL: nothing */
void state_log_free(struct state_log *l);
size_t state_log_bytes(const struct state_log *l);
/* Journaled. later: logs that came behind it. Returns how many entries were written again since and stay. */
uint32_t state_log_back(struct state_log *l, struct pack *pk, struct state_log *const *later, uint32_t n);
void state_log_forget(struct state_log *l, struct state_log *const *later, uint32_t n);
void state_log_text(const struct state_log *l, struct buf *out);
bool jentry_is_emit(const struct jentry *j);   /* timers.c */
bool jentry_is_cancel(const struct jentry *j); /* item.c; obj: the item */
