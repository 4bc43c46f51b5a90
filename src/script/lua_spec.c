// SPDX-License-Identifier: GPL-2.0-or-later
/* Spec tables of declarations: { type = …, hook = …, … } → struct spec. Everything is checked here; bad
 * values raise. */
#include <errno.h>
#include <lauxlib.h>
#include <linux/netfilter.h>
#include <stdio.h>
#include <string.h>

#include "script/handle.h"

#define COMMENT_CAP 128 /* bytes with the NUL; what nft takes */

void spec_comment(lua_State *L, const char *fn, int idx, struct spec *sp)
{
	char text[COMMENT_CAP];

	if (!field_string(L, fn, idx, "comment", text, sizeof(text)))
		return;
	free(sp->comment);
	sp->comment = xstrdup(text);
	sp->given |= SPEC_COMMENT;
	if (sp->object)
		sp->object->comment = sp->comment;
}

void spec_object(struct spec *sp, const struct object_want *want)
{
	sp->object = xmemdup(want, sizeof(*want));
	sp->given |= SPEC_OBJECT;
	if (!want->comment)
		return;
	sp->comment = xstrdup(want->comment);
	sp->given |= SPEC_COMMENT;
	sp->object->comment = sp->comment;
}

static void field_fail(lua_State *L, const char *fn, const char *name, struct err *e)
{
	err_prefix(e, "%s: ", name);
	check_raise(L, fn, e);
}

/* `flags` as one comma-separated text: "interval, timeout". False: not given. */
static bool flags_text(lua_State *L, const char *fn, int idx, char *out, size_t cap)
{
	size_t n = 0;

	lua_getfield(L, idx, "flags");
	if (lua_isnil(L, -1)) {
		lua_pop(L, 1);
		return false;
	}
	out[0] = '\0';
	if (lua_type(L, -1) != LUA_TTABLE) {
		lua_pop(L, 1);
		return field_string(L, fn, idx, "flags", out, cap);
	}
	if (readonly_unwrap(L, -1))
		lua_replace(L, -2);
	for (lua_Unsigned i = 1; i <= lua_rawlen(L, -1); i++) {
		size_t len;

		if (lua_rawgeti(L, -1, (lua_Integer)i) != LUA_TSTRING)
			luaL_error(L, "%s: flags[%I]: expected a string, got %s", fn, (lua_Integer)i,
				type_article(L, -1));
		const char *s = lua_tolstring(L, -1, &len);

		if (!text_is_clean(s, len) || n + len + 3 > cap)
			luaL_error(L, "%s: flags[%I]: no flag", fn, (lua_Integer)i);
		if (n) {
			memcpy(out + n, ", ", 2);
			n += 2;
		}
		memcpy(out + n, s, len + 1);
		n += len;
		lua_pop(L, 1);
	}
	lua_pop(L, 1);
	return n > 0;
}

static const char *one_of(
	lua_State *L, const char *fn, const char *field, const char *word, const char *const *words, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(words[i], word) == 0)
			return words[i];
	const char *near = suggest_in(word, words, n);

	if (near)
		luaL_error(L, "%s: %s: unknown value \"%s\"; did you mean \"%s\"?", fn, field, word, near);
	luaL_error(L, "%s: %s: unknown value \"%s\" (%s%s%s%s%s)", fn, field, word, words[0],
		n > 1 ? ", " : "", n > 1 ? words[1] : "", n > 2 ? ", " : "", n > 2 ? words[2] : "");
	return NULL;
}

static uint32_t table_flag(lua_State *L, const char *fn, const char *word)
{
	static const char *const words[] = { "dormant", "owner", "persist" };
	static const uint32_t bits[] = { NFT_TABLE_F_DORMANT, NFT_TABLE_F_OWNER, TABLE_F_PERSIST };

	word = one_of(L, fn, "flags", word, words, ARRAY_SIZE(words));
	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (word == words[i])
			return bits[i];
	return 0;
}

