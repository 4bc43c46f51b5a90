// SPDX-License-Identifier: GPL-2.0-or-later
/* TAB at the prompt: candidates from what the state holds, what the network and the ruleset hold, and what
 * the API is. */
#include <stdio.h>
#include <string.h>

#include "script/complete.h"
#include "script/evals.h"
#include "script/handle.h"

/* ---- in a string ---- */

/* The text of a string among the arguments; NULL: there is none. */
static char *arg_text(const struct reading *r, const struct place *at, unsigned arg)
{
	const struct token *t =
		at->first + 2 * (arg - 1) < r->t.n ? &r->t.v[at->first + 2 * (arg - 1)] : NULL;

	return t && t->kind == TOK_STRING && t->n < 256 ? xstrndup(t->s, t->n) : NULL;
}

static const struct {
	const char *method;
	int kind;
} members[] = { { "chain", OBJ_CHAIN }, { "set", OBJ_SET }, { "map", OBJ_SET },
	{ "flowtable", OBJ_FLOWTABLE }, { "counter", OBJ_STATEFUL + NFT_OBJECT_COUNTER },
	{ "quota", OBJ_STATEFUL + NFT_OBJECT_QUOTA }, { "limit", OBJ_STATEFUL + NFT_OBJECT_LIMIT },
	{ "synproxy", OBJ_STATEFUL + NFT_OBJECT_SYNPROXY } };

static bool kind_of_call(const struct place *at, enum net_kind *kind)
{
	if (query_kind(at->name, kind))
		return true;
	*kind = at->receiver.net;
	return !strcmp(at->name, "query:where") && at->receiver.has_net;
}

static int event_of_call(const struct reading *r, const struct place *at)
{
	_autofree_ char *name = strcmp(at->name, "rnm.on") ? NULL : arg_text(r, at, 1);

	return name ? event_find(name, strlen(name)) : -1;
}

static void spec_value(struct pick *p, const struct place *at)
{
	const char *key = at->key;

	if (!strcmp(key, "type") && strstr(at->name, ":chain"))
		ADD(p, "filter", "nat", "route");
	else if (!strcmp(key, "hook"))
		ADD(p, "prerouting", "input", "forward", "output", "postrouting", "ingress", "egress");
	else if (!strcmp(key, "priority"))
		ADD(p, "raw", "mangle", "dstnat", "filter", "security", "srcnat");
	else if (!strcmp(key, "policy"))
		ADD(p, "accept", "drop");
	else if (!strcmp(key, "flags"))
		ADD(p, "interval", "timeout", "constant", "dynamic");
	else if (!strcmp(key, "device") || !strcmp(key, "devices"))
		pick_links(p);
}

static void in_string(struct pick *p, uint32_t i)
{
	struct reading *r = &p->r;
	struct place at;
	enum net_kind kind;
	int event;

	if (!arg_place(r, i, &at))
		return;
	if (at.in_table) {
		event = event_of_call(r, &at);
		if (kind_of_call(&at, &kind))
			pick_values(p, kind, at.key);
		else if (event >= 0 && !strcmp(at.key, "action"))
			ADD(p, "add", "change", "del");
		else if (event >= 0 && event_kind((enum event_id)event) >= 0)
			pick_values(p, (enum net_kind)event_kind((enum event_id)event), at.key);
		else if (event == EV_MESSAGE && !strcmp(at.key, "topic"))
			pick_topics(p);
		else
			spec_value(p, &at);
		return;
	}
	if ((!strcmp(at.name, "nft.table") || !strcmp(at.name, "nft.attach")) && at.arg == 1) {
		pick_families(p);
	} else if (!strcmp(at.name, "nft.table") || !strcmp(at.name, "nft.attach")) {
		_autofree_ char *family = arg_text(r, &at, 1),
				*table = at.arg == 3 ? arg_text(r, &at, 2) : NULL;

		pick_names(p, at.arg == 2 ? OBJ_TABLE : OBJ_SET, family, table);
	} else if (!strcmp(at.name, "net.link")) {
		pick_links(p);
	} else if (!strcmp(at.name, "rnm.on") && at.arg == 1) {
		pick_events(p, "");
	} else if (!strcmp(at.name, "rnm.emit") && at.arg == 1) {
		pick_topics(p);
	} else if (!strcmp(at.name, "help")) {
		pick_help(p);
	} else if (at.method && at.arg == 1) {
		const char *method = strchr(at.name, ':') + 1;

		for (size_t m = 0; m < ARRAY_SIZE(members); m++)
			if (!strcmp(members[m].method, method) &&
				(at.receiver.known != KNOWN_API || !strcmp(at.receiver.api, "table")))
				pick_members(p, members[m].kind, &at.receiver);
	}
}

/* ---- outside of strings ---- */

