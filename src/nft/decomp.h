/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files decomp*.c share. A rule on its way back to text: expressions (struct dx) → statements with
 * symbolic operands (struct ds) → items with a text each → one line that is compiled again. Everything lives
 * in the arena of one decompilation. Internal to nft/. */
#pragma once

#include "nft/ast.h"
#include "nft/decompile.h"
#include "nft/expr.h"
#include "nft/ir.h"

#define DECOMP_EXPRS_MAX 512 /* expressions of a rule; the kernel stops at 128 */
#define DECOMP_DEPTH_MAX 4   /* jump { … } inside of each other */
#define SLOTS            16
#define DECOMP_BUDGET    20000

/* ---- decomp_dx.c: expressions in one form, and whether two are the same ---- */

enum dx_kind {
	DX_OTHER, /* nothing nft has words for */
	/* loads */
	DX_PAYLOAD,
	DX_EXTHDR,
	DX_META,
	DX_CT,
	DX_RT,
	DX_FIB,
	DX_SOCKET,
	DX_OSF,
	DX_XFRM,
	DX_NUMGEN,
	DX_HASH,
	DX_TUNNEL,
	DX_IMM,
	DX_MAP, /* lookup with data */
	/* from register to register */
	DX_BITWISE,
	DX_SHIFT,
	DX_BYTEORDER,
	/* matches */
	DX_CMP,
	DX_RANGE,
	DX_LOOKUP,
	/* the rest */
	DX_VMAP,
	DX_VERDICT,
	DX_DYNSET,
	DX_PAYLOAD_SET,
	DX_EXTHDR_SET,
	DX_META_SET,
	DX_CT_SET,
	DX_COUNTER,
	DX_LIMIT,
	DX_QUOTA,
	DX_LAST,
	DX_CONNLIMIT,
	DX_LOG,
	DX_REJECT,
	DX_NAT,
	DX_MASQ,
	DX_REDIR,
	DX_TPROXY,
	DX_DUP,
	DX_FWD,
	DX_QUEUE,
	DX_NOTRACK,
	DX_OBJREF,
	DX_OBJREF_MAP,
	DX_FLOW,
	DX_SYNPROXY,
	DX_RESET,
};

struct dx {
	enum dx_kind kind;
	int8_t dreg, reg[4]; /* 4-byte slots, SLOT_NONE; reg: what is read, in the order of the kernel's
				attributes */
	struct {             /* without padding: compared as bytes */
		uint64_t q1, q2;
		uint32_t op, key, base, off, len, flags, family, mod, seed, add;
		uint8_t a[EXPR_DATA_MAX], b[EXPR_DATA_MAX];
		uint32_t alen, blen;
	} p;
	const char *name; /* set, chain, object, flowtable, prefix; NULL: none */
	uint32_t id;      /* of a set or a chain of the same rule */
	struct dx *sub;   /* dynset's statements */
	uint32_t n_sub;
};

/* false: it cannot be read (a length or register out of bounds). */
bool dx_read(struct arena_block **arena, struct nftnl_expr *e, struct dx *out);
bool dx_same(const struct dx *a, const struct dx *b, bool stateless); /* but for registers and sets */

/* ---- decomp_walk.c: what the registers hold ---- */

struct sv;
struct svref {
	struct sv *v;
	uint8_t at; /* slots into v */
};
struct svs { /* what is read from adjacent registers */
	uint8_t n;
	struct svref v[SLOTS];
};
struct sv {
	const struct dx *x;
	unsigned len; /* bytes */
	struct svs in;
	bool used;
};
struct ds {
	const struct dx *x, *hi; /* hi: of two comparisons that are a range, the second */
	struct svs src[4];
	uint16_t at; /* index of x */
};
struct prog {
	VEC(struct ds) ds;
	bool ok;
};

