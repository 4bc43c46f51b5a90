/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What complete.c (candidates) and complete_read.c (what stands before the cursor) share. Internal to
 * script/. Nothing here runs code of a pack or a metamethod: texts are read, tables are looked into raw. */
#pragma once

#include "script/internal.h"

enum token_kind { TOK_NAME, TOK_STRING, TOK_OPEN, TOK_NUMBER, TOK_OP };
struct token {
	enum token_kind kind; /* TOK_OPEN: a string that the text ends in */
	const char *s;        /* of a string: what is in it */
	size_t n;
	char op; /* TOK_OP: its first byte; '.' alone is a field, ".." is '~' */
};
typedef VEC(struct token) tokens;

enum known {
	KNOWN_NOTHING,
	KNOWN_API,    /* a table of rnm's own: "nft", "rnm.log"; or an object by what its methods are called
			 after: "set", "query" */
	KNOWN_RECORD, /* net: its kind */
	KNOWN_EVENT,  /* event */
	KNOWN_LUA,    /* a value of the state, at stack index at */
	KNOWN_STATE,  /* a table of rnm.state */
};
struct what {
	enum known known;
	const char *api;
	enum net_kind net; /* of records, and of the queries that give them */
	bool has_net;
	int event; /* -1: any */
	int at;
	const struct snode *node;
	uint8_t family; /* of "table": which one, if has_table */
	char table[NFT_NAME_MAXLEN];
	bool has_table;
};

struct reading {
	struct script *s;
	struct pack *pk; /* NULL: a console that nobody used yet */
	lua_State *L;    /* NULL: likewise */
	tokens t;
	unsigned depth;
};

/* false: the text ends in a comment, or is too long. */
bool read_tokens(const char *text, size_t n, tokens *out);
bool token_is(const struct reading *r, uint32_t i, const char *word); /* a name; i may be out of range */
bool token_op(const struct reading *r, uint32_t i, char op);
/* What the expression is whose last token is i. */
struct what expr_at(struct reading *r, uint32_t i);

/* Where token i stands as an argument: in a call, perhaps in a table there. */
struct place {
	bool call;
	uint32_t callee;      /* the last token of what is called, without its receiver: a name */
	bool method;          /* with ':' */
	char name[64];        /* "nft.table", "set:add"; ":chain" where the receiver is not known */
	struct what receiver; /* of a method */
	unsigned arg;         /* from 1 */
	uint32_t first;       /* token of the first argument */
	bool in_table;        /* in a table constructor that is the argument */
	char key[64];         /* … as the value of this field; "": as a name or item */
};
bool arg_place(struct reading *r, uint32_t i, struct place *out);

bool query_kind(const char *name, enum net_kind *kind); /* of "net.addrs" */

/* ---- complete_pick.c: candidates ---- */

struct pick {
	struct reading r;
	struct completion *out;
	const char *prefix;
	size_t n;
	char close; /* of a string: its quote, for what is complete */
};

/* A candidate, if it begins as the text does. */
void pick(struct pick *p, const char *word, size_t n);
void pick_text(struct pick *p, const char *word);
void pick_all(struct pick *p, const char *const *words, size_t n);
#define ADD(p, ...)                                                                                          \
	pick_all(p, (const char *const[]){ __VA_ARGS__ },                                                    \
		sizeof((const char *const[]){ __VA_ARGS__ }) / sizeof(char *))
bool pick_identifier(const char *s, size_t n);
void pick_keys(struct pick *p, int table, bool functions); /* of the table at this stack index, raw */
void pick_api(struct pick *p, const char *api, char sep);  /* what stands behind "set:" or "nft." */
void pick_fields(struct pick *p, enum net_kind kind);
void pick_event_fields(struct pick *p, int event); /* enum event_id, -1: any */
void pick_values(struct pick *p, enum net_kind kind, const char *field);
void pick_links(struct pick *p);
void pick_events(struct pick *p, const char *before);
void pick_topics(struct pick *p);
void pick_packs(struct pick *p);
void pick_help(struct pick *p);
void pick_families(struct pick *p);
/* Of the ruleset. kind: enum obj_kind, -1: of any; family, table: NULL: any. */
void pick_names(struct pick *p, int kind, const char *family, const char *table);
void pick_members(struct pick *p, int kind, const struct what *table);

/* lua_state.c */
const struct snode *state_node(lua_State *L, int idx);