static void member_names(struct pick *p, struct what *w, char sep)
{
	switch (w->known) {
	case KNOWN_NOTHING: return;
	case KNOWN_API:
		pick_api(p, w->api, ':');
		if (sep == '.')
			pick_api(p, w->api, '.');
		return;
	case KNOWN_RECORD:
		if (sep == '.')
			pick_fields(p, w->net);
		return;
	case KNOWN_EVENT:
		if (sep == '.')
			pick_event_fields(p, w->event);
		return;
	case KNOWN_STATE:
		for (uint32_t i = 0; sep == '.' && w->node->kind == SN_TABLE && i < w->node->e.n; i++) {
			const struct state_key *k = &w->node->e.v[i].key;

			if (k->s && pick_identifier(k->s, k->n))
				pick(p, k->s, k->n);
		}
		return;
	case KNOWN_LUA:
		if (lua_type(p->r.L, w->at) == LUA_TTABLE) {
			pick_keys(p, w->at, sep == ':');
		} else if (lua_type(p->r.L, w->at) == LUA_TSTRING && sep == ':') {
			lua_pushglobaltable(p->r.L);
			lua_pushliteral(p->r.L, "string");
			lua_rawget(p->r.L, -2);
			if (lua_istable(p->r.L, -1))
				pick_keys(p, lua_gettop(p->r.L), true);
		}
		return;
	}
}

static void spec_keys(struct pick *p, const char *name)
{
	const char *method = strchr(name, ':');

	if (!strcmp(name, "nft.table"))
		ADD(p, "flags", "comment");
	else if (!method)
		return;
	else if (!strcmp(method, ":chain"))
		ADD(p, "type", "hook", "priority", "policy", "device", "devices", "comment");
	else if (!strcmp(method, ":set") || !strcmp(method, ":map"))
		ADD(p, "type", "typeof", "flags", "timeout", "gc_interval", "size", "policy", "auto_merge",
			"stateful", "elements", "comment");
	else if (!strcmp(method, ":flowtable"))
		ADD(p, "hook", "priority", "device", "devices", "flags", "counter");
	else if (!strcmp(method, ":add"))
		ADD(p, "timeout", "comment");
}

/* The name of a field in a table that is an argument. False: this is no such place. */
static bool table_key(struct pick *p, uint32_t i)
{
	struct reading *r = &p->r;
	struct place at;
	enum net_kind kind;
	int event;

	if (!(token_op(r, i - 1, '{') || token_op(r, i - 1, ',')) || !arg_place(r, i, &at) || !at.in_table)
		return false;
	event = event_of_call(r, &at);
	if (kind_of_call(&at, &kind)) {
		pick_fields(p, kind);
		pick_text(p, "lifetimes");
	} else if (event >= 0 && event_kind((enum event_id)event) >= 0) {
		pick_fields(p, (enum net_kind)event_kind((enum event_id)event));
		ADD(p, "action", "lifetimes");
	} else if (event == EV_MESSAGE) {
		pick_text(p, "topic");
	} else {
		spec_keys(p, at.name);
	}
	return p->out->words.n > 0;
}

static void add_locals(struct pick *p, uint32_t before)
{
	const struct reading *r = &p->r;

	for (uint32_t i = 0; i < before; i++) {
		bool declares =
			token_is(r, i, "local") || token_is(r, i, "function") || token_is(r, i, "for");

		for (uint32_t j = i + 1; declares && j < before; j++) {
			const struct token *t = &r->t.v[j];

			if (t->kind == TOK_NAME && !token_is(r, j, "function"))
				pick(p, t->s, t->n);
			else if (!token_op(r, j, ',') && !token_op(r, j, '(') && t->kind != TOK_NAME)
				break;
			if (token_is(r, j, "in"))
				break;
		}
	}
}

static void plain_name(struct pick *p, uint32_t i)
{
	if (token_is(&p->r, i - 1, "function")) {
		pick_events(p, "on_");
		return;
	}
	if (table_key(p, i))
		return;
	ADD(p, "net", "nft", "rnm", "help", "print", "pairs", "ipairs", "tostring", "tonumber", "type",
		"string", "table", "math", "utf8", "os");
	if (p->n) /* not for nothing at all */
		ADD(p, "and", "break", "do", "else", "elseif", "end", "false", "for", "function", "if", "in",
			"local", "nil", "not", "or", "repeat", "return", "then", "true", "until", "while");
	add_locals(p, i);
	if (!p->r.L)
		return;
	lua_pushglobaltable(p->r.L);
	pick_keys(p, lua_gettop(p->r.L), false);
}