void spec_of_table(lua_State *L, int idx, struct handle *h)
{
	static const char *const fields[] = { "flags", "comment", "adopt", NULL };
	const char *fn = "nft.table";
	char text[128], *word, *rest;
	bool adopt;

	check_fields(L, fn, idx, fields);
	if (flags_text(L, fn, idx, text, sizeof(text))) {
		for (word = strtok_r(text, ", ", &rest); word; word = strtok_r(NULL, ", ", &rest))
			h->spec->flags |= table_flag(L, fn, word);
		h->spec->given |= SPEC_FLAGS;
	}
	if (field_bool(L, fn, idx, "adopt", &adopt) && adopt)
		h->spec->given |= SPEC_ADOPT;
	spec_comment(L, fn, idx, h->spec);
}

/* ---- chains ---- */

static void priority_field(lua_State *L, const char *fn, int idx, struct handle *h, uint8_t family)
{
	struct spec *sp = h->spec;
	_err_ struct err e = ERR_INIT;
	uint32_t hook = 0;
	int32_t prio;
	char text[64];

	lua_getfield(L, idx, "priority");
	if (lua_isnil(L, -1)) {
		lua_pop(L, 1);
		return;
	}
	if (lua_isinteger(L, -1)) {
		lua_Integer i = lua_tointeger(L, -1);

		if (i < INT32_MIN || i > INT32_MAX)
			luaL_error(L, "%s: priority: %I is out of range", fn, i);
		snprintf(text, sizeof(text), "%lld", (long long)i);
		lua_pop(L, 1);
	} else {
		if (lua_type(L, -1) != LUA_TSTRING)
			luaL_error(L, "%s: priority: expected a string or an integer, got %s", fn,
				type_article(L, -1));
		lua_pop(L, 1);
		field_string(L, fn, idx, "priority", text, sizeof(text));
	}
	if (sp->hook)
		nft_hook_parse(sp->hook, family, &hook, NULL);
	/* without a hook here the name is checked when the declarations are merged */
	if (sp->hook && nft_priority_parse(text, family, (int)hook, &prio, &e) < 0)
		field_fail(L, fn, "priority", &e);
	sp->priority = xstrdup(text);
	sp->given |= SPEC_PRIORITY;
}

static void devices_field(lua_State *L, const char *fn, int idx, struct spec *sp)
{
	_err_ struct err e = ERR_INIT;
	const char *field = "devices";
	struct val v = { 0 };

	lua_getfield(L, idx, "devices");
	lua_getfield(L, idx, "device");
	if (!lua_isnil(L, -1)) {
		if (!lua_isnil(L, -2))
			luaL_error(L, "%s: device and devices are the same thing: give one", fn);
		field = "device";
		lua_replace(L, -2);
	} else {
		lua_pop(L, 1);
	}
	if (lua_isnil(L, -1)) {
		lua_pop(L, 1);
		return;
	}
	if (to_live(L, -1))
		live_ready(L, to_live(L, -1));
	if (value_of(L, -1, 0, &sp->devices, &e) < 0)
		field_fail(L, fn, field, &e);
	if (sp->devices.kind == VAL_STRING) {
		v = sp->devices;
		sp->devices = (struct val){ .kind = VAL_LIST, .n = 1 };
		sp->devices.list = xmemdup(&v, sizeof(v));
	}
	if (sp->devices.kind != VAL_LIVE && sp->devices.kind != VAL_LIST)
		luaL_error(L, "%s: %s: expected a name, a list of names or a query", fn, field);
	for (uint32_t i = 0; i < sp->devices.n; i++) {
		const struct val *d = &sp->devices.list[i];

		if (d->kind != VAL_STRING || strlen(d->str) >= IFNAMSIZ)
			luaL_error(L, "%s: %s[%d]: expected the name of a link", fn, field, (int)i + 1);
	}
	sp->given |= SPEC_DEVICES;
	lua_pop(L, 1);
}

