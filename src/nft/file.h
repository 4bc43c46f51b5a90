/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whole nft files: text → commands. Blocks are taken apart as nft does it (of a table: itself, chains,
 * objects, sets, flowtables, then elements, then rules). Bodies of rules and lists of elements stay places in
 * the text until their turn comes: a file of a hundred thousand rules costs its text and a small record a
 * rule.
 *
 * $names: `define` and -D give names a value when the file is read, in nft's scopes; other names are the
 * caller's (nft_file_opts.param), and where that has none either, an error with a proposal. */
#pragma once

#include "nft/ast.h"
#include "nft/errlist.h"
#include "nft/object.h"

struct nft_file;

/* What `include "PATTERN"` gives. */
struct include_file {
	char *name, *text; /* owned by the file from then on */
	size_t len;
};
typedef VEC(struct include_file) include_files;

#define FILE_INCLUDE_DEPTH 16
#define FILE_INCLUDE_MAX   1024         /* files */
#define FILE_BYTES_MAX     (256u << 20) /* of all sources together */

struct nft_file_opts {
	void *ctx;
	/* Files of a pattern as written, in nft's order; from: the including file's name. A pattern with
	 * wildcards may give none. NULL: include is refused. -errno with a message. */
	int (*include)(void *ctx, const char *pattern, const char *from, include_files *out, struct err *e);
	/* Value of a $name that nothing in the file defines, for the places of a declaration (devices,
	 * priorities, sizes, elements); NULL: unknown. In rules such names are left to rule_env.param. */
	const struct val *(*param)(void *ctx, const char *name);
	const char *(*param_at)(void *ctx, size_t i); /* for proposals; may be NULL */
	/* `-D NAME=VALUE`, in the order given. */
	const char *const *define;
	unsigned n_define;
};

enum file_op {
	FILE_ADD, /* also no word at all */
	FILE_CREATE,
	FILE_INSERT,
	FILE_REPLACE,
	FILE_DELETE,
	FILE_DESTROY,
	FILE_FLUSH,
	FILE_RENAME,
	FILE_RESET,
	FILE_LIST,
	FILE_GET,
	/* Commands of their own, never part of a file: see switch.h. */
	FILE_CLONE,
	FILE_DISABLE,
	FILE_ENABLE,
};

enum file_what {
	FILE_RULESET,
	FILE_TABLE,
	FILE_CHAIN,
	FILE_RULE,
	FILE_SET, /* maps and meters too: see set.is_map */
	FILE_ELEMENTS,
	FILE_OBJECT, /* obj_type */
	FILE_FLOWTABLE,
	FILE_SWITCH, /* of clone, disable, enable, `delete rule id`: a rule that is there, or was; see move */
	FILE_DISABLED, /* of list: rules that are disabled; table and name as far as given */
};

/* Where a $name of a declaration is a live value (VAL_LIVE), the node is N_PARAM; else all is plain. */
struct chain_decl {
	bool base, has_policy;
	char type[16];
	uint32_t hook;
	int32_t priority;
	int32_t policy;             /* NF_ACCEPT, NF_DROP */
	uint32_t flags;             /* NFT_CHAIN_HW_OFFLOAD */
	const struct node *devices; /* list linked by next of N_WORD, N_STRING, N_PARAM (live); NULL: none */
	const char *comment;
};

struct set_decl {
	bool is_map, typeof_key;
	uint32_t given,
		flags; /* NFT_SET_*; NFT_SET_MAP, NFT_SET_OBJECT, NFT_SET_EVAL, … as nft would send them */
	struct nft_type key, data;
	uint32_t obj_type;
	uint64_t timeout_ms, gc_ms;
	uint32_t size;
	int32_t policy; /* NFT_SET_POL_* */
	bool auto_merge;
	const struct node *stateful; /* list of S_COUNTER, S_LIMIT, …: each element gets these */
	const char *comment;
	const char *typeof_text; /* as written, key or `key : data`; NULL: `type` */
};
enum { SETD_TYPE = 1, SETD_FLAGS = 2, SETD_TIMEOUT = 4, SETD_GC = 8, SETD_SIZE = 16, SETD_POLICY = 32 };

struct flowtable_decl {
	bool has_hook;
	uint32_t hook, flags;
	int32_t priority;
	const struct node *devices;
};

enum { FILE_SETS, FILE_MAPS, FILE_METERS };

enum rule_at { AT_NONE, AT_HANDLE /* also `position` */, AT_INDEX, AT_ID /* of enable */ };

/* What FILE_CLONE, FILE_DISABLE and FILE_ENABLE are about: the rule is the command's family, table, name
 * (both NULL with AT_ID alone), `at` and handle. */
