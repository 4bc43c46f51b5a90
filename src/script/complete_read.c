// SPDX-License-Identifier: GPL-2.0-or-later
/* Reads Lua up to the cursor: what is the thing before the dot, which call is this an argument of? */
#include <stdio.h>
#include <string.h>

#include "script/complete.h"
#include "script/handle.h"

#define TEXT_MAX  (16u << 10)
#define DEPTH_MAX 12

/* ---- tokens ---- */

static bool name_char(char c)
{
	return c == '_' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* "[[", "[==[" at s: how many =, or -1. */
static int long_level(const char *s, const char *end)
{
	int level = 0;

	for (s++; s < end && *s == '='; s++)
		level++;
	return s < end && *s == '[' ? level : -1;
}

/* The end of a long bracket's content; NULL: it does not end. */
static const char *long_end(const char *s, const char *end, int level, const char **after)
{
	for (; s < end; s++) {
		const char *p = s;
		int n = 0;

		if (*p++ != ']')
			continue;
		while (p < end && *p == '=') {
			p++;
			n++;
		}
		if (n == level && p < end && *p == ']') {
			*after = p + 1;
			return s;
		}
	}
	return NULL;
}

/* False: it is not closed. */
static bool read_string(const char **at, const char *end, struct token *t)
{
	const char *s = *at;
	int level = *s == '[' ? long_level(s, end) : -1;
	const char *close;

	if (*s == '[') {
		t->s = s + level + 2;
		close = long_end(t->s, end, level, at);
	} else {
		t->s = s + 1;
		for (close = t->s; close < end && *close != *s && *close != '\n'; close++)
			if (*close == '\\' && close + 1 < end)
				close++;
		*at = close + 1;
		if (close >= end)
			close = NULL;
	}
	t->kind = close ? TOK_STRING : TOK_OPEN;
	t->n = (size_t)((close ? close : end) - t->s);
	return close != NULL;
}

/* False: the text ends in it. */
static bool skip_comment(const char **at, const char *end)
{
	const char *s = *at + 2;
	int level = s < end && *s == '[' ? long_level(s, end) : -1;

	if (level >= 0)
		return long_end(s + level + 2, end, level, at) != NULL;
	while (s < end && *s != '\n')
		s++;
	*at = s;
	return s < end;
}

bool read_tokens(const char *text, size_t n, tokens *out)
{
	const char *s = text, *end = text + n;

	if (n > TEXT_MAX)
		return false;
	while (s < end) {
		struct token t = { .s = s, .n = 1, .kind = TOK_OP, .op = *s };

		if (*s == ' ' || (*s >= '\t' && *s <= '\r')) {
			s++;
			continue;
		}
		if (*s == '-' && s + 1 < end && s[1] == '-') {
			if (!skip_comment(&s, end))
				return false;
			continue;
		}
		if (*s == '"' || *s == '\'' || (*s == '[' && long_level(s, end) >= 0)) {
			bool whole = read_string(&s, end, &t);

			vec_push(out, t);
			if (!whole)
				return true;
			continue;
		}
		if (name_char(*s)) {
			while (s < end && (name_char(*s) || (*s == '.' && *t.s >= '0' && *t.s <= '9')))
				s++;
			t.n = (size_t)(s - t.s);
			t.kind = *t.s >= '0' && *t.s <= '9' ? TOK_NUMBER : TOK_NAME;
			vec_push(out, t);
			continue;
		}
		if (s + 1 < end && (*s == '.' || *s == '=' || *s == '~' || *s == '<' || *s == '>') &&
			(s[1] == '=' || (*s == '.' && s[1] == '.'))) {
			t.op = '~'; /* an operator that nothing here asks for */
			t.n = 2;
		}
		s += t.n;
		vec_push(out, t);
	}
	return true;
}

bool token_is(const struct reading *r, uint32_t i, const char *word)
{
	const struct token *t = i < r->t.n ? &r->t.v[i] : NULL;

	return t && t->kind == TOK_NAME && t->n == strlen(word) && !memcmp(t->s, word, t->n);
}

bool token_op(const struct reading *r, uint32_t i, char op)
{
	return i < r->t.n && r->t.v[i].kind == TOK_OP && r->t.v[i].op == op;
}

static bool same_token(const struct token *a, const struct token *b)
{
	return a->kind == b->kind && a->n == b->n && !memcmp(a->s, b->s, a->n);
}

/* The bracket that the one at i closes; UINT32_MAX: none. */
static uint32_t opening(const struct reading *r, uint32_t i)
{
	int depth = 0;

	for (i++; i-- > 0;) {
		depth += token_op(r, i, ')') || token_op(r, i, '}') || token_op(r, i, ']');
		depth -= token_op(r, i, '(') || token_op(r, i, '{') || token_op(r, i, '[');
		if (!depth)
			return i;
	}
	return UINT32_MAX;
}

/* ---- what functions give ---- */

static const struct {
	const char *name, *gives;
} results[] = {
	{ "nft.table", "table" },
	{ "nft.attach", "set" },
	{ "nft.load", "table" },
	{ "nft.template", "table" },
	{ "table:chain", "chain" },
	{ "table:set", "set" },
	{ "table:map", "map" },
	{ "table:counter", "counter" },
	{ "table:quota", "quota" },
	{ "chain:rule", "chain" },
	{ "chain:rules", "chain" },
	{ "chain:insert", "chain" },
	{ "set:follow", "set" },
	{ "map:follow", "map" },
	{ "net.links", "query" },
	{ "net.addrs", "query" },
	{ "net.routes", "query" },
	{ "net.rules", "query" },
	{ "net.neighs", "query" },
	{ "query:where", "query" },
	{ "query:map", "query" },
	{ "rnm.file", "query" },
	{ "rnm.block", "block" },
	{ "rnm.each", "handle" },
	{ "rnm.on", "handle" },
	{ "rnm.after", "handle" },
	{ "rnm.every", "handle" },
};

bool query_kind(const char *name, enum net_kind *kind)
{
	static const char *const names[NET_KINDS] = { [NET_LINK] = "net.links",
		[NET_ADDR] = "net.addrs",
		[NET_ROUTE] = "net.routes",
		[NET_RULE] = "net.rules",
		[NET_NEIGH] = "net.neighs" };

	for (int k = 0; k < NET_KINDS; k++)
		if (!strcmp(names[k], name)) {
			*kind = (enum net_kind)k;
			return true;
		}
	return false;
}

static void name_of(const struct what *receiver, const struct token *method, char sep, char out[64])
{
	bool api = receiver->known == KNOWN_API;

	snprintf(out, 64, "%s%c%.*s", api ? receiver->api : "", sep, (int)(method->n < 40 ? method->n : 40),
		method->s);
}

/* What a call gives: name "set:add", args: its first token behind the bracket. */
static struct what result_of(struct reading *r, const char *name, const struct what *receiver, uint32_t args)
{
	struct what w = { KNOWN_NOTHING };

	if (!strcmp(name, "net.link") || !strcmp(name, "query:first")) {
		w.known = KNOWN_RECORD;
		w.net = *name == 'n' ? NET_LINK : receiver->net;
		if (*name == 'q' && !receiver->has_net)
			w.known = KNOWN_NOTHING;
		return w;
	}
	for (size_t i = 0; i < ARRAY_SIZE(results); i++)
		if (!strcmp(results[i].name, name)) {
			w.known = KNOWN_API;
			w.api = results[i].gives;
		}
	if (query_kind(name, &w.net))
		w.has_net = true;
	if (!strcmp(name, "query:where")) {
		w.net = receiver->net;
		w.has_net = receiver->has_net;
	}
	if (!strcmp(name, "nft.table") && args + 2 < r->t.n && r->t.v[args].kind == TOK_STRING &&
		r->t.v[args + 2].kind == TOK_STRING) {
		const struct token *f = &r->t.v[args], *t = &r->t.v[args + 2];
		char family[16] = "";

		snprintf(family, sizeof(family), "%.*s", (int)(f->n < 15 ? f->n : 15), f->s);
		snprintf(w.table, sizeof(w.table), "%.*s", (int)(t->n < 200 ? t->n : 200), t->s);
		w.has_table = nft_family_parse(family, &w.family, NULL) == 0;
	}
	return w;
}

/* ---- values of the state ---- */

static struct what lua_what(struct reading *r, int at)
{
	struct what w = { .known = KNOWN_LUA, .at = at, .event = -1 };
	lua_State *L = r->L;
	struct live *l = to_live(L, at);
	struct handle *h = to_handle(L, at);
	int kind = record_kind(L, at);

	if (kind >= 0) {
		w.known = KNOWN_RECORD;
		w.net = (enum net_kind)kind;
	} else if (l) {
		w.known = KNOWN_API;
		w.api = "query";
		w.has_net = live_base(l) && !live_mapped(l);
		w.net = w.has_net ? query_filters(live_base(l))->kind : NET_LINK;
	} else if (h) {
		static const char *const words[] = {
			[TAG_TABLE] = "table", [TAG_CHAIN] = "chain", [TAG_SET] = "set", [TAG_MAP] = "map"
		};
		enum tag tag = type_tag(L, at);

		w.known = KNOWN_API;
		w.api = (unsigned)tag < ARRAY_SIZE(words) && words[tag] ? words[tag] : "object";
		if (tag == TAG_OBJECT && (unsigned)obj_kind(h->obj) >= OBJ_STATEFUL)
			w.api = obj_kind_word(obj_kind(h->obj));
		w.has_table = tag == TAG_TABLE;
		w.family = obj_family(h->obj);
		snprintf(w.table, sizeof(w.table), "%s", obj_table(h->obj));
	} else {
		switch (type_tag(L, at)) {
		case TAG_BLOCK: w.known = KNOWN_API, w.api = "block"; break;
		case TAG_HANDLE: w.known = KNOWN_API, w.api = "handle"; break;
		case TAG_STATE: w.known = KNOWN_STATE, w.node = state_node(L, at); break;
		case TAG_READONLY:
			if (readonly_unwrap(L, at))
				w.at = lua_gettop(L);
			break;
		default: break;
		}
	}
	return w;
}

static struct what global(struct reading *r, const struct token *name)
{
	static const char *const own[] = { "nft", "net", "rnm" };
	struct what w = { KNOWN_NOTHING };

	for (size_t i = 0; i < ARRAY_SIZE(own); i++)
		if (name->n == strlen(own[i]) && !memcmp(own[i], name->s, name->n))
			return (struct what){ .known = KNOWN_API, .api = own[i] };
	if (!r->L || !lua_checkstack(r->L, 8))
		return w;
	lua_pushglobaltable(r->L);
	lua_pushlstring(r->L, name->s, name->n);
	lua_rawget(r->L, -2);
	lua_remove(r->L, -2);
	return lua_isnil(r->L, -1) ? w : lua_what(r, lua_gettop(r->L));
}

static struct what field_of(struct reading *r, const struct what *of, const struct token *name)
{
	static const char *const nested[] = { "rnm.log", "rnm.state", "rnm.pack" };
	struct what w = { .event = -1 };
	char full[64];
	bool found;

	switch (of->known) {
	case KNOWN_API:
		name_of(of, name, '.', full);
		for (size_t i = 0; i < ARRAY_SIZE(nested); i++)
			if (!strcmp(nested[i], full) && i != 1)
				return (struct what){ .known = KNOWN_API, .api = nested[i] };
		if (!strcmp(full, "rnm.state") && r->pk && r->pk->st)
			return (struct what){ .known = KNOWN_STATE, .node = pstate_root(r->pk->st) };
		return w;
	case KNOWN_STATE: {
		struct state_key k = { (char *)name->s, name->n, 0 };
		_autofree_ char *key = xstrndup(name->s, name->n);
		uint32_t i;

		k.s = key;
		i = snode_find(of->node, &k, &found);
		if (found)
			w = (struct what){ .known = KNOWN_STATE, .node = of->node->e.v[i].val };
		return w;
	}
	case KNOWN_LUA:
		if (lua_type(r->L, of->at) != LUA_TTABLE || !lua_checkstack(r->L, 8))
			return w;
		lua_pushlstring(r->L, name->s, name->n);
		lua_rawget(r->L, of->at);
		return lua_isnil(r->L, -1) ? w : lua_what(r, lua_gettop(r->L));
	case KNOWN_EVENT:
		if (name->n == 4 && !memcmp(name->s, "link", 4) && (of->event < 0 || of->event == EV_LINK))
			return (struct what){ .known = KNOWN_RECORD, .net = NET_LINK };
		return w;
	case KNOWN_NOTHING:
	case KNOWN_RECORD: break;
	}
	return w;
}

/* ---- names ---- */

/* The last token of the expression that begins at i. */
static uint32_t expr_end(const struct reading *r, uint32_t i)
{
	uint32_t end = i;

	for (i++; i < r->t.n; i++) {
		const struct token *t = &r->t.v[i];

		if ((token_op(r, i, '.') || token_op(r, i, ':')) && i + 1 < r->t.n &&
			r->t.v[i + 1].kind == TOK_NAME) {
			end = ++i;
		} else if (token_op(r, i, '(') || token_op(r, i, '{') || token_op(r, i, '[')) {
			uint32_t j = i;
			int depth = 0;

			for (; j < r->t.n; j++) {
				depth += token_op(r, j, '(') || token_op(r, j, '{') || token_op(r, j, '[');
				depth -= token_op(r, j, ')') || token_op(r, j, '}') || token_op(r, j, ']');
				if (!depth)
					break;
			}
			if (j == r->t.n)
				return UINT32_MAX; /* the cursor is in it */
			end = i = j;
		} else if (t->kind == TOK_STRING) {
			end = i;
		} else {
			break;
		}
	}
	return end;
}

/* A parameter of the function whose word is token f. */
static struct what parameter(struct reading *r, uint32_t f)
{
	struct place p;
	const struct token *name = &r->t.v[f + 1];
	char event[40];

	if (name->kind == TOK_NAME && name->n > 3 && !memcmp(name->s, "on_", 3))
		return (struct what){ .known = KNOWN_EVENT, .event = event_find(name->s + 3, name->n - 3) };
	if (!token_op(r, f + 1, '(') || !arg_place(r, f, &p) || p.in_table)
		return (struct what){ KNOWN_NOTHING };
	if (!strcmp(p.name, "rnm.on") && r->t.v[p.first].kind == TOK_STRING) {
		snprintf(event, sizeof(event), "%.*s", (int)r->t.v[p.first].n, r->t.v[p.first].s);
		return (struct what){ .known = KNOWN_EVENT, .event = event_find(event, strlen(event)) };
	}
	if ((!strcmp(p.name, "rnm.each") && p.arg == 2 && f >= 2) ||
		(p.method && p.receiver.known == KNOWN_API && !strcmp(p.receiver.api, "query"))) {
		struct what q = p.method ? p.receiver : expr_at(r, f - 2);

		if (q.known == KNOWN_API && q.has_net)
			return (struct what){ .known = KNOWN_RECORD, .net = q.net };
	}
	return (struct what){ KNOWN_NOTHING };
}

/* What the text before token i says about a name: its last assignment, or whose parameter it is. */
static struct what variable(struct reading *r, uint32_t i)
{
	const struct token *name = &r->t.v[i];

	for (uint32_t j = i; j-- > 0;) {
		const struct token *t = &r->t.v[j];
		uint32_t f = j;

		if (!same_token(t, name) || token_op(r, j - 1, '.') || token_op(r, j - 1, ':'))
			continue;
		if (token_op(r, j + 1, '=')) {
			uint32_t end = expr_end(r, j + 2);

			if (end >= i)
				return (struct what){ KNOWN_NOTHING };
			return expr_at(r, end);
		}
		while (f-- > 0 && (r->t.v[f].kind == TOK_NAME || token_op(r, f, ',') || token_op(r, f, '(') ||
					  token_op(r, f, '.') || token_op(r, f, ':')))
			if (token_is(r, f, "function"))
				return parameter(r, f);
	}
	return global(r, name);
}

struct what expr_at(struct reading *r, uint32_t i)
{
	struct what none = { KNOWN_NOTHING }, of;
	uint32_t open = i, args;
	char name[64];

	if (i >= r->t.n || r->depth > DEPTH_MAX)
		return none;
	r->depth++;
	if (r->t.v[i].kind == TOK_NAME && (token_op(r, i - 1, '.') && i >= 2)) {
		of = expr_at(r, i - 2);
		of = field_of(r, &of, &r->t.v[i]);
		r->depth--;
		return of;
	}
	if (r->t.v[i].kind == TOK_NAME) {
		of = variable(r, i);
		r->depth--;
		return of;
	}
	/* a call, or q[i] */
	if (r->t.v[i].kind != TOK_STRING)
		open = opening(r, i);
	args = r->t.v[i].kind == TOK_STRING || token_op(r, open, '{') ? open : open + 1;
	if (open == UINT32_MAX || !open || token_op(r, open, '=')) {
		r->depth--;
		return none;
	}
	if (token_op(r, open, '[')) {
		of = expr_at(r, open - 1);
		r->depth--;
		if (of.known == KNOWN_API && of.has_net)
			return (struct what){ .known = KNOWN_RECORD, .net = of.net };
		return none;
	}
	if (r->t.v[open - 1].kind != TOK_NAME || open < 3 ||
		!(token_op(r, open - 2, '.') || token_op(r, open - 2, ':'))) {
		r->depth--;
		return none;
	}
	of = expr_at(r, open - 3);
	name_of(&of, &r->t.v[open - 1], r->t.v[open - 2].op, name);
	r->depth--;
	return result_of(r, name, &of, args);
}

/* ---- where it stands ---- */

static void set_callee(struct reading *r, uint32_t name, struct place *p)
{
	p->call = true;
	p->callee = name;
	p->method = token_op(r, name - 1, ':');
	if (name >= 2 && (p->method || token_op(r, name - 1, '.'))) {
		p->receiver = expr_at(r, name - 2);
		name_of(&p->receiver, &r->t.v[name], p->method ? ':' : '.', p->name);
	} else {
		snprintf(p->name, sizeof(p->name), "%.*s", (int)(r->t.v[name].n < 60 ? r->t.v[name].n : 60),
			r->t.v[name].s);
	}
}

bool arg_place(struct reading *r, uint32_t i, struct place *p)
{
	int depth = 0;

	memset(p, 0, sizeof(*p));
	p->arg = 1;
	p->first = i;
	if (i && i < r->t.n && r->t.v[i].kind >= TOK_STRING && r->t.v[i].kind <= TOK_OPEN &&
		r->t.v[i - 1].kind == TOK_NAME) { /* f "…" */
		set_callee(r, i - 1, p);
		return true;
	}
	if (token_op(r, i - 1, '=') && i >= 2 && r->t.v[i - 2].kind == TOK_NAME)
		snprintf(p->key, sizeof(p->key), "%.*s", (int)(r->t.v[i - 2].n < 60 ? r->t.v[i - 2].n : 60),
			r->t.v[i - 2].s);
	for (uint32_t j = i; j-- > 0;) {
		depth += token_op(r, j, ')') || token_op(r, j, '}') || token_op(r, j, ']');
		if (token_op(r, j, '(') || token_op(r, j, '{') || token_op(r, j, '[')) {
			if (depth--)
				continue;
			if (token_op(r, j, '[') || !j)
				return false;
			depth = 0;
			if (token_op(r, j, '{')) {
				if (p->in_table)
					return false; /* two deep: nothing is known of it */
				p->in_table = true;
				p->arg = 1;
			}
			p->first = j + 1;
			if (r->t.v[j - 1].kind == TOK_NAME && !token_is(r, j - 1, "return")) {
				p->first = token_op(r, j, '{') ? j : j + 1;
				set_callee(r, j - 1, p);
				return true;
			}
			if (!token_op(r, j, '{'))
				return false;
			if (!*p->key && token_op(r, j - 1, '=') && j >= 2) /* a list of alternatives */
				snprintf(p->key, sizeof(p->key), "%.*s",
					(int)(r->t.v[j - 2].n < 60 ? r->t.v[j - 2].n : 60), r->t.v[j - 2].s);
			if (token_op(r, j - 1, '='))
				p->in_table = false;
		} else if (!depth && token_op(r, j, ',')) {
			p->arg++;
		}
	}
	return false;
}
