/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files load*.c share and nobody else needs. */
#pragma once

#include <linux/netfilter.h>

#include "base/hash.h"
#include "base/tree.h"
#include "nft/ast.h"
#include "nft/batch_impl.h"
#include "nft/kread.h"
#include "nft/load.h"

/* ---- load_rec.c: lists of elements, a few bytes each ---- */

/* What few elements have, or many alike: shared. */
struct elem_extra {
	uint64_t timeout_ms, expires_ms;
	const char *comment, *target; /* the pool's; NULL: none */
	int32_t verdict_code;
	bool verdict, catchall;
	struct exprs exprs; /* owned */
	struct elem_extra *older;
};
struct elem_pool {
	struct arena_block *arena;
	struct hmap alike;       /* those without comment and statements */
	struct elem_extra *last; /* all of them, by older */
};
void pool_free(struct elem_pool *p);
struct elem_extra *pool_extra(struct elem_pool *p, const struct setelem *el, struct exprs *exprs);

/* Records of equal size: key, its end (intervals), data, which of the pool's extras, its place in the list as
 * written. */
struct elist {
	const struct set_info *info;
	struct elem_pool *pool;
	uint16_t klen, dlen, stride;
	bool ends; /* records have an end */
	VEC(uint8_t) rec;
	uint32_t n;
	VEC(struct elem_extra *) extra;
};
void elist_init(struct elist *l, const struct set_info *info, struct elem_pool *pool);
void elist_free(struct elist *l);
/* -E2BIG, -EINVAL: it is not of this set's shape. Takes exprs. */
int elist_add(struct elist *l, const struct setelem *el, struct exprs *exprs, uint32_t ord, struct err *e);
void elist_put(struct elist *l, const uint8_t *lo, const uint8_t *hi, struct elem_extra *extra, uint32_t ord);
void elist_get(const struct elist *l, uint32_t i, struct setelem *out);
/* By key, in the order of the list where keys are the same. */
void elist_sort(struct elist *l);

static inline uint8_t *elist_at(const struct elist *l, uint32_t i)
{
	return l->rec.v + (size_t)i * l->stride;
}
uint32_t elist_ord(const struct elist *l, const uint8_t *rec);
struct elem_extra *elist_extra(const struct elist *l, const uint8_t *rec); /* NULL: none */

/* ---- load_merge.c: intervals against each other ---- */

/* The intervals of a set as they are at this place of the file. */
struct present {
	bool ready;
	bool base_kernel;
	struct tree spans;
	struct elist gone; /* what the kernel holds and is to lose */
	struct elist base; /* in place of spans: one sorted list, the kernel's or the file's first */
};
void present_init(struct present *p, const struct set_info *info, struct elem_pool *pool);
void present_clear(struct present *p);
void present_kernel(struct present *p, const struct setelem *el, struct exprs *exprs); /* while it is read */
void present_read(struct present *p);                                                  /* all of it was */
bool present_any(const struct present *p);

/* Auto-merge: l is sorted and may be taken. */
void present_merge(struct present *p, struct elist *l);
/* The place (ord) of one that is not in the set, else -1. may_miss: such are left out. */
int64_t present_cut(struct present *p, const struct elist *l, bool may_miss);
/* What is to be added, in new or a list that is p's; p->gone goes before it. */
const struct elist *present_take(struct present *p, struct elist *new);

/* Without: the interval overlaps with one that is another, which is written to at (low and high end). */
bool present_hits(const struct present *p, const uint8_t *lo, const uint8_t *hi, uint8_t at[2 * NFT_KEY_MAX]);
bool present_has(const struct present *p, const uint8_t *lo, const uint8_t *hi);
void present_join(struct present *p, const struct elist *l);
void present_leave(struct present *p, const struct elist *l);

/* Two that overlap and are not the same, by record: true. l is sorted. */
bool elist_conflict(const struct elist *l, uint32_t *a, uint32_t *b);

/* ---- load.c: the run ---- */

struct load;
void load_begin(struct load *l, int (*sink)(struct load *l, const struct op *op, uint32_t i, struct err *e));
void load_run(struct load *l); /* all commands */
void load_end(struct load *l);

/* ---- load_know.c: what is known of the kernel and of the file so far ---- */

struct kset {
	struct set_want want;
	struct exprs stateful;
	bool none;    /* there is no such set */
	bool fresh;   /* the kernel's elements of this name do not count */
	bool counted; /* present is what it holds */
	bool dynamic; /* some rule of the file changes it */
	/* What its elements keep, by the names of the kernel's expressions. */
	uint8_t n_kept;
	char kept[2][16];
	/* Where the message that adds it is, for a flag that rules behind it decide about. */
	bool sent;
	uint32_t page;
	size_t at;
	struct present present;
	struct elem_pool pool; /* of present */
	char *comment;
};
struct kchain; /* load_rules.c */
struct ktable {
	uint8_t family;
	bool fresh; /* what the kernel holds under this name does not count */
	bool listed;
	char *name;
	struct hmap sets, chains;
	VEC(struct kset *) all;
};

