/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rules that somebody disabled: taken out of the kernel, and remembered in a file of the state folder until
 * they are enabled again. Two kinds:
 *
 *   of others   the rule itself: its text, which compiles to the same expressions, user data, and place
 *   rnm's own   what a pack states: pack, chain and a signature of the statement (ruleset_disabled.h); the
 *               pack goes on stating it
 *
 * The place of a rule of others is its neighbours at the time, disabled ones among them: a neighbour that is
 * disabled later, or enabled, is followed under its new name. So whatever is disabled and enabled in whatever
 * order, the order of the chain comes back. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/vec.h"

#define DISABLED_MAX      1024
#define DISABLED_FILE_MAX (8u << 20)

enum disabled_state {
	DISABLED_OFF,
	DISABLED_GOING,  /* written before the kernel was told: with its handle still there it is in force */
	DISABLED_COMING, /* the same of enabling: a rule of this text with a handle above `top` is it */
};

enum neighbour_kind { NEXT_TO_END, NEXT_TO_RULE, NEXT_TO_DISABLED };
struct neighbour {
	enum neighbour_kind kind;
	uint64_t n;    /* handle, or id */
	uint64_t hash; /* of the rule's text without counts; 0: not known */
};

struct disabled {
	uint64_t id;    /* never given twice */
	uint64_t since; /* seconds since 1970 */
	uint8_t family;
	char *table, *chain;
	char *text;      /* one line of nft syntax, counts as they were */
	uint64_t handle; /* as it had; 0: of rnm's own that the kernel never had */
	/* of others: */
	enum disabled_state state;
	uint64_t hash, top;
	uint32_t index;
	struct neighbour before, after;
	uint8_t *udata;
	size_t n_udata;
	/* rnm's own; pack NULL: it is not */
	char *pack, *where; /* where: "FILE:LINE" at the time */
	uint64_t sig;
	uint32_t nth; /* among equal ones of the pack in the chain, from 0 */
};

struct disabled_list {
	VEC(struct disabled) v;
	uint64_t last_id;
};

void disabled_free(struct disabled *d);
void disabled_list_free(struct disabled_list *l);
struct disabled *disabled_by_id(const struct disabled_list *l, uint64_t id); /* NULL: none */
struct disabled *disabled_by_handle(const struct disabled_list *l, uint8_t family, const char *table,
	const char *chain, uint64_t handle); /* the handle that it had; the last one */
bool disabled_in(const struct disabled *d, uint8_t family, const char *table, const char *chain);
/* Takes what d points to, gives it its id. -ENOSPC: there are too many. */
int disabled_add(struct disabled_list *l, struct disabled *d, struct err *e);
void disabled_remove(struct disabled_list *l, uint64_t id);
/* Without coming back: those beside it are neighbours now. */
void disabled_forget(struct disabled_list *l, uint64_t id);
/* The rule of this handle is now the entry, or the entry a rule of this handle: others' neighbours follow. */
void disabled_went(struct disabled_list *l, const struct disabled *d);
void disabled_came(struct disabled_list *l, const struct disabled *d, uint64_t handle);

/* As text of the file, and back; -EINVAL with a message of what is wrong, then the list is empty. */
void disabled_print(const struct disabled_list *l, struct buf *out);
int disabled_parse(const char *text, size_t n, struct disabled_list *out, struct err *e);

/* ---- the file: disabled_file.c ---- */

struct disabled_file; /* held alone, by whoever has it */

/* Reads DIR/disabled.json, making the folder if it is not there. -EBUSY: somebody else has held it for longer
 * than a moment; -EINVAL, -EACCES: it is not what it should be, and is left alone. */
int disabled_open(const char *dir, struct disabled_file **out, struct err *e);
struct disabled_list *disabled_list(struct disabled_file *f);
/* The list as it is now, on the disk when this returns. */
int disabled_save(struct disabled_file *f, struct err *e);
void disabled_close(struct disabled_file *f); /* NULL: nothing */
/* To look only: no lock is taken, nothing is made. -ENOENT: none is disabled. */
int disabled_peek(const char *dir, struct disabled_list *out, struct err *e);