static void in_code(struct pick *p, const char *text, size_t n)
{
	struct reading *r = &p->r;
	uint32_t i = r->t.n; /* the place of the name that is typed */
	struct what w;

	if (i && r->t.v[i - 1].kind == TOK_NAME && r->t.v[i - 1].s + r->t.v[i - 1].n == text + n) {
		i--;
		p->prefix = r->t.v[i].s;
		p->n = r->t.v[i].n;
	} else if (i && r->t.v[i - 1].kind == TOK_NUMBER && r->t.v[i - 1].s + r->t.v[i - 1].n == text + n) {
		return;
	}
	p->out->from = n - p->n;
	if (token_op(r, i - 1, '.') || token_op(r, i - 1, ':')) {
		w = expr_at(r, i - 2);
		member_names(p, &w, r->t.v[i - 1].op);
	} else {
		plain_name(p, i);
	}
}

/* ---- commands of the prompt, and of the shell ---- */

static void in_command(struct pick *p, const char *text, size_t n)
{
	size_t word = strcspn(text, " "), last = n;
	unsigned words = 0;
	const char *at = text + word;
	char given[3][64] = { "", "", "" };

	while (last && text[last - 1] != ' ')
		last--;
	p->prefix = text + last;
	p->n = n - last;
	p->out->from = last;
	while (at < text + last && words < 3) {
		size_t len;

		at += strspn(at, " ");
		len = strcspn(at, " ");
		if (at >= text + last || !len)
			break;
		snprintf(given[words++], sizeof(given[0]), "%.*s", (int)(len < 63 ? len : 63), at);
		at += len;
	}
	if (!last)
		return;
	if (!strncmp(text, ":pack ", 6)) {
		pick_packs(p);
	} else if (!strncmp(text, ":help ", 6)) {
		pick_help(p);
	} else if (!strncmp(text, ":undo ", 6)) {
		pick_text(p, "all");
		vec_foreach (pk, &p->r.s->packs)
			vec_foreach (ev, &(*pk)->evals) {
				_autofree_ char *id = xasprintf("#%u", (*ev)->id);

				pick_text(p, id);
			}
	} else if (!strncmp(text, ":emit ", 6) && !words) {
		pick_topics(p);
	} else if (!strncmp(text, ":list ", 6) || !strncmp(text, ":why ", 5)) {
		if (!words) {
			pick_families(p);
			if (text[1] == 'w') {
				pick_names(p, -1, NULL, NULL);
				pick_values(p, NET_ADDR, "address");
			}
		} else {
			pick_names(p, words == 1 ? OBJ_TABLE : -1, given[0], words == 2 ? given[1] : NULL);
		}
	}
}

/* ---- all together ---- */

struct request {
	struct pick p;
	const char *text;
	size_t n;
};

static void read_it(struct request *rq)
{
	struct pick *p = &rq->p;
	uint32_t last;

	if (!read_tokens(rq->text, rq->n, &p->r.t))
		return;
	last = p->r.t.n - 1;
	if (p->r.t.n && p->r.t.v[last].kind == TOK_OPEN) {
		p->prefix = p->r.t.v[last].s;
		p->n = p->r.t.v[last].n;
		p->out->from = rq->n - p->n;
		in_string(p, last);
	} else {
		in_code(p, rq->text, rq->n);
	}
}

static int call_read(lua_State *L)
{
	struct request *rq = lua_touserdata(L, 1);

	rq->p.r.L = L;
	read_it(rq);
	return 0;
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void settle(struct completion *c)
{
	uint32_t left = 0;

	if (c->words.n)
		qsort(c->words.v, c->words.n, sizeof(*c->words.v), by_text);
	for (uint32_t i = 0; i < c->words.n; i++) {
		if (left && !strcmp(c->words.v[left - 1], c->words.v[i])) {
			free(c->words.v[i]);
		} else if (left == COMPLETIONS_MAX) {
			free(c->words.v[i]);
			c->more++;
		} else {
			c->words.v[left++] = c->words.v[i];
		}
	}
	c->words.n = left;
}

void completion_free(struct completion *c)
{
	vec_foreach (w, &c->words)
		free(*w);
	vec_free(&c->words);
}

void script_complete(struct script *s, const char *pack, const char *text, size_t n, struct completion *out)
{
	static const struct vm_limits limits = { 1000000, 200000000 };
	struct request rq = { .p = { .r = { .s = s }, .out = out, .prefix = text }, .text = text, .n = n };
	_err_ struct err e = ERR_INIT;

	*out = (struct completion){ .from = n };
	vec_foreach (pk, &s->packs)
		if (!strcmp((*pk)->spec.name, pack ? pack : "console"))
			rq.p.r.pk = *pk;
	if (n && *text == ':')
		in_command(&rq.p, text, n);
	else if (rq.p.r.pk && rq.p.r.pk->vm)
		vm_enter(rq.p.r.pk->vm, call_read, &rq, &limits, &e);
	else
		read_it(&rq);
	vec_free(&rq.p.r.t);
	settle(out);
}
