/* SPDX-License-Identifier: GPL-2.0-or-later */
/* nft.load and nft.template: a text of whole `table … { }` blocks as statements of the run.
 *
 *   loaded     a text that is parsed: its commands, with what is stated for each; kept by the pack
 *   load       one call: the values of its $names, its errors
 *
 * lua_load.c (the calls) → load_cache.c (text → loaded) → load_cmd.c (what a command states) → load_state.c
 * (checks all of it, then states it) → load_value.c (elements); template.c: files, and live names. */
#pragma once

#include "nft/file.h"
#include "script/live_mix.h"

struct load;

struct load_cmd {
	struct obj *o; /* a reference; NULL: the command says nothing here */
	struct spec *spec;
	struct ast_rule *ast; /* of a rule, once it was needed */
	uint32_t site;
	uint32_t decl; /* elements: 1 + the command that gives their set its type; 0: none in the text */
};

struct loaded {
	uint32_t refs;
	struct load *now; /* whose call works on it */
	struct pack *pk;
	uint64_t hash;
	uint32_t site, skip; /* where it was said; bytes in front of the text that only move its places */
	size_t len;
	struct nft_file *f;
	bool places; /* its lines are lines of files: each statement has a site of its own */
	VEC(struct load_cmd) cmds;
	VEC(struct obj *) tables;     /* in order, each once; borrowed from cmds */
	VEC(struct rule_param) asked; /* values that its declarations were made of */
};

struct load_value { /* of a $name */
	char *name;
	struct val val;
	char *bad; /* what is wrong with it, told when somebody asks */
};

struct load { /* a userdata: whatever a call ends with, the collector frees it */
	struct pack *pk;
	const char *fn; /* "nft.load" */
	bool command;   /* of the console: its elements are edits, and may be deleted */
	struct loaded *ld;
	struct hmap index;
	VEC(struct load_value *) values;
	uint32_t given; /* the first ones are the caller's, the rest live names */
	struct errlist errs;
	VEC(char *) near; /* what the last unknown live name could have meant */
	struct buf text;
	uint64_t weight; /* elements, and values that rules take copies of */
};
#define LOAD_WEIGHT_MAX 2000000

/* What is to be parsed. */
struct load_text {
	const char *text;
	size_t len;
	const char *name; /* of the file, for messages */
	uint32_t skip;    /* as in struct loaded */
	bool places;
};

/* ---- load_value.c ---- */
/* The value of $name, also a live name's; NULL: none. */
const struct val *load_value(struct load *l, const char *name);
const char *load_value_at(void *ctx, size_t i); /* for proposals */
/* A word, string, $name, range, prefix, concatenation or verdict as a value. -EINVAL with the place. */
int node_val(struct load *l, const struct ast_rule *r, const struct node *n, struct val *out, struct err *e);
/* One element of file_elems(): calls fn for it, or for each that a $name stands for. data VAL_NIL: none. fn
 * may take what it is given, and leaves VAL_NIL then. */
struct load_elems {
	struct load *l;
	bool is_map;
	const struct node *stateful; /* of the set; elements may repeat it */
	/* own: statements of this element alone, NULL: none. */
	int (*fn)(void *ctx, struct val *key, struct val *data, const char *own, struct err *e);
	void *ctx;
};
int load_elem(const struct load_elems *x, const struct ast_rule *r, const struct node *el, struct err *e);

/* ---- load_cmd.c ---- */
/* Objects and specs of all commands, into ld->cmds; errors go to l->errs. */
void load_prepare(struct load *l, struct loaded *ld);

/* ---- load_words.c ---- */
/* The statements of a set in nft's words: "counter limit rate 10/second". */
int stateful_words(struct load *l, const struct node *list, struct buf *out, struct err *e);

/* ---- lua_load.c ---- */
/* A command of nft's language as a run of the console: states what text says. false: errs has what is wrong.
 * Raises only for what is not the text's fault (budget, limits). */
bool load_command(
	lua_State *L, struct pack *pk, const char *text, size_t n, uint32_t site, struct errlist *errs);

/* ---- load_cache.c ---- */
/* l->ld is the parsed text. -EINVAL: l->errs has why. */
int load_take(struct load *l, uint32_t site, const char *text, size_t n,
	void (*what)(struct load *l, uint32_t site, const char *text, size_t n, struct load_text *out));
void loaded_put(struct loaded *ld);

/* ---- load_state.c ---- */
/* Looks at every rule and element, and weighs them. -EINVAL: l->errs has what is wrong. */
int load_check(struct load *l);
/* Behind it: states all. */
int load_state(struct load *l, struct scope *sc);

/* ---- template.c ---- */
/* A live name: "wan.ipv4". VAL_NIL: it is none. */
void live_name(struct pack *pk, const char *name, struct val *out);
/* The i-th attribute of names: "ipv4"; NULL: end. */
const char *live_attr_at(size_t i);
int load_include(void *ctx, const char *pattern, const char *from, include_files *out, struct err *e);