/* The set of that name; NULL: unknown. */
typedef const struct set_info *set_finder(void *ctx, const struct dx *x);
/* ok is false where a value is used that was not loaded, or loaded and not used. */
void dx_walk(struct arena_block **arena, const struct dx *x, unsigned n, set_finder *set, void *ctx,
	struct prog *out);
void prog_free(struct prog *p);

/* ---- decomp_ctx.c: which headers are known to be there ---- */

struct dctx {
	uint8_t family;
	const struct proto *proto[PB_N];
	const struct proto *stacked[4];
	unsigned n_stacked, ll_off;
	int icmp_type; /* -1 */
};

enum { DEP_LL = 1, DEP_NET = 2, DEP_TP = 4, DEP_ICMP = 8, DEP_FIRST = 16 /* it goes before all others */ };

struct pfield {
	const struct proto *proto;
	const struct field *field;
	unsigned off, bits; /* where it lies, from the base */
};

void dctx_init(struct dctx *c, uint8_t family);
/* The field that begins there; NULL: none. bits: 0 the longest within max, else of exactly that many. */
bool dctx_field(
	const struct dctx *c, unsigned base, unsigned off, unsigned bits, unsigned max, struct pfield *out);
/* Which DEP_* a use of the field needs. */
unsigned dctx_needs(const struct pfield *f);
/* Learns from "selector == value"; returns the DEP_* that was not known before. */
unsigned dctx_learn_meta(struct dctx *c, unsigned key, uint64_t v);
unsigned dctx_learn_field(struct dctx *c, const struct pfield *f, uint64_t v);
uint8_t dctx_nfproto(const struct dctx *c);

/* ---- one decompilation ---- */

enum style { STYLE_NICE, STYLE_PLAIN /* masks written out */, STYLE_RAW /* fields by place */, STYLE_N };

struct item { /* a statement, or the part of a comparison that is about one field */
	const struct ds *ds;
	unsigned off, len; /* bytes of the comparison's data; len 0: all */
	struct dctx ctx;   /* before it */
	unsigned gives, needs;
	uint8_t style, styles;
	bool dropped;
	char *text; /* of this style */
};

struct anon {
	const struct set_info *info;
	VEC(struct setelem) el;
	bool odd; /* elements with more than nft has words for in a rule */
};

struct dc {
	const struct decompile_env *env;
	struct arena_block *arena;
	struct dx *x;
	unsigned n, depth;
	struct prog prog;
	VEC(struct item) items;
	VEC(struct anon *) anons;
	struct dname { /* interfaces by the names they are printed with */
		uint32_t index;
		char name[16];
	} * names;
	uint32_t n_names;
	const struct item *cur;
	unsigned needs;  /* of the text in work */
	unsigned budget; /* of values to be written or compared */
	bool failed;     /* no words for it */
};

const struct set_info *dc_set(struct dc *c, const struct dx *x);
struct anon *dc_anon(struct dc *c, const struct set_info *info);
const char *dc_ifname(struct dc *c, uint32_t index); /* NULL: none */

/* ---- decomp_val.c ---- */

struct sel {                       /* type and place of what a selector gives */
	const struct datatype *dt; /* preset: what a constant here is to be; NULL: none may be here */
	unsigned bits;             /* of the value */
	unsigned len;              /* bytes in the register */
	enum dt_order order;
	unsigned shift;  /* the value lies this far left */
	bool hex, plain; /* plain: no symbols */
	uint8_t prec;    /* of the outermost operator, 0: none */
};

