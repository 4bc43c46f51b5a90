/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whose something is: pack, run, file and line, time and event. For people (`rnm why`) and as JSON (`rnm list
 * --json`); from memory, in time linear in what the ruleset holds. */
#pragma once

#include "base/json.h"
#include "nft/ruleset.h"

/* what: an address, prefix or range; "FAMILY TABLE [NAME [handle N|TEXT]]"; a name that stands once; an
 * element; or text of a rule. -EINVAL: what can not be asked; -ENOENT, with a proposal. */
int ruleset_why(struct ruleset *rs, const char *what, struct buf *out, struct err *e);
/* The desired state in the field names of nft's JSON, each thing with its provenance. what: as
 * ruleset_text(). -EFBIG: longer than max bytes. */
int ruleset_json(struct ruleset *rs, const char *what, size_t max, struct buf *out, struct err *e);

/* ---- between the files of it ---- */

struct stmt;
struct member;
struct obj;
struct contrib;

#define WHY_SHOWN 12 /* lines of one kind */

/* "wan, wan.lua:12, in on_addr_change at wan.lua:10, since TIME by EVENT" */
void why_stmt(struct ruleset *rs, const struct stmt *st, struct buf *out);
void why_member(struct ruleset *rs, const struct member *m, struct buf *out);
void why_obj_name(const struct obj *o, struct buf *out); /* "set inet t s" */
void why_rule_line(const struct stmt *st, struct buf *out);
/* The rules (and elements of maps) that name the object, a line each. Returns how many. */
unsigned why_users(struct obj *o, const char *indent, struct buf *out);
/* Elements and rules; how many there were. */
int why_address(struct ruleset *rs, const char *what, struct buf *out); /* -1: it is no address */
unsigned why_value(struct ruleset *rs, const char *what, struct buf *out);
/* ", in on_addr_change at wan.lua:10, by EVENT" of a statement or a hold on an element; nothing of neither.
 */
void why_behind(struct ruleset *rs, const struct stmt *st, const struct member *m, struct buf *out);
/* The same as fields of an open object: "run", "run_where", "event", "time". */
void json_behind(struct json *j, struct ruleset *rs, const struct stmt *st, const struct member *m);
/* {"pack": …, "file": …, "line": …, "run": …, "event": …, "time": …} */
void json_stmt(struct json *j, const char *name, struct ruleset *rs, const struct stmt *st);
void json_member(struct json *j, const char *name, struct ruleset *rs, const struct member *m);
