/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Shared by the parts that read whole files. The functions that take a struct parser read on from its token
 * and, on failure, return false with p->e set. Internal to nft/file*.c and include.c. */
#pragma once

#include "base/hash.h"
#include "nft/file.h"
#include "nft/parse.h"

#define FILE_ERRORS_MAX  1000         /* then the rest is not read */
#define FILE_RULE_MAX    (4u << 20)   /* bytes of one rule with the values of its $names */
#define FILE_ELEMS_MAX   (16u << 20)  /* bytes of values in one list of elements, besides twice the text */
#define FILE_TREE_MAX    (128u << 20) /* bytes of one rule's tree */
#define FILE_DEFINES_MAX (1u << 20)
#define FILE_NAME_MAX    (NFT_NAME_MAXLEN - 1)
#define FILE_COMMENT_MAX 128

struct source {
	struct src src;
	struct src_index index;
	unsigned depth; /* of inclusion */
};

/* What a name stands for, from one moment of reading on; value 0: nothing. */
struct define_event {
	uint32_t at, value;
};
struct define {
	const char *name;
	bool broken; /* a value of it could not be read: uses are no further errors */
	VEC(struct define_event) events;
};
struct define_value {
	uint32_t file, pos, end; /* its place in the text */
	uint32_t at;             /* the names inside mean what they meant then */
};
struct define_undo { /* when a block ends */
	struct define *d;
	uint32_t value;
};

struct nft_file {
	uint32_t refs; /* the caller's and one for each rule */
	struct nft_file_opts o;
	VEC(struct source *) sources;
	size_t bytes;
	VEC(struct file_cmd) cmds;
	struct ast_rule decl; /* what declarations are made of */
	struct hmap names;    /* every name once */
	/* defines */
	struct hmap defines;
	VEC(struct define *) order;
	VEC(struct define_value) values;
	VEC(struct define_undo) undo;
	uint32_t scope, now;
	/* while reading */
	struct errlist *errs;
	uint32_t n_included, n_errors;
	bool unparted; /* what follows may do so without a separator */
	bool unclosed; /* the text ended in a block, which was told */
};

/* What statements are read by. */
struct block {
	bool (*fn)(struct parser *p, void *ctx); /* one statement */
	void *ctx;
	enum { BLOCK_FILE, BLOCK_TABLE, BLOCK_CHAIN, BLOCK_OTHER } kind;
};

/* ---- file.c ---- */
/* Takes name and text. */
struct source *source_add(struct nft_file *f, char *name, char *text, size_t len, unsigned depth);
void parser_at(struct parser *p, struct nft_file *f, struct ast_rule *r, uint32_t file, uint32_t pos,
	uint32_t end, struct err *e);
const char *file_name(struct nft_file *f, const char *s, size_t n); /* the one copy */
struct file_cmd *cmd_push(struct nft_file *f, const struct file_cmd *cmd);
bool read_source(struct nft_file *f, uint32_t file, const struct block *b, unsigned depth);

/* ---- file_scan.c ---- */
/* Of a rule or value: braces that run into the next chain or table end there. */
uint32_t scan_rule(const struct src *src, uint32_t pos, uint32_t end);
uint32_t scan_statement(const struct src *src, uint32_t pos, uint32_t end); /* place of what ends it */
uint32_t scan_braces(const struct src *src, uint32_t pos, uint32_t end); /* behind what closes the bracket at
									     pos; 0: nothing does */
void p_jump(struct parser *p, uint32_t pos); /* reads on there, outside of brackets */
bool p_separator(const struct parser *p);
bool p_open(struct parser *p);                   /* `{` of a block */
bool p_close(struct parser *p, uint32_t opened); /* `}` */
/* Statements up to the block's `}` or the end of the text; errors go to the file's list, and reading goes on
 * behind the bad statement. */
void p_block(struct parser *p, const struct block *b);
void p_report(struct parser *p, uint32_t pos); /* the error in p->e, at pos where it has a place */
bool p_name(struct parser *p, const char *what, const char **out);
bool p_number(struct parser *p, uint64_t max, uint64_t *out);
bool p_duration(struct parser *p, uint64_t *ms);
bool p_comment(struct parser *p, const char **out); /* behind `comment` */
bool p_string(struct parser *p, const char *what, size_t max, const char **out);
bool p_err(struct parser *p, uint32_t pos, uint32_t end, struct err *e); /* e's text with the place; false */
/* A word or a $name's value: a declaration's. NULL after an error. Live values stay N_PARAM. */
struct node *p_scalar(struct parser *p, const char *what);

