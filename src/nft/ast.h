/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The syntax tree of a rule: what was written, before any type is known. One node type for expressions and
 * statements, allocated from the rule's arena, never changed after parsing. Internal to nft/. */
#pragma once

#include "base/vec.h"
#include "nft/lang.h"
#include "nft/lex.h"

enum node_kind {
	/* constants */
	N_WORD,   /* s */
	N_STRING, /* s */
	N_PARAM,  /* s: name, u: index into ast_rule.params */
	N_SETREF, /* @s, or a: N_PARAM */
	N_RANGE,  /* a - b */
	N_PREFIX, /* a / b */
	N_WILD,   /* * */
	/* combinations; lists are linked by next from a, u: count */
	N_CONCAT,
	N_LIST,    /* x,y,z */
	N_BINOP,   /* op: & | ^ TOK_SHL TOK_SHR */
	N_SET,     /* list of N_ELEM */
	N_ELEM,    /* a: key, b: data or NULL, c: options (N_OPT_*, stateful S_*) */
	N_MAP,     /* a map b */
	N_VERDICT, /* u: code (NFT_JUMP, NF_ACCEPT, …), a: chain's name, or N_CHAIN */
	N_CHAIN,   /* { rules }: list of N_RULE, u: count */
	N_RULE,    /* a: list of statements, s: comment */
	N_OPT_TIMEOUT,
	N_OPT_EXPIRES,
	N_OPT_COMMENT, /* a */
	/* selectors */
	N_FIELD,  /* def: struct field, proto: struct proto */
	N_RAW,    /* u: base, u2: bit offset, u3: bits */
	N_META,   /* def: struct selkey */
	N_CT,     /* def: struct selkey; u: 0 none, 1 original, 2 reply; u2: NFPROTO_* of saddr/daddr */
	N_RT,     /* def: struct selkey; u2: NFPROTO_* */
	N_SOCKET, /* def: struct selkey; u: level */
	N_FIB,    /* u: NFTA_FIB_F_*, u2: NFT_FIB_RESULT_* */
	N_OSF,    /* u: ttl, u2: 1 version */
	N_NUMGEN, /* u: NFT_NG_*, a: mod, b: offset */
	N_HASH,   /* u: NFT_HASH_*, a: expression, b: mod, c: seed, d: offset */
	N_XFRM,   /* def: struct selkey; u: 0 in, 1 out; u2: spnum, u3: NFPROTO_* */
	N_EXTHDR, /* def: struct field or NULL (presence), proto: struct proto; u: option number where it is
		     not the proto's */
	/* statements */
	S_MATCH,   /* a op b; c: mask of a flag comparison */
	S_SET,     /* a set b */
	S_VERDICT, /* a: N_VERDICT, or N_MAP for vmap */
	S_COUNTER, /* a: packets, b: bytes */
	S_LIMIT, /* a: rate, u: unit in seconds, u2: bytes' factor, 0 packets; b: burst, u3: its factor; op: 1
		    over */
	S_QUOTA, /* a: bytes, u: factor; b: used, u2: factor; op: 1 over */
	S_LAST,  /* a: used */
	S_CONNLIMIT, /* a: count, op: 1 over */
	S_LOG,    /* a: prefix, b: group, c: snaplen, d: queue-threshold, s: level, u: flags, u2: bit 0 level
		     given */
	S_REJECT, /* s: icmp, icmpv6, icmpx, tcp, or NULL; a: code */
	S_NAT, /* u: NFT_NAT_*, u2: NFPROTO_* asked for, a: address, b: port, u3: flags, op: bit 0 prefix, bit
		  1 interval, bit 2 addr . port */
	S_MASQ,   /* b: port, u3: flags */
	S_REDIR,  /* b: port, u3: flags */
	S_TPROXY, /* u2: family, a: address, b: port */
	S_DUP,    /* a: address, b: device */
	S_FWD,    /* u2: family, a: address, b: device */
	S_QUEUE,  /* a: number or range, op 1: expression; u: flags */
	S_NOTRACK,
	S_DYNSET,   /* u: NFT_DYNSET_OP_*, a: N_SETREF, b: key, c: options, d: data */
	S_METER,    /* a: N_SETREF, b: key, c: options, d: size */
	S_OBJREF,   /* u: NFT_OBJECT_*, a: name, expression with map */
	S_FLOW,     /* a: flowtable name */
	S_SYNPROXY, /* a: mss, b: wscale, u: flags */
	S_RESET,    /* def: struct proto of the option, u: number */
	S_COMMENT,  /* a */
};

struct node {
	uint8_t kind;
	int op;
	uint32_t pos, end;
	const char *s;
	const void *def;
	const struct proto *proto;
	uint64_t u, u2, u3;
	struct node *a, *b, *c, *d, *next;
};

struct arena_block;

struct ast_rule {
	uint32_t refs;
	uint64_t hash;  /* of the source */
	struct src src; /* text owned, no place; of a rule in a file: all of the file's, with its place */
	struct nft_file *file; /* that src belongs to, NULL: none; then the next line does not count */
	uint32_t from, to, source, defs;
	char *squeezed; /* NULL until somebody asks for it */
	struct node *stmts;
	VEC(const char *) params;
	VEC(uint32_t) breaks; /* places of newlines that end rules inside of `jump { … }` */
	const char *comment;
	bool comment_param; /* comment is the name of a $name */
	struct arena_block *arena;
};

/* Zeroed, lives as long as the arena. */
void *arena_alloc(struct arena_block **a, size_t n);
char *arena_strdup(struct arena_block **a, const char *s, size_t n);
void arena_free(struct arena_block **a);
void arena_reset(struct arena_block **a); /* empty, but keeps memory for the next use */
size_t arena_bytes(const struct arena_block *a);

struct buf;
struct parser;
/* What p reads from now on, to its end, is the rule p->r. -errno with p->e set. */
int rule_read(struct parser *p);
/* Text without comments, blanks as one space; what is quoted stays as it is. param gives the text of a $name
 * at s and how many bytes that took, 0: it stays. breaks: the rule whose breaks become semicolons. Both may
 * be NULL. */
typedef size_t squeeze_param(void *ctx, const char *s, size_t n, struct buf *out);
void text_squeeze(const char *s, size_t n, const struct ast_rule *breaks, squeeze_param *param, void *ctx,
	struct buf *out);
/* A file's rule: its text with the defines filled in. Owned by the caller. */
char *file_rule_text(const struct ast_rule *r);
void file_put(struct nft_file *f);
const char *file_define_next(void *file, size_t i); /* every name it defines, for proposals */
