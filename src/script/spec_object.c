// SPDX-License-Identifier: GPL-2.0-or-later
/* The spec tables of stateful objects, as nft's words: what they mean is then said in one place (object.h).
 */
#include <errno.h>
#include <lauxlib.h>
#include <string.h>

#include "base/text.h"
#include "script/handle.h"

#define WORDS_MAX 128 /* bytes of one field's words */

struct spec_words {
	lua_State *L;
	const char *fn;
	int idx;
	struct buf *out;
};

/* Letters, digits and some signs: nothing that ends a word, a line or a block. */
static void plain(struct spec_words *w, const char *field, const char *s, const char *more)
{
	for (const char *p = s; *p; p++)
		if (!((*p >= '0' && *p <= '9') || (*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') ||
			    strchr(more, *p)))
			luaL_error(w->L, "%s: %s: \"%s\" has more in it than words and numbers", w->fn, field,
				s);
}

static void sep(struct spec_words *w, const char *sign)
{
	if (w->out->n)
		buf_puts(w->out, sign);
}

/* `packets 5` */
static void number(struct spec_words *w, const char *field, int64_t lo, int64_t hi, const char *sign)
{
	int64_t v;

	if (!field_int(w->L, w->fn, w->idx, field, lo, hi, &v))
		return;
	sep(w, sign);
	buf_printf(w->out, "%s %lld", field, (long long)v);
}

static bool words(struct spec_words *w, const char *field, char out[WORDS_MAX], const char *more)
{
	if (!field_string(w->L, w->fn, w->idx, field, out, WORDS_MAX))
		return false;
	plain(w, field, out, more);
	return true;
}

/* `protocol tcp` */
static void word(struct spec_words *w, const char *field)
{
	char text[WORDS_MAX];

	if (!words(w, field, text, "_-."))
		return;
	sep(w, "; ");
	buf_printf(w->out, "%s %s", field, text);
}

static void quoted(struct spec_words *w, const char *field, const char *label)
{
	char text[SECMARK_CTX_MAX];

	if (!field_string(w->L, w->fn, w->idx, field, text, sizeof(text)))
		return;
	if (strchr(text, '"'))
		luaL_error(w->L, "%s: %s: a quote can not stand here", w->fn, field);
	sep(w, "; ");
	buf_printf(w->out, "%s\"%s\"", label, text);
}

static int field_type(struct spec_words *w, const char *field)
{
	int type;

	lua_getfield(w->L, w->idx, field);
	type = lua_type(w->L, -1);
	lua_pop(w->L, 1);
	return type;
}

static void required(struct spec_words *w, const char *field, const char *what)
{
	if (field_type(w, field) == LUA_TNIL)
		luaL_error(w->L, "%s: %s is needed: %s", w->fn, field, what);
}

/* A field that is true, or nothing. */
static bool flag(struct spec_words *w, const char *field)
{
	bool is = false;

	field_bool(w->L, w->fn, w->idx, field, &is);
	return is;
}

static uint64_t ms_field(struct spec_words *w, const char *name, int at)
{
	_err_ struct err e = ERR_INIT;
	uint64_t ms;

	if (duration_of(w->L, at, name, &ms, &e) < 0)
		check_raise(w->L, w->fn, &e);
	return ms;
}

/* ---- quotas and limits ---- */

/* `500 mbytes`, of a number of bytes or of words. */
static void size(struct spec_words *w, const char *field)
{
	char text[WORDS_MAX];
	int64_t v;

	if (field_type(w, field) == LUA_TSTRING) {
		words(w, field, text, " ");
		buf_printf(w->out, " %s", text);
	} else if (field_int(w->L, w->fn, w->idx, field, 0, INT64_MAX, &v)) {
		buf_printf(w->out, " %lld bytes", (long long)v);
	}
}

static void quota(struct spec_words *w)
{
	bool over_size, until_size;
	int over = field_type(w, "over"), until = field_type(w, "until");
	const char *at;

	over_size = over == LUA_TSTRING || over == LUA_TNUMBER;
	until_size = until == LUA_TSTRING || until == LUA_TNUMBER;
	if (over_size && until_size)
		luaL_error(w->L, "%s: over and until exclude each other: give one", w->fn);
	at = over_size ? "over" : until_size ? "until" : "bytes";
	if ((over_size || until_size) && field_type(w, "bytes") != LUA_TNIL)
		luaL_error(w->L, "%s: %s gives the size already: leave bytes out", w->fn, at);
	if (!over_size && !until_size) {
		bool o = flag(w, "over"), u = flag(w, "until");

		if (o && u)
			luaL_error(w->L, "%s: over and until exclude each other: give one", w->fn);
		required(w, "bytes", "the size of the quota");
		buf_puts(w->out, o ? "over" : "until");
	} else {
		buf_puts(w->out, at);
	}
	size(w, at);
	if (field_type(w, "used") != LUA_TNIL) {
		buf_puts(w->out, " used");
		size(w, "used");
	}
}

static void limit(struct spec_words *w)
{
	char rate[WORDS_MAX], text[WORDS_MAX];
	int64_t v;

	required(w, "rate", "\"10/second\", \"over 1 mbytes/second\"");
	words(w, "rate", rate, "/ ");
	buf_printf(w->out, "rate %s%s", flag(w, "over") ? "over " : "", rate);
	if (field_type(w, "burst") == LUA_TSTRING) {
		words(w, "burst", text, " ");
		buf_printf(w->out, " burst %s", text);
	} else if (field_int(w->L, w->fn, w->idx, "burst", 0, UINT32_MAX, &v)) {
		buf_printf(
			w->out, " burst %lld %s", (long long)v, strstr(rate, "bytes") ? "bytes" : "packets");
	}
}

/* ---- conntrack ---- */

/* policy = { established = 100, close = "10s" }: seconds, in order of the names */
static void policy(struct spec_words *w)
{
	lua_State *L = w->L;
	const char *sign = "";

	lua_getfield(L, w->idx, "policy");
	if (lua_isnil(L, -1)) {
		lua_pop(L, 1);
		return;
	}
	if (lua_type(L, -1) != LUA_TTABLE)
		luaL_error(L, "%s: policy: expected a table { established = 100, … }, got %s", w->fn,
			type_article(L, -1));
	if (readonly_unwrap(L, -1))
		lua_replace(L, -2);
	sep(w, "; ");
	buf_puts(w->out, "policy = { ");
	lua_pushnil(L);
	while (lua_next(L, -2)) {
		vm_charge(L, 20);
		if (lua_type(L, -2) != LUA_TSTRING)
			luaL_error(L, "%s: policy: the names of states are strings, got %s", w->fn,
				type_article(L, -2));
		const char *state = lua_tostring(L, -2);

		if (!*state || strlen(state) != lua_rawlen(L, -2) || lua_rawlen(L, -2) >= WORDS_MAX ||
			w->out->n > 4096)
			luaL_error(L, "%s: policy: no state", w->fn);
		plain(w, "policy", state, "_");
		uint64_t ms = ms_field(w, state, lua_gettop(L));

		if (ms % 1000 || ms / 1000 > UINT32_MAX)
			luaL_error(L, "%s: policy: %s: whole seconds are needed", w->fn, state);
		buf_printf(w->out, "%s%s : %llu", sign, state, (unsigned long long)(ms / 1000));
		sign = ", ";
		lua_pop(L, 1);
	}
	buf_puts(w->out, " }");
	lua_pop(L, 1);
}

static void timeout(struct spec_words *w)
{
	char text[48];

	lua_getfield(w->L, w->idx, "timeout");
	if (!lua_isnil(w->L, -1)) {
		uint64_t ms = ms_field(w, "timeout", lua_gettop(w->L));

		if (!ms || ms > UINT32_MAX)
			luaL_error(w->L, "%s: timeout: out of range", w->fn);
		sep(w, "; ");
		buf_printf(w->out, "timeout %s", duration_format(ms, text));
	}
	lua_pop(w->L, 1);
}

static void synproxy(struct spec_words *w)
{
	number(w, "mss", 0, UINT16_MAX, "; ");
	number(w, "wscale", 0, 14, "; ");
	if (flag(w, "timestamp")) {
		sep(w, "; ");
		buf_puts(w->out, "timestamp");
	}
	if (flag(w, "sack_perm")) {
		sep(w, flag(w, "timestamp") ? " " : "; ");
		buf_puts(w->out, "sack-perm");
	}
}

/* ---- all ---- */

static void check(lua_State *L, const char *fn, int idx, uint32_t type)
{
	static const char *const counter[] = { "packets", "bytes", "comment", NULL };
	static const char *const quotas[] = { "over", "until", "bytes", "used", "comment", NULL };
	static const char *const limits[] = { "rate", "over", "burst", "comment", NULL };
	static const char *const helper[] = { "type", "protocol", "l3proto", "comment", NULL };
	static const char *const timeouts[] = { "protocol", "l3proto", "policy", "comment", NULL };
	static const char *const expect[] = { "protocol", "dport", "timeout", "size", "l3proto", "comment",
		NULL };
	static const char *const syn[] = { "mss", "wscale", "timestamp", "sack_perm", "comment", NULL };
	static const char *const secmark[] = { "context", "comment", NULL };
	static const char *const *const fields[] = {
		[NFT_OBJECT_COUNTER] = counter,
		[NFT_OBJECT_QUOTA] = quotas,
		[NFT_OBJECT_LIMIT] = limits,
		[NFT_OBJECT_CT_HELPER] = helper,
		[NFT_OBJECT_CT_TIMEOUT] = timeouts,
		[NFT_OBJECT_CT_EXPECT] = expect,
		[NFT_OBJECT_SYNPROXY] = syn,
		[NFT_OBJECT_SECMARK] = secmark,
	};

	check_fields(L, fn, idx, fields[type]);
}

void object_words(lua_State *L, const char *fn, uint32_t type, int idx, struct buf *out)
{
	struct spec_words w = { L, fn, idx, out };

	check(L, fn, idx, type);
	switch (type) {
	case NFT_OBJECT_COUNTER:
		number(&w, "packets", 0, INT64_MAX, " ");
		number(&w, "bytes", 0, INT64_MAX, " ");
		break;
	case NFT_OBJECT_QUOTA: quota(&w); break;
	case NFT_OBJECT_LIMIT: limit(&w); break;
	case NFT_OBJECT_CT_HELPER:
		required(&w, "type", "the helper's name, \"ftp\"");
		required(&w, "protocol", "\"tcp\" or \"udp\"");
		quoted(&w, "type", "type ");
		buf_puts(out, " ");
		{
			char text[WORDS_MAX];

			words(&w, "protocol", text, "_-.");
			buf_printf(out, "protocol %s", text);
		}
		word(&w, "l3proto");
		break;
	case NFT_OBJECT_CT_TIMEOUT:
		required(&w, "protocol", "\"tcp\", \"udp\", …");
		word(&w, "protocol");
		word(&w, "l3proto");
		policy(&w);
		break;
	case NFT_OBJECT_CT_EXPECT:
		required(&w, "protocol", "\"tcp\" or \"udp\"");
		word(&w, "protocol");
		number(&w, "dport", 0, UINT16_MAX, "; ");
		timeout(&w);
		number(&w, "size", 1, UINT8_MAX, "; ");
		word(&w, "l3proto");
		break;
	case NFT_OBJECT_SYNPROXY: synproxy(&w); break;
	case NFT_OBJECT_SECMARK:
		required(&w, "context", "the security context");
		quoted(&w, "context", "");
		break;
	default: luaL_error(L, "%s: no such object", fn);
	}
}
