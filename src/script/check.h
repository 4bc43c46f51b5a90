/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Strict arguments: count, type, range and unknown fields are errors that name what was given. All of them
 * raise, so check everything before anything is allocated. fn: "set:add". */
#pragma once

#include <lua.h>

#include "base/err.h"

/* self counts: arguments from index `first` on are numbered from 1 in messages. */
void check_count(lua_State *L, const char *fn, int first, int min, int max);
const char *check_string(lua_State *L, const char *fn, int idx, int first, size_t *n);
void check_table(lua_State *L, const char *fn, int idx, int first);
void check_function(lua_State *L, const char *fn, int idx, int first);
_Noreturn void check_arg_fail(lua_State *L, const char *fn, int idx, int first, const char *expected);
/* Raises e's text as "FN: text" with the caller's place, and frees it. */
_Noreturn void check_raise(lua_State *L, const char *fn, struct err *e);
/* nil, message: an expected failure. Frees e. */
int check_nil(lua_State *L, struct err *e);
/* Every key of the table at idx is one of names (NULL-terminated), else raises with a suggestion. */
void check_fields(lua_State *L, const char *fn, int idx, const char *const *names);
const char *type_article(lua_State *L, int idx); /* "a number", "nil" */

/* Fields of a table: absent gives false. Numbers must be in lo..hi and whole. */
bool field_string(lua_State *L, const char *fn, int idx, const char *name, char *out, size_t cap);
bool field_int(lua_State *L, const char *fn, int idx, const char *name, int64_t lo, int64_t hi, int64_t *out);
bool field_bool(lua_State *L, const char *fn, int idx, const char *name, bool *out);
