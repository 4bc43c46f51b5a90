/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whose something is: pack, run, file and line, time and event. For people (`rnm why`) and as JSON (`rnm list
 * --json`); from memory, in time linear in what the ruleset holds. */
#pragma once

#include "base/json.h"
#include "nft/ruleset.h"

/* what: an address, prefix or range; "FAMILY TABLE [NAME [handle N|TEXT]]"; a name that stands once; an
 * element; or text of a rule. -EINVAL: what can not be asked; -ENOENT, with a proposal. As fields: "found".
 */
int ruleset_why(struct ruleset *rs, const char *what, const struct answer *to, struct err *e);
/* The desired state in the field names of nft's JSON, each thing with its provenance. what: as
 * ruleset_text(). -EFBIG: longer than max bytes. */
int ruleset_json(struct ruleset *rs, const char *what, size_t max, struct buf *out, struct err *e);

/* ---- between the files of it ---- */

struct stmt;
struct member;
struct obj;
struct contrib;

#define WHY_SHOWN 12 /* things of one kind; then how many more there are */

struct why_list {
	const struct answer *to;
	unsigned n;
};
void why_begin(struct why_list *l, const char *name); /* as fields: an array of this name */
bool why_shows(struct why_list *l);                   /* one more: is it among those that are shown? */
/* What is not shown: "… 5 more WHAT", or {"more": 5}. */
void why_rest(const struct why_list *l, const char *indent, const char *what);
void why_end(const struct why_list *l);

/* "wan, wan.lua:12, in on_addr_change at wan.lua:10, since TIME by EVENT" */
void why_stmt(struct ruleset *rs, const struct stmt *st, struct buf *out);
void why_member(struct ruleset *rs, const struct member *m, struct buf *out);
void why_obj_name(const struct obj *o, struct buf *out); /* "set inet t s" */
void why_json_name(struct json *j, const struct obj *o); /* the same as fields: kind, family, table, name */
bool why_stated(const struct obj *o);                    /* by a pack, or found in the kernel */
void why_object(struct obj *o, const struct answer *to);
void why_rule(const struct stmt *st, const char *before, const struct answer *to);
/* The rules (and elements of maps) that name the object. Returns how many. As fields: "named_by". */
unsigned why_users(struct obj *o, const struct answer *to);
/* Elements and rules; how many there were. */
int why_address(struct ruleset *rs, const char *what, const struct answer *to); /* -1: it is no address */
unsigned why_value(struct ruleset *rs, const char *what, const struct answer *to);
/* ", in on_addr_change at wan.lua:10, by EVENT" of a statement or a hold on an element; nothing of neither.
 */
void why_behind(struct ruleset *rs, const struct stmt *st, const struct member *m, struct buf *out);
/* The same as fields of an open object: "run", "run_where", "event", "time". */
void json_behind(struct json *j, struct ruleset *rs, const struct stmt *st, const struct member *m);
/* {"pack": …, "file": …, "line": …, "run": …, "event": …, "time": …} */
void json_stmt(struct json *j, const char *name, struct ruleset *rs, const struct stmt *st);
void json_member(struct json *j, const char *name, struct ruleset *rs, const struct member *m);