struct reset_text { /* what a `reset` command has said: it is not run again with the file */
	uint32_t cmd;
	char *text;
};

struct load {
	struct nft_conn *c; /* NULL: nobody to ask */
	struct nft_file *f;
	const struct load_opts *o;
	struct errlist *errs;
	struct load_stats stats;
	int (*sink)(struct load *l, const struct op *op, uint32_t i, struct err *e);
	struct build *b;  /* where operations are sent */
	struct buf *text; /* where they are printed: then nothing is done but that */
	uint32_t n_ops;
	struct hmap marks; /* load_marks.c's */
	bool marked_last;
	bool asked;    /* the kernel's answers were made use of */
	bool jumps;    /* some rule or element goes to a chain */
	bool destroys; /* the kernel knows NFT_MSG_DESTROY* */
	bool flushed[NFPROTO_NUMPROTO + 1];
	struct hmap tables;
	struct ktable *table; /* of the present command */
	uint32_t near;        /* know_set_at()'s */
	uint32_t rule_ids;
	struct rule_env env;
	struct buf shown; /* what list, get and reset say */
	VEC(struct reset_text) resets;
};

struct ktable *know_table(struct load *l, uint8_t family, const char *name);
/* NULL: there is none. */
struct kset *know_set(struct load *l, struct ktable *t, const char *name);
/* The set of a declaration, as it is from now on. -errno with an error. */
int know_declare(
	struct load *l, struct ktable *t, const struct file_cmd *cmd, struct kset **out, struct err *e);
void know_gone(struct load *l, uint8_t family, const char *table); /* table NULL: all of the family */
void know_set_gone(struct load *l, struct ktable *t, const char *name);
void know_free(struct load *l);
/* Before the kernel is asked: from now on the batch counts only for this generation. -ENOTCONN. */
int know_ask(struct load *l);
int load_no_set(struct load *l, const struct file_cmd *cmd, struct err *e); /* -ENOENT with a proposal */
const char *know_set_at(void *ctx, size_t i);

/* ---- load_decl.c, load_rules.c, load_elems.c, load_show.c: one command each → operations ---- */

/* 0, or -errno with e set or, e empty, errors in l->errs. i: the command's number. */
typedef int load_fn(struct load *l, uint32_t i, const struct file_cmd *cmd, struct err *e);
load_fn load_decl, load_delete, load_flush, load_rename, load_rule, load_elems, load_show;
int load_op(struct load *l, const struct op *op, uint32_t i, struct err *e);
/* The set's type for elements of the command that are written as a key alone. */
struct set_info load_keys(const struct file_cmd *cmd, const struct set_info *info);
struct op load_named(const struct load *l, enum op_kind kind, const struct file_cmd *cmd);
/* load_marks.c: what later commands have to say about a set. */
void marks_read(struct load *l);
void marks_free(struct load *l);
uint32_t marks_size(
	struct load *l, const struct file_cmd *cmd); /* of a constant set: its elements; 0: unknown */
/* No command about elements of this set follows the i-th, which is one. */
bool marks_last(struct load *l, uint32_t i, const struct file_cmd *cmd);
bool marks_dynamic(const struct load *l, const struct file_cmd *cmd);
void marks_rule(struct load *l, const struct code *code); /* a rule of l->table is compiled */
/* load_rules.c: rules of chains in which a command counts. */
void rules_mark(struct load *l);                                         /* looks for such commands */
void rules_flushed(struct load *l, struct ktable *t, const char *chain); /* NULL: of the table */
void rules_free(struct ktable *t);

/* ---- load_there.c: is it there? ---- */

struct thing {
	uint8_t what, family; /* FILE_TABLE, FILE_CHAIN, FILE_SET, FILE_OBJECT, FILE_FLOWTABLE */
	uint32_t obj_type;
	const char *table, *name; /* of a table: name */
	uint64_t handle;          /* name NULL: by this */
};
struct thing thing_of(const struct file_cmd *cmd);
bool kernel_has(struct load *l, const struct thing *t);
/* The commands before the i-th: 1: it is added, 0: deleted, -1: they say nothing about it. */
int file_says(struct load *l, uint32_t i, const struct thing *t);
/* Appends "; did you mean 'x'?" where something of nearly that name is there, or is in the file. */
void thing_near(struct load *l, const struct thing *t, struct buf *out);
/* What a command names, with its table; 1, 0 or -errno. */
int load_is_there(struct load *l, uint32_t i, const struct file_cmd *cmd, struct err *e);

/* ---- load_graph.c ---- */

/* The jumps of the file neither go in a circle nor too deep; else the rule that makes them so is told of. */
bool load_graph_ok(struct load *l);

/* ---- load_refuse.c ---- */

/* The kernel's answers as errors of the commands. */
void load_refused(struct load *l, const struct commit_result *r);