u128 val_ones(unsigned bits);
/* The number in len bytes of a register that s tells of, still shifted. */
u128 val_num(const struct sel *s, const uint8_t *p, unsigned len);
/* plain: as the ends of a range, without symbols. */
void val_num_put(struct dc *c, const struct sel *s, u128 v, bool plain, struct buf *out);
void val_range_put(struct dc *c, const struct sel *s, u128 lo, u128 hi, struct buf *out);
/* Names of single bits; returns whether there are several. Nothing where they have no names. */
bool val_bits_put(const struct sel *s, u128 v, const char *sep, struct buf *out);
void val_put(struct dc *c, const struct sel *s, const uint8_t *p, unsigned len, struct buf *out);
/* The first n bytes of a name: "eth*". */
void val_glob_put(const uint8_t *p, unsigned n, struct buf *out);
/* As written: nft has no escapes. What cannot stand in quotes comes escaped, and is no text that compiles. */
void quote_put(const char *s, size_t n, struct buf *out);
struct sel sel_of(const struct datatype *dt, unsigned bits);

/* ---- decomp_sel.c, decomp_load.c ---- */

/* The text of what r holds; false: no words. match: it is compared or looked up, a shift may be left to the
 * constants. s->dt preset: the type of a constant. */
bool sel_put(
	struct dc *c, const struct svref *r, bool match, enum style style, struct buf *out, struct sel *s);
/* One, or a concatenation; s: SLOTS of them. */
bool sels_put(
	struct dc *c, const struct svs *r, bool match, enum style style, struct buf *out, struct sel *s);
/* A load without operands but those of a hash. */
bool load_put(struct dc *c, const struct sv *v, enum style style, struct buf *out, struct sel *s);
/* bits of a header, of an extension header or option, by name. low: bits behind them. */
bool load_field_put(
	struct dc *c, const struct dx *x, unsigned off, unsigned bits, struct buf *out, struct sel *s);

/* ---- decomp_set.c ---- */

/* "@name", or the elements in braces. keys: types of the key; data: of a map's values, dt NULL: the set's. */
bool set_put(struct dc *c, const struct set_info *info, const struct sel *keys, unsigned n,
	const struct sel *data, struct buf *out);
/* keys: the n parts of the key. Options and data behind it. */
void elem_put(struct dc *c, const struct set_info *info, const struct setelem *el, const struct sel *keys,
	unsigned n, const struct sel *data, struct buf *out);
/* As nft lists them; of some sets as they come. */
bool setelems_sorted(const struct set_info *info);
int setkey_cmp(const struct set_info *info, const uint8_t *a, const uint8_t *b, unsigned len);
void setelems_sort(const struct set_info *info, struct setelem *v, uint32_t n);
void verdict_put(int32_t code, const char *chain, struct buf *out);

/* ---- decomp_match.c, decomp_stmt.c, decomp_nat.c ---- */

void match_items(struct dc *c, const struct ds *ds, struct dctx *ctx);
bool match_put(struct dc *c, const struct item *it, struct buf *out);
bool stmt_put(struct dc *c, const struct item *it, struct buf *out);
bool nat_put(struct dc *c, const struct item *it, struct buf *out);
bool stateful_put(const struct dx *x, bool stateless, struct buf *out);

/* ---- decomp_chain.c ---- */

bool jump_put(struct dc *c, const struct dx *x, struct buf *out);
/* The rules of an anonymous chain, read. false: x goes to a chain with a name. */
struct inner {
	VEC(struct inner_rule {
		struct dx *x;
		uint32_t n;
		const char *comment;
	})
	rules;
	bool bad;
};
bool inner_read(struct dc *c, const struct dx *x, struct inner *out);
void inner_free(struct inner *in);
/* "[ … ] [ … ]": what has no words. */
void raw_put(struct nftnl_expr **exprs, uint32_t n, struct buf *out);

/* ---- decomp_check.c ---- */

enum same { SAME_NOT, SAME_MEANING /* fields share loads in another way */, SAME };
/* Does the text compile to the expressions of c? */
enum same decomp_check(struct dc *c, const char *text, const char *comment);

/* ---- decomp.c ---- */

void dc_free(struct dc *c);
bool decomp_rule(const struct decompile_env *env, unsigned depth, struct nftnl_expr **exprs, uint32_t n,
	const char *comment, struct buf *out);
