/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "testing/rs_world.h"

/* Takes conn; NULL: simulated only. others: a connection for others, who are at work where there is one. */
struct world *world_new(uint64_t seed, struct nft_conn *conn, struct nft_conn *others);
void world_free(struct world *w);
bool world_txn(struct world *w); /* one transaction and all checks; false: w->fail */
bool world_end(struct world *w);
bool world_undo(struct world *w);   /* takes back what was said */
bool world_finish(struct world *w); /* commits what was said */
bool world_rests(struct world *w);  /* the kernel has what it was sent, and nothing is to do */
void world_sweep(struct world *w);
bool kernel_like(struct world *w); /* rs_read.c: true without a real kernel */
/* rs_say.c: what packs say; false: w->fail */
bool say_again(struct world *w, int pack, const struct pack_said *was); /* all runs of a pack that is new */
bool say_something(struct world *w, int pack);
bool say_reload(
	struct world *w, int pack, bool same); /* retires the pack and states it anew, the same or anything */
void said_settle(struct world *w, int pack, int type, int t, int s); /* a replace(live) has its content */
/* rs_what.c */
bool is_map(int set);
uint8_t any_data(struct world *w, int set, int key);
bool timed_stmt(int t, int s, int key); /* what is said of it as a statement has a timeout */
struct said any_said(struct world *w, int pack);
/* rs_attach.c */
struct obj *attached_obj(struct world *w, int set); /* a reference */
struct spec *attached_spec(void);
struct val attached_val(int set, int key);
void attached_meddle(struct world *w);
void attached_flushed(struct world *w);
bool attached_end(struct world *w);
/* rs_backoff.c */
bool pack_holds_back(const struct world *w, int pack);
bool pack_waits(const struct world *w, int pack);
bool sent_as_it_should(struct world *w, const struct plan *p, const struct commit_result *r);
bool try_again(struct world *w); /* what was refused, if it is time */
bool wait_out(struct world *w);  /* until all that is fine is accepted */
/* rs_disabled.c: false: w->fail */
bool switch_rule(struct world *w);
bool disabled_again(struct world *w);
/* rs_foreign.c: others change own tables, unannounced; what they touched is suspect */
bool meddle(struct world *w);
/* rs_restart.c: another life over the same kernel; false: w->fail */
bool begin_anew(struct world *w);
bool elements_known(struct world *w, int t, int s);
void find_timed(struct world *w, int t, int s); /* in a set that was read back for the first time */
void adopt(struct world *w);                    /* what was found so lives on */
bool as_wanted(struct world *w);