void spec_of_chain(lua_State *L, int idx, struct handle *h)
{
	static const char *const fields[] = { "type", "hook", "priority", "policy", "device", "devices",
		"comment", NULL };
	static const char *const types[] = { "filter", "nat", "route" };
	static const char *const policies[] = { "accept", "drop" };
	const char *fn = "table:chain";
	struct spec *sp = h->spec;
	_err_ struct err e = ERR_INIT;
	char text[64];
	uint32_t hook;

	check_fields(L, fn, idx, fields);
	if (field_string(L, fn, idx, "type", text, sizeof(text))) {
		strcpy(sp->chain_type, one_of(L, fn, "type", text, types, 3));
		sp->given |= SPEC_TYPE;
	}
	if (field_string(L, fn, idx, "hook", text, sizeof(text))) {
		if (nft_hook_parse(text, obj_family(h->obj), &hook, &e) < 0)
			field_fail(L, fn, "hook", &e);
		sp->hook = xstrdup(text);
		sp->given |= SPEC_HOOK;
	}
	priority_field(L, fn, idx, h, obj_family(h->obj));
	if (field_string(L, fn, idx, "policy", text, sizeof(text))) {
		sp->policy =
			strcmp(one_of(L, fn, "policy", text, policies, 2), "drop") == 0 ? NF_DROP : NF_ACCEPT;
		sp->given |= SPEC_POLICY;
	}
	devices_field(L, fn, idx, sp);
	spec_comment(L, fn, idx, sp);
}

/* ---- sets and maps ---- */

/* The data side of an object map: "counter", "ct helper". */
static uint32_t object_type(const char *text)
{
	for (uint32_t t = 1; t <= NFT_OBJECT_MAX; t++) {
		const char *word = object_type_word(t);

		if (word && strcmp(word, text) == 0)
			return t;
	}
	return 0;
}

static char *trimmed(char *text)
{
	char *end = text + strlen(text);

	while (*text == ' ')
		text++;
	while (end > text && end[-1] == ' ')
		*--end = '\0';
	return text;
}

static void parse_type(
	lua_State *L, const char *fn, const char *field, char *text, bool is_typeof, struct nft_type *out)
{
	_err_ struct err e = ERR_INIT;
	int rc;

	text = trimmed(text);
	if (is_typeof && strcmp(text, "verdict") != 0)
		rc = nft_typeof_parse(text, out, &e);
	else
		rc = nft_type_parse(text, out, &e);
	if (rc < 0)
		field_fail(L, fn, field, &e);
}

/* The colon of a map's type; colons of other kinds do not occur outside of quotes. */
static char *find_colon(char *s)
{
	for (bool quoted = false; *s; s++) {
		if (*s == '"')
			quoted = !quoted;
		else if (*s == ':' && !quoted)
			return s;
	}
	return NULL;
}

static void type_field(lua_State *L, const char *fn, int idx, struct handle *h, const char *field)
{
	bool is_typeof = strcmp(field, "typeof") == 0;
	struct spec *sp = h->spec;
	char text[512], *colon;

	if (!field_string(L, fn, idx, field, text, sizeof(text)))
		return;
	if (sp->given & SPEC_TYPE)
		luaL_error(L, "%s: type and typeof are the same thing: give one", fn);
	if (is_typeof)
		sp->typeof_text = xstrdup(text);
	colon = find_colon(text);
	if (h->map && !colon)
		luaL_error(L, "%s: %s: a map's type is \"KEY : DATA\", got \"%s\"", fn, field, text);
	if (!h->map && colon)
		luaL_error(L, "%s: %s: a set has no \" : DATA\"; use table:map()", fn, field);
	if (colon) {
		*colon = '\0';
		sp->obj_type = object_type(trimmed(colon + 1));
		if (!sp->obj_type)
			parse_type(L, fn, field, colon + 1, is_typeof, &sp->data);
		sp->given |= SPEC_DATA;
	}
	parse_type(L, fn, field, text, is_typeof, &sp->key);
	sp->given |= SPEC_TYPE;
}

static bool duration_field(lua_State *L, const char *fn, int idx, const char *name, uint64_t *ms)
{
	_err_ struct err e = ERR_INIT;

	lua_getfield(L, idx, name);
	if (lua_isnil(L, -1)) {
		lua_pop(L, 1);
		return false;
	}
	if (duration_of(L, -1, name, ms, &e) < 0)
		check_raise(L, fn, &e);
	if (!*ms)
		luaL_error(L, "%s: %s: 0 is refused; leave it out", fn, name);
	lua_pop(L, 1);
	return true;
}

