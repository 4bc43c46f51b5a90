// SPDX-License-Identifier: GPL-2.0-or-later
/* The kernel's nf_tables of a simulation: what rnm commits to it, and what others do to it. */
#include <errno.h>
#include <lauxlib.h>
#include <stdio.h>
#include <string.h>

#include "nft/load.h"
#include "testing/sim.h"

static bool op_refused(struct sim *s, const struct plan *p, struct op *op)
{
	struct plan one = { .rs = p->rs };
	_buf_ struct buf text = BUF_INIT;
	bool hit = false;

	vec_push(&one.ops, *op);
	plan_text(&one, PLAN_BARE, &text);
	vec_free(&one.ops);
	vec_foreach (r, &s->refuse)
		hit |= strstr(buf_str(&text), *r) != NULL;
	return hit;
}

/* What the spec has the kernel refuse. */
static int refused(struct sim *s, const struct plan *p, struct commit_result *r, struct err *e)
{
	*r = (struct commit_result){ .handles_known = true };
	r->op_err = xcalloc(p->ops.n + 1, sizeof(*r->op_err));
	for (uint32_t i = 0; i < p->ops.n; i++)
		if (op_refused(s, p, &p->ops.v[i])) {
			r->op_err[i] = -EINVAL;
			r->error = -EBADMSG;
		}
	if (r->error)
		return err_set(e, r->error, "refused");
	commit_result_free(r);
	return 0;
}

static int op_commit(void *ctx, const struct plan *p, bool dry, struct commit_result *r, struct err *e)
{
	struct sim *s = ctx;
	int rc = s->refuse.n ? refused(s, p, r, e) : 0;

	if (rc == 0)
		rc = nft_commit(s->conn, p, dry, r, e);
	if (rc == 0 && !dry) {
		_buf_ struct buf text = BUF_INIT;

		plan_text(p, PLAN_BARE, &text);
		vec_push(&s->batches, (struct sim_batch){ .text = xstrdup(buf_str(&text)) });
	}
	return rc;
}

static int op_rule_handles(
	void *ctx, const struct obj *chain, uint64_t **handles, uint64_t **ids, struct err *e)
{
	struct sim *s = ctx;

	return nft_rule_handles(
		s->conn, obj_family(chain), obj_table(chain), obj_name(chain), handles, ids, e);
}

static void kernel_table(void *ctx, const struct table_seen *t)
{
	struct sim *s = ctx;

	ruleset_kernel_table(engine_ruleset(s->en), t);
}

static int op_read_tables(void *ctx, struct err *e)
{
	struct sim *s = ctx;
	int rc = nft_tables(s->conn, kernel_table, s, e);

	if (rc == 0 && !s->found_attached) {
		rc = ruleset_find_attached(engine_ruleset(s->en), s->conn, e);
		s->found_attached = rc == 0;
	}
	return rc;
}

static int op_read_back(void *ctx, struct read_back *found, struct err *e)
{
	struct sim *s = ctx;

	return ruleset_read_back(engine_ruleset(s->en), s->conn, found, e);
}

static int op_set_read(
	void *ctx, struct obj *set, void (*fn)(void *c, const struct setelem *el), void *c, struct err *e)
{
	struct sim *s = ctx;
	const struct set_info *info = obj_set_info(set);

	if (!info)
		return err_set(e, -ENOENT, "set %s has no type yet", obj_name(set));
	return nft_set_read(s->conn, obj_family(set), obj_table(set), info, fn, c, e);
}

static void op_attach_look(void *ctx, struct obj *set)
{
	ruleset_attach_look(((struct sim *)ctx)->conn, set, NULL);
}

static int op_object_read(
	void *ctx, struct obj *o, void (*fn)(void *c, const struct object_want *o), void *c, struct err *e)
{
	return ruleset_object_read(((struct sim *)ctx)->conn, o, fn, c, e);
}

void sim_kernel_ops(struct sim *s, struct engine_ops *ops)
{
	ops->commit = op_commit;
	ops->rule_handles = op_rule_handles;
	ops->read_tables = op_read_tables;
	ops->read_back = op_read_back;
	ops->set_read = op_set_read;
	ops->attach_look = op_attach_look;
	ops->object_read = op_object_read;
	s->found_attached = false;
}

void sim_kernel_init(struct sim *s)
{
	s->wire = (struct nft_wire){ &s->kernel, nfkernel_message, nfkernel_dump };
	s->conn = nft_conn_over("rnm", &s->wire);
	s->others = nft_conn_over("", &s->wire);
}

void sim_kernel_free(struct sim *s)
{
	nft_conn_free(s->conn);
	nft_conn_free(s->others);
	nfkernel_free(&s->kernel);
}

/* ---- others ---- */

struct output {
	FILE *to;
	char *text;
	size_t n;
};

static int run(struct sim *s, const char *text, size_t n, struct output *out, struct errlist *errs)
{
	struct nft_file_opts fo = { 0 };
	struct load_opts lo = { .out = out->to };
	struct nft_file *f = nft_file_parse("nft", text, n, &fo, errs);
	int rc;

	if (!f)
		return -EINVAL;
	rc = nft_load(s->others, f, &lo, NULL, errs);
	nft_file_free(f);
	return rc;
}

/* Only what happened to tables that matter is told, as the watch does. */
static void hears(struct sim *s, struct nft_generation *g)
{
	uint32_t n = 0;

	vec_foreach (c, &g->changes) {
		if (engine_nft_cares(s->en, c->family, c->table)) {
			g->changes.v[n++] = *c;
			continue;
		}
		free(c->table);
		free(c->name);
	}
	g->changes.n = n;
	g->id = s->kernel.genid;
	if (n && s->started)
		engine_nft_changed(s->en, g);
}

/* sim:nft(text, pid, process): commands of nft's language by somebody else; returns what they print */
static int sim_nft(lua_State *L)
{
	struct sim *s = sim_check(L);
	size_t n;
	const char *text = luaL_checklstring(L, 2, &n);
	struct nft_generation g = { .pid = (uint32_t)luaL_optinteger(L, 3, 4242) };
	struct output out = { 0 };
	struct errlist errs = { 0 };
	struct buf why = BUF_INIT;
	int rc;

	snprintf(g.process, sizeof(g.process), "%s", luaL_optstring(L, 4, "nft"));
	out.to = open_memstream(&out.text, &out.n);
	sim_quiet(s);
	s->kernel.told = &g;
	rc = run(s, text, n, &out, &errs);
	s->kernel.told = NULL;
	fclose(out.to);
	if (rc == 0)
		hears(s, &g);
	nft_generation_free(&g);
	errlist_text(&errs, &why);
	errlist_free(&errs);
	sim_end(s, rc);
	if (rc < 0)
		lua_pushnil(L);
	lua_pushstring(L, rc < 0 ? buf_str(&why) : out.text);
	free(out.text);
	buf_free(&why);
	return rc < 0 ? 2 : 1;
}

const luaL_Reg sim_others[] = { { "nft", sim_nft }, { NULL, NULL } };
