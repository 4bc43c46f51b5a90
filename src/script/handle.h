/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the bindings of `nft` share: handles, specs, values of $names. Internal to script/. */
#pragma once

#include "nft/object.h"
#include "script/check.h"
#include "script/internal.h"

struct handle { /* table, chain, set, map, object, flowtable in Lua */
	struct obj *obj;
	struct spec *spec;
	uint32_t site;
	uint64_t run; /* in which it was stated last */
	bool main;    /* the main chunk states it */
	bool map;
};
/* lua_handle.c */
extern const struct luaL_Reg handle_meta[];
/* Checks the name of an object at idx; raises. */
const char *name_arg(lua_State *L, const char *fn, int idx, int first);
/* An empty handle; fill in obj and spec. */
struct handle *push_handle(lua_State *L, struct pack *pk, const char *type);
/* Handle of `name` in the table at index 1, which is stated; kind: enum obj_kind, or OBJ_STATEFUL +
 * NFT_OBJECT_*. Its spec is empty, and is to be stated by the caller. */
struct handle *push_member(lua_State *L, const char *fn, unsigned kind, const char *name, const char *type);
void handle_text(const struct handle *h, struct buf *out); /* "counter inet t c" */
struct handle *to_handle(lua_State *L, int idx);           /* any kind; NULL: none */
/* States it in the run, once. fn: raises where nothing can be stated; NULL: leaves it then. */
void handle_state(lua_State *L, struct pack *pk, struct handle *h, const char *fn);
/* Registers methods for a metatable made by lua_nft.c. */
extern const struct luaL_Reg set_methods[], map_methods[];
void nft_functions(lua_State *L); /* lua_nftval.c: prefix, range, glob, name; into the table at the top */
/* `elements` of a set or map spec: states it (raises on a bad value). */
void state_elements(lua_State *L, struct pack *pk, struct handle *h, int idx, const char *fn);

/* lua_spec.c: fill h->spec from the table at idx; raise. */
void spec_of_table(lua_State *L, int idx, struct handle *h);
void spec_of_chain(lua_State *L, int idx, struct handle *h);
void spec_of_set(lua_State *L, int idx, struct handle *h); /* leaves `elements` to its caller */
void spec_of_flowtable(lua_State *L, int idx, struct handle *h);
void spec_comment(lua_State *L, const char *fn, int idx, struct spec *sp); /* its field `comment` */
void spec_object(struct spec *sp, const struct object_want *want);         /* a copy, with the comment */

/* lua_object.c: t:counter(…) and its like, t:flowtable(…) */
void lua_object_open(lua_State *L);
int table_counter(lua_State *L), table_quota(lua_State *L), table_limit(lua_State *L),
	table_ct_helper(lua_State *L), table_ct_timeout(lua_State *L), table_ct_expectation(lua_State *L),
	table_synproxy(lua_State *L), table_secmark(lua_State *L), table_flowtable(lua_State *L);
/* spec_object.c: nft's words for the spec table at idx, as they stand between a declaration's braces; raises.
 */
void object_words(lua_State *L, const char *fn, uint32_t type, int idx, struct buf *out);

/* lua_load.c */
void lua_load_open(lua_State *L);
int nft_load_fn(lua_State *L), nft_template_fn(lua_State *L);

/* lua_param.c */
/* Before values are taken: functions of queries run, handles are stated. cost: of each item of a list. Raise.
 */
void params_ready(
	lua_State *L, struct pack *pk, int idx, unsigned cost, const char *fn); /* of each value of a table */
void value_ready(lua_State *L, struct pack *pk, int idx, const char *fn); /* of a value, or what is in it */
/* Of the table at idx what the rule's names take. Never raises. */
int params_of(lua_State *L, int idx, const struct ast_rule *ast, struct params **out, struct err *e);
/* -EINVAL "$name has no value", with a proposal from the table at idx (0: none). */
int param_missing(lua_State *L, int idx, const char *name, struct err *e);