/* The statements that each element gets, in nft's words: "counter". */
static void stateful_field(lua_State *L, const char *fn, int idx, struct spec *sp)
{
	_err_ struct err e = ERR_INIT;
	struct exprs x = { 0 };
	char text[512];
	int rc;

	if (!field_string(L, fn, idx, "stateful", text, sizeof(text)))
		return;
	rc = stateful_parse(text, &x, &e);
	exprs_free(&x);
	if (rc < 0)
		field_fail(L, fn, "stateful", &e);
	sp->stateful = xstrdup(text);
	sp->given |= SPEC_STATEFUL;
}

void spec_of_set(lua_State *L, int idx, struct handle *h)
{
	static const char *const fields[] = { "type", "typeof", "flags", "timeout", "gc_interval", "size",
		"policy", "auto_merge", "elements", "stateful", "comment", NULL };
	static const char *const policies[] = { "performance", "memory" };
	const char *fn = h->map ? "table:map" : "table:set";
	struct spec *sp = h->spec;
	_err_ struct err e = ERR_INIT;
	char text[256];
	uint32_t flags;
	int64_t size;

	check_fields(L, fn, idx, fields);
	type_field(L, fn, idx, h, "type");
	type_field(L, fn, idx, h, "typeof");
	if (flags_text(L, fn, idx, text, sizeof(text))) {
		if (nft_set_flags_parse(text, &flags, &e) < 0)
			field_fail(L, fn, "flags", &e);
		sp->flags |= flags;
		sp->given |= SPEC_FLAGS;
	}
	if (duration_field(L, fn, idx, "timeout", &sp->timeout_ms))
		sp->given |= SPEC_TIMEOUT;
	if (duration_field(L, fn, idx, "gc_interval", &sp->gc_ms))
		sp->given |= SPEC_GC;
	if (field_int(L, fn, idx, "size", 1, UINT32_MAX, &size)) {
		sp->size = (uint32_t)size;
		sp->given |= SPEC_SIZE;
	}
	if (field_string(L, fn, idx, "policy", text, sizeof(text))) {
		sp->policy = strcmp(one_of(L, fn, "policy", text, policies, 2), "memory") == 0
				     ? NFT_SET_POL_MEMORY
				     : NFT_SET_POL_PERFORMANCE;
		sp->given |= SPEC_POLICY;
	}
	if (field_bool(L, fn, idx, "auto_merge", &sp->auto_merge))
		sp->given |= SPEC_AUTO_MERGE;
	stateful_field(L, fn, idx, sp);
	spec_comment(L, fn, idx, sp);
}

/* ---- flowtables ---- */

static void flow_flags(lua_State *L, const char *fn, int idx, struct spec *sp)
{
	static const char *const words[] = { "offload", "counter" };
	bool counter = false;
	char text[64];

	if (flags_text(L, fn, idx, text, sizeof(text))) {
		sp->given |= SPEC_FLAGS;
		for (char *save, *word = strtok_r(text, ", ", &save); word;
			word = strtok_r(NULL, ", ", &save))
			sp->flags |= strcmp(one_of(L, fn, "flags", word, words, 2), "counter") == 0
					     ? NFT_FLOWTABLE_COUNTER
					     : NFT_FLOWTABLE_HW_OFFLOAD;
	}
	if (!field_bool(L, fn, idx, "counter", &counter))
		return;
	sp->given |= SPEC_FLAGS;
	if (counter)
		sp->flags |= NFT_FLOWTABLE_COUNTER;
}

void spec_of_flowtable(lua_State *L, int idx, struct handle *h)
{
	static const char *const fields[] = { "hook", "priority", "device", "devices", "flags", "counter",
		NULL };
	static const char *const hooks[] = { "ingress" };
	const char *fn = "table:flowtable";
	struct spec *sp = h->spec;
	char text[64];

	check_fields(L, fn, idx, fields);
	if (field_string(L, fn, idx, "hook", text, sizeof(text))) {
		sp->hook = xstrdup(one_of(L, fn, "hook", text, hooks, 1));
		sp->given |= SPEC_HOOK;
	}
	priority_field(L, fn, idx, h, NFPROTO_NETDEV);
	devices_field(L, fn, idx, sp);
	flow_flags(L, fn, idx, sp);
}
