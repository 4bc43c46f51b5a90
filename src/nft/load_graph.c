// SPDX-License-Identifier: GPL-2.0-or-later
/* Jumps in a circle, or through too many chains. The kernel looks for them when a batch ends: it does not
 * find those of a new table in a batch that is only checked, and says no more than an errno. So the file's
 * own jumps are followed here, from base chains on, as far as the file makes the table. */
#include <errno.h>

#include "nft/load_impl.h"

#define JUMPS_MAX 15 /* one behind the other, as the kernel has it */

struct edge {
	uint32_t cmd;
	struct vertex *to;
};
struct vertex { /* a chain, or with @ in front a map of verdicts */
	uint8_t family;
	char *table, *name;
	bool base, path, done;
	unsigned height; /* jumps on the longest way from here, once it is done */
	VEC(struct edge) edges;
};
struct graph {
	struct load *l;
	struct hmap vertices;
	VEC(struct vertex *) all;
	const struct vertex *way[2 * JUMPS_MAX + 4];
	unsigned n_way;
};

struct vertex_key {
	uint8_t family;
	const char *table, *name;
};

static bool vertex_is(const void *item, const void *key)
{
	const struct vertex *v = item;
	const struct vertex_key *k = key;

	return v->family == k->family && !strcmp(v->table, k->table) && !strcmp(v->name, k->name);
}

static struct vertex *vertex(struct graph *g, const struct file_cmd *cmd, const char *name)
{
	struct vertex_key k = { cmd->family, cmd->table, name };
	uint64_t hash = hash_mix(hash_mix(hash_str(k.table), hash_str(name)), k.family);
	struct vertex *v = hmap_find(&g->vertices, hash, vertex_is, &k);

	if (v)
		return v;
	v = xnew(struct vertex);
	v->family = k.family;
	v->table = xstrdup(k.table);
	v->name = xstrdup(name);
	hmap_put(&g->vertices, hash, v);
	vec_push(&g->all, v);
	return v;
}

static struct vertex *map_vertex(struct graph *g, const struct file_cmd *cmd, const char *name)
{
	_autofree_ char *key = xasprintf("@%s", name);

	return vertex(g, cmd, key);
}

static void graph_free(struct graph *g)
{
	vec_foreach (v, &g->all) {
		vec_free(&(*v)->edges);
		free((*v)->table);
		free((*v)->name);
		free(*v);
	}
	vec_free(&g->all);
	hmap_free(&g->vertices);
}

/* ---- what the file says ---- */

static void read_rule(struct graph *g, uint32_t i, const struct file_cmd *cmd)
{
	struct load *l = g->l;
	struct ast_rule *ast = NULL;
	struct code *code = NULL;
	_err_ struct err e = ERR_INIT;
	struct vertex *from;

	know_table(l, cmd->family, cmd->table);
	l->env.family = cmd->family;
	if (file_rule(l->f, cmd, &ast, &e) < 0)
		return;
	if (rule_compile(ast, &l->env, &code, &e) == 0 && code->refs.n) {
		from = vertex(g, cmd, cmd->name);
		vec_foreach (r, &code->refs) {
			struct edge edge = { .cmd = i };

			if (r->kind != REF_CHAIN && r->kind != REF_SET)
				continue;
			edge.to =
				r->kind == REF_CHAIN ? vertex(g, cmd, r->name) : map_vertex(g, cmd, r->name);
			vec_push(&from->edges, edge);
		}
	}
	code_free(code);
	ast_put(ast);
}

struct elems_ctx {
	struct graph *g;
	const struct file_cmd *cmd;
	const struct set_info *info;
	struct vertex *from;
	uint32_t i;
};

static int read_elem(void *ctx, struct ast_rule *holder, const struct node *el)
{
	struct elems_ctx *c = ctx;
	struct exprs exprs = { 0 };
	struct setelem out;
	_err_ struct err e = ERR_INIT;

	if (elem_compile(holder, el, c->info, &c->g->l->env, &out, &exprs, &e) == 0 && out.verdict &&
		*out.target)
		vec_push(&c->from->edges, (struct edge){ c->i, vertex(c->g, c->cmd, out.target) });
	exprs_free(&exprs);
	return 0;
}