/* ---- file_common.c ---- */
/* define, redefine, undefine and include, where one stands here; more: none did */
bool p_common(struct parser *p, const struct block *b, bool *more);
bool define_option(struct nft_file *f, const char *text); /* NAME=VALUE */

/* ---- file_define.c ---- */
void scope_open(struct nft_file *f, uint32_t *save);
void scope_close(struct nft_file *f, uint32_t save);
struct define *define_named(const struct nft_file *f, const char *s, size_t n); /* NULL: never heard of */
struct define *define_add(struct nft_file *f, const char *s, size_t n);
void define_bind(struct nft_file *f, struct define *d, uint32_t value); /* from now on; 0: nothing */
uint32_t define_at(const struct define *d, uint32_t at);
const struct define_value *define_find(const struct nft_file *f, uint32_t at, const char *s, size_t n);
void define_free(struct nft_file *f);
struct node *define_tree(struct parser *p); /* all that p reads, as a value */
/* struct parser's define and fill. */
bool define_use(struct parser *p, struct node **out);
bool define_fill(struct parser *p, struct node *string);
/* Another define, for a look at the text: a word stands for the value, which was looked at before. */
bool define_known(struct parser *p, struct node **out);
/* Tells of a $name that has no value, with a proposal. NULL. */
void *define_unknown(struct parser *p, const struct tok *t);

/* ---- file_val.c ---- */
struct node *val_node(struct parser *p, const struct val *v, uint32_t pos, uint32_t end);
/* data: of a map, or NULL. */
struct node *val_elem(
	struct parser *p, const struct val *key, const struct val *data, uint32_t pos, uint32_t end);

/* ---- file_elems.c ---- */
struct elem_walk {
	struct nft_file *f;
	struct ast_rule *r;
	int (*fn)(void *ctx, struct ast_rule *holder, const struct node *el); /* NULL: only looked at */
	int (*plain)(void *ctx, const uint8_t addr[4]);                       /* file_elems_plain()'s */
	void *ctx;
	int stopped;    /* what fn said */
	uint64_t bytes; /* of defines taken in */
};
/* From p's `{` to behind its `}`. */
bool walk_braces(struct parser *p, struct elem_walk *w);

/* ---- file_cmd.c ---- */
bool read_command(struct parser *p, void *ctx);
bool p_family(struct parser *p, uint8_t *out);                       /* where one stands */
bool p_table(struct parser *p, struct file_cmd *c);                  /* [family] name */
bool p_part(struct parser *p, struct file_cmd *c, const char *what); /* [family] table name */
bool p_handle(struct parser *p, uint64_t *out);

/* ---- file_show.c ---- */
bool read_show(struct parser *p, struct file_cmd *c);

/* ---- file_switch.c ---- */
bool read_clone(struct parser *p, struct file_cmd *c);
bool read_switch(struct parser *p, struct file_cmd *c); /* disable, enable */
bool is_disabled_id(struct parser *p);                  /* `id N`, and not a table of that name */
bool delete_disabled(struct parser *p, struct file_cmd *c);
bool list_disabled(struct parser *p, struct file_cmd *c);

/* ---- file_block.c ---- */
bool table_block(struct parser *p, struct file_cmd *head);
bool chain_block(struct parser *p, uint32_t head); /* index of the chain's command */
void sort_commands(struct nft_file *f, uint32_t from);
bool rule_body(struct parser *p, struct file_cmd *cmd);      /* takes in the statement and pushes cmd */
bool elements_place(struct parser *p, struct file_cmd *cmd); /* the place of `{ … }` or $name */

/* ---- file_hook.c ---- */
bool hook_spec(struct parser *p, struct chain_decl *d, uint8_t family);
bool policy_spec(struct parser *p, struct chain_decl *d);
bool p_devices(struct parser *p, const struct node **out);
bool flowtable_block(struct parser *p, struct file_cmd *cmd); /* pushes cmd */

/* ---- file_set.c ---- */
bool set_block(struct parser *p, struct file_cmd *cmd, bool is_map); /* pushes cmd */

/* ---- file_obj.c ---- */
/* `counter`, `ct helper`, …: takes the words and says which; false without an error: something else. */
bool object_word(struct parser *p, uint32_t *type);
bool object_body(struct parser *p, struct file_cmd *cmd); /* words or `{ … }`, or nothing */