struct rule_switch {
	uint8_t at;    /* enum rule_at: how the rule is named */
	uint8_t place; /* enum rule_at: clones stand beside this one; AT_NONE: behind the original in its
			* chain, else at the end */
	bool before;   /* in front of it; with AT_NONE at the head of the chain */
	bool to;       /* `to` was said */
	uint8_t to_family;
	const char *to_table, *to_chain; /* of clones; the rule's own where nothing is said */
	uint64_t place_n;
};

struct file_cmd {
	uint8_t op, what,
		family; /* enum file_op, enum file_what, NFPROTO_* (NFPROTO_UNSPEC: all, of flush and list) */
	bool block;     /* part of a block: adding what exists is no error */
	bool plural; /* list, reset, flush: all of the kind (`reset counters`); table and name as far as given
		      */
	uint32_t obj_type; /* of FILE_OBJECT; of FILE_SET with list: FILE_SETS, FILE_MAPS, FILE_METERS */
	uint32_t file, pos, end;       /* place of what is named, for the kernel's refusals */
	uint32_t defs;                 /* which defines count here; file.c's */
	const char *table, *name, *to; /* to: of `rename chain` */
	uint64_t handle;               /* of delete … handle N; rules: with at */
	union {
		struct {
			uint32_t flags; /* NFT_TABLE_F_* */
			bool has_flags;
			const char *comment;
		} decl_table;
		const struct chain_decl *chain;    /* NULL: only its name (delete, flush, …) */
		const struct set_decl *set;        /* the same */
		const struct object_want *object;  /* the same */
		const struct flowtable_decl *flow; /* the same */
		struct {
			uint32_t body, body_end; /* the statements' place */
			uint8_t at;
		} rule;
		struct rule_switch move;
		struct {
			uint32_t body, body_end; /* place of `{ … }` or of $name */
		} elems;
	};
};

/* Reads all of it. text is copied. name: for messages, "-" is standard input's. NULL: errors are in errs. */
struct nft_file *nft_file_parse(
	const char *name, const char *text, size_t len, const struct nft_file_opts *o, struct errlist *errs);
void nft_file_free(struct nft_file *f);

uint32_t file_cmds(const struct nft_file *f);
const struct file_cmd *file_cmd(const struct nft_file *f, uint32_t i);
const struct src *file_src(const struct nft_file *f, uint32_t file);
/* The i-th name that the file defines anywhere, for proposals (rule_env.param_at); NULL: end. */
const char *file_define_at(const struct nft_file *f, size_t i);

/* The rule of a FILE_RULE command, parsed now: messages and places are the file's. One reference; needs the
 * file as long as it lives, and nft_file_free() waits for the last of them. */
int file_rule(struct nft_file *f, const struct file_cmd *cmd, struct ast_rule **out, struct err *e);
/* Each element (N_ELEM; sets in sets and defines are taken apart) of a FILE_ELEMENTS command in turn. el and
 * what hangs on it live until fn returns; holder is the rule whose arena and source they have (for rule_env
 * and messages). key: the set's, NULL where unknown; it says whether 1:2 is one value. Stops at the first
 * non-zero return of fn and gives it back. */
int file_elems(struct nft_file *f, const struct file_cmd *cmd, const struct nft_type *key,
	int (*fn)(void *ctx, struct ast_rule *holder, const struct node *el), void *ctx, struct err *e);
/* The same; IPv4 addresses that stand alone go to plain, so that long lists are quickly read. NULL: all go to
 * fn. */
int file_elems_plain(struct nft_file *f, const struct file_cmd *cmd, const struct nft_type *key,
	int (*fn)(void *ctx, struct ast_rule *holder, const struct node *el),
	int (*plain)(void *ctx, const uint8_t addr[4]), void *ctx, struct err *e);
/* "FILE:LINE:COL: message", the line and a caret under the command's name. Returns code. */
int file_error(const struct nft_file *f, const struct file_cmd *cmd, struct err *e, int code, const char *fmt,
	...) __attribute__((format(printf, 5, 6)));
/* Text of a place, squeezed to one line and cut after about max bytes: what a refusal is about. */
void file_shown(const struct nft_file *f, const struct file_cmd *cmd, size_t max, struct buf *out);

/* ---- include from disk ---- */

struct include_dirs {            /* ctx of include_from_dirs() */
	const char *const *dirs; /* looked through for relative names, NULL at the end; before them the place
				  * of the process (not confined) or of the including file (confined) */
	bool confined; /* only what lies below dirs, no link out of it, owned and writable as configuration
			  must be */
};
int include_from_dirs(void *ctx, const char *pattern, const char *from, include_files *out, struct err *e);