static void read_elems(struct graph *g, uint32_t i, const struct file_cmd *cmd)
{
	struct ktable *t = know_table(g->l, cmd->family, cmd->table);
	struct kset *s = know_set(g->l, t, cmd->name);
	struct elems_ctx c = { .g = g, .cmd = cmd, .i = i };
	_err_ struct err e = ERR_INIT;

	if (!s || !nft_type_is_verdict(&s->want.info.data))
		return;
	c.info = &s->want.info;
	c.from = map_vertex(g, cmd, cmd->name);
	file_elems(g->l->f, cmd, &s->want.info.key, read_elem, &c, &e);
}

/* Of a command that deletes or flushes: what it takes away. */
static void forget(struct graph *g, const struct file_cmd *cmd)
{
	vec_foreach (it, &g->all) {
		struct vertex *v = *it;
		bool family = v->family == cmd->family || cmd->family == NFPROTO_UNSPEC;
		bool table = !cmd->table || !strcmp(v->table, cmd->table);

		if (!family || !table)
			continue;
		if (cmd->what == FILE_RULESET || cmd->what == FILE_TABLE ||
			(cmd->what == FILE_CHAIN && cmd->name && !strcmp(v->name, cmd->name))) {
			vec_clear(&v->edges);
			v->base = v->base && cmd->op == FILE_FLUSH && cmd->what != FILE_RULESET;
		}
	}
}

static void read_cmd(struct graph *g, uint32_t i, const struct file_cmd *cmd)
{
	bool adds = cmd->op == FILE_ADD || cmd->op == FILE_CREATE || cmd->op == FILE_INSERT ||
		    cmd->op == FILE_REPLACE;

	if (!adds) {
		if ((cmd->op == FILE_DELETE || cmd->op == FILE_DESTROY || cmd->op == FILE_FLUSH) &&
			cmd->what <= FILE_CHAIN)
			forget(g, cmd);
	} else if (cmd->what == FILE_RULE) {
		read_rule(g, i, cmd);
	} else if (cmd->what == FILE_ELEMENTS) {
		read_elems(g, i, cmd);
	} else if (cmd->what == FILE_CHAIN && cmd->chain && cmd->chain->base) {
		vertex(g, cmd, cmd->name)->base = true;
	}
}

/* ---- ways ---- */

static void blame(struct graph *g, const struct edge *edge, bool circle)
{
	const struct file_cmd *cmd = file_cmd(g->l->f, edge->cmd);
	_buf_ struct buf way = BUF_INIT;
	_err_ struct err e = ERR_INIT;
	bool in = !circle;

	for (unsigned i = 0; i < g->n_way; i++) {
		in |= g->way[i] == edge->to;
		if (in && *g->way[i]->name != '@')
			buf_printf(&way, "%s → ", g->way[i]->name);
	}
	buf_puts(&way, edge->to->name);
	file_error(g->l->f, cmd, &e, -EMLINK,
		circle ? "the jumps go in a circle: %s" : "the jumps go through too many chains: %s",
		buf_str(&way));
	errlist_add(g->l->errs, cmd->file, cmd->pos, &e);
}

/* depth: jumps so far. false: there was something wrong, and it was told. */
static bool visit(struct graph *g, struct vertex *v, unsigned depth)
{
	if (v->done && depth + v->height <= JUMPS_MAX)
		return true;
	v->path = true;
	g->way[g->n_way++] = v;
	v->height = 0;
	vec_foreach (edge, &v->edges) {
		unsigned jumps = *edge->to->name != '@';

		if (edge->to->path || depth + jumps > JUMPS_MAX) {
			blame(g, edge, edge->to->path);
			return false;
		}
		if (!visit(g, edge->to, depth + jumps))
			return false;
		if (v->height < edge->to->height + jumps)
			v->height = edge->to->height + jumps;
	}
	g->n_way--;
	v->path = false;
	v->done = true;
	return true;
}

bool load_graph_ok(struct load *l)
{
	struct graph g = { .l = l };
	bool ok = true;

	for (uint32_t i = 0; i < file_cmds(l->f); i++)
		read_cmd(&g, i, file_cmd(l->f, i));
	for (uint32_t i = 0; ok && i < g.all.n; i++)
		if (g.all.v[i]->base)
			ok = visit(&g, g.all.v[i], 0);
	graph_free(&g);
	return ok;
}
