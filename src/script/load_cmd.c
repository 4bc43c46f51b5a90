// SPDX-License-Identifier: GPL-2.0-or-later
/* What each command of a text states: objects, and specs of declarations. Commands that do something instead
 * of saying what is are refused, but for those that every /etc/nftables.conf begins with. */
#include <errno.h>
#include <linux/netfilter.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>

#include "script/handle.h"
#include "script/load.h"

struct prep {
	struct load *l;
	struct loaded *ld;
	struct hmap tables, sets; /* struct seen by object */
	VEC(struct seen *) all;
	bool content; /* something but empty tables stands before */
	bool said;    /* that a flush says nothing */
	VEC(struct lines *) lines;
};

struct lines { /* where the lines of a source begin, but the first */
	VEC(uint32_t) at;
};

struct seen {
	const struct obj *o;
	uint32_t decl;    /* sets: 1 + the command that gives the type */
	uint32_t last;    /* tables: 1 + the last command that declares them */
	uint32_t cleared; /* tables: 1 + the last command that empties them */
	bool content;
};

static bool seen_eq(const void *item, const void *key)
{
	return ((const struct seen *)item)->o == key;
}

static struct seen *seen_of(struct prep *p, struct hmap *m, const struct obj *o)
{
	uint64_t hash = hash_bytes(&o, sizeof(o));
	struct seen *s = hmap_find(m, hash, seen_eq, o);

	if (s)
		return s;
	s = xnew(struct seen);
	s->o = o;
	hmap_put(m, hash, s);
	vec_push(&p->all, s);
	return s;
}

static void wrong(struct load *l, const struct file_cmd *cmd, struct err *e)
{
	errlist_add(&l->errs, cmd->file, cmd->pos, e);
}

static void refuse(struct prep *p, const struct file_cmd *cmd, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static void refuse(struct prep *p, const struct file_cmd *cmd, const char *fmt, ...)
{
	struct err e = ERR_INIT;
	char msg[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(msg, sizeof(msg), fmt, ap);
	va_end(ap);
	file_error(p->ld->f, cmd, &e, -EINVAL, "%s", msg);
	wrong(p->l, cmd, &e);
}

/* ---- specs ---- */

static void comment_of(struct spec *sp, const char *text)
{
	if (!text)
		return;
	sp->comment = xstrdup(text);
	sp->given |= SPEC_COMMENT;
}

/* A live value alone follows itself; beside other names they follow together. */
static int devices_of(struct load *l, const struct node *list, struct spec *sp, struct err *e)
{
	struct mix_items items = { 0 };
	bool live = false;
	int rc = 0;

	if (!list)
		return 0;
	for (const struct node *n = list; n && rc == 0; n = n->next) {
		const struct val *v = n->kind == N_PARAM ? load_value(l, n->s) : NULL;
		struct val name = v ? val_copy(v) : val_string(n->s, strlen(n->s));

		if (n->kind == N_PARAM && !v)
			rc = err_set(e, -EINVAL, "$%s has no value", n->s);
		else if (name.kind != VAL_LIVE && (name.kind != VAL_STRING || strlen(name.str) >= IFNAMSIZ))
			rc = err_set(e, -EINVAL, "a device has a name of 1 to %d bytes", IFNAMSIZ - 1);
		live |= name.kind == VAL_LIVE;
		vec_push(&items, (struct mix_item){ .key = name });
	}
	if (rc == 0 && live && items.n > 1) {
		sp->devices =
			(struct val){ .kind = VAL_LIVE, .live = live_mix(l->pk->s, &items), .owned = true };
	} else if (rc == 0 && live) {
		sp->devices = items.v[0].key;
		items.v[0].key = (struct val){ 0 };
	} else if (rc == 0) {
		sp->devices = (struct val){ .kind = VAL_LIST, .n = items.n };
		sp->devices.list = xcalloc(items.n, sizeof(struct val));
		for (uint32_t i = 0; i < items.n; i++) {
			sp->devices.list[i] = items.v[i].key;
			items.v[i].key = (struct val){ 0 };
		}
	}
	sp->given |= SPEC_DEVICES;
	vec_foreach (it, &items)
		val_free(&it->key);
	vec_free(&items);
	return rc;
}

static int chain_spec(struct load *l, const struct file_cmd *cmd, const struct chain_decl *d, struct spec *sp,
	struct err *e)
{
	const char *hook;

	comment_of(sp, d->comment);
	if (d->has_policy) {
		sp->policy = d->policy;
		sp->given |= SPEC_POLICY;
	}
	if (d->flags) {
		sp->flags = d->flags;
		sp->given |= SPEC_FLAGS;
	}
	if (!d->base)
		return 0;
	hook = nft_hook_name(cmd->family, d->hook);
	if (!hook)
		return err_set(e, -EINVAL, "this family has no such hook");
	sp->hook = xstrdup(hook);
	sp->priority = xasprintf("%d", d->priority);
	snprintf(sp->chain_type, sizeof(sp->chain_type), "%s", d->type);
	sp->given |= SPEC_TYPE | SPEC_HOOK | SPEC_PRIORITY;
	return devices_of(l, d->devices, sp, e);
}

static int set_spec(struct load *l, const struct set_decl *d, struct spec *sp, struct err *e)
{
	const uint32_t said = NFT_SET_CONSTANT | NFT_SET_INTERVAL | NFT_SET_TIMEOUT | NFT_SET_EVAL;
	_buf_ struct buf words = BUF_INIT;
	int rc;

	comment_of(sp, d->comment);
	if (d->is_map)
		sp->flags = NFT_SET_MAP;
	if (d->given & SETD_TYPE) {
		sp->key = d->key;
		sp->given |= SPEC_TYPE;
		sp->typeof_text = d->typeof_text ? xstrdup(d->typeof_text) : NULL;
		if (d->is_map) {
			sp->data = d->data;
			sp->obj_type = d->obj_type;
			sp->given |= SPEC_DATA;
		}
	}
	if (d->given & SETD_FLAGS) {
		sp->flags |= d->flags & said;
		sp->given |= SPEC_FLAGS;
	}
	if (d->given & SETD_TIMEOUT) {
		sp->timeout_ms = d->timeout_ms;
		sp->given |= SPEC_TIMEOUT;
	}
	if (d->given & SETD_GC) {
		sp->gc_ms = d->gc_ms;
		sp->given |= SPEC_GC;
	}
	if (d->given & SETD_SIZE) {
		sp->size = d->size;
		sp->given |= SPEC_SIZE;
	}
	if (d->given & SETD_POLICY) {
		sp->policy = d->policy;
		sp->given |= SPEC_POLICY;
	}
	if (d->auto_merge) {
		sp->auto_merge = true;
		sp->given |= SPEC_AUTO_MERGE;
	}
	if (!d->stateful)
		return 0;
	rc = stateful_words(l, d->stateful, &words, e);
	if (rc < 0)
		return rc;
	sp->stateful = buf_take(&words);
	sp->given |= SPEC_STATEFUL;
	return 0;
}

static int flow_spec(struct load *l, const struct flowtable_decl *d, struct spec *sp, struct err *e)
{
	if (d->has_hook) {
		const char *hook = nft_hook_name(NFPROTO_NETDEV, d->hook);

		if (!hook)
			return err_set(e, -EINVAL, "a flowtable has no such hook");
		sp->hook = xstrdup(hook);
		sp->priority = xasprintf("%d", d->priority);
		sp->given |= SPEC_HOOK | SPEC_PRIORITY;
	}
	if (d->flags) {
		sp->flags = d->flags;
		sp->given |= SPEC_FLAGS;
	}
	return devices_of(l, d->devices, sp, e);
}

static int spec_of(struct load *l, const struct file_cmd *cmd, struct spec *sp, struct err *e)
{
	switch ((enum file_what)cmd->what) {
	case FILE_TABLE:
		comment_of(sp, cmd->decl_table.comment);
		if (cmd->decl_table.has_flags) {
			sp->flags = cmd->decl_table.flags;
			sp->given |= SPEC_FLAGS;
		}
		return 0;
	case FILE_CHAIN: return cmd->chain ? chain_spec(l, cmd, cmd->chain, sp, e) : 0;
	case FILE_SET: return cmd->set ? set_spec(l, cmd->set, sp, e) : 0;
	case FILE_FLOWTABLE: return cmd->flow ? flow_spec(l, cmd->flow, sp, e) : 0;
	case FILE_OBJECT:
		if (cmd->object)
			spec_object(sp, cmd->object);
		return 0;
	case FILE_RULESET:
	case FILE_RULE:
	case FILE_ELEMENTS:
	case FILE_SWITCH:
	case FILE_DISABLED: break;
	}
	return 0;
}

/* ---- objects ---- */

static const char *table_name(const struct file_cmd *cmd)
{
	return cmd->table ? cmd->table : cmd->name;
}

static struct obj *table_of(struct prep *p, const struct file_cmd *cmd)
{
	return obj_get(p->l->pk->s->rs, OBJ_TABLE, cmd->family, NULL, table_name(cmd));
}

static struct obj *object_of(struct prep *p, const struct file_cmd *cmd)
{
	unsigned kind = OBJ_CHAIN;

	switch ((enum file_what)cmd->what) {
	case FILE_RULESET:
	case FILE_SWITCH:
	case FILE_DISABLED:
	case FILE_TABLE: return table_of(p, cmd);
	case FILE_CHAIN:
	case FILE_RULE: break;
	case FILE_SET:
	case FILE_ELEMENTS: kind = OBJ_SET; break;
	case FILE_OBJECT: kind = OBJ_STATEFUL + cmd->obj_type; break;
	case FILE_FLOWTABLE: kind = OBJ_FLOWTABLE; break;
	}
	return obj_get(p->l->pk->s->rs, (enum obj_kind)kind, cmd->family, cmd->table, cmd->name);
}

static bool names_ok(struct prep *p, const struct file_cmd *cmd)
{
	const char *names[2] = { table_name(cmd), cmd->what == FILE_TABLE ? NULL : cmd->name };

	for (int i = 0; i < 2; i++) {
		_err_ struct err e = ERR_INIT;

		if (names[i] && nft_name_check(names[i], &e) < 0) {
			refuse(p, cmd, "%s", err_text(&e));
			return false;
		}
	}
	return true;
}

static struct lines *lines_of(struct prep *p, uint32_t file)
{
	const struct src *src = file_src(p->ld->f, file);
	const char *nl = src->text;

	while (p->lines.n <= file)
		vec_push(&p->lines, NULL);
	if (p->lines.v[file])
		return p->lines.v[file];
	p->lines.v[file] = xnew(struct lines);
	while ((nl = memchr(nl, '\n', src->len - (size_t)(nl - src->text))) != NULL)
		vec_push(&p->lines.v[file]->at, (uint32_t)(++nl - src->text));
	return p->lines.v[file];
}

static unsigned line_of(struct prep *p, const struct file_cmd *cmd)
{
	const struct lines *l = lines_of(p, cmd->file);
	uint32_t lo = 0, hi = l->at.n;

	while (lo < hi) {
		uint32_t mid = (lo + hi) / 2;

		if (l->at.v[mid] <= cmd->pos)
			lo = mid + 1;
		else
			hi = mid;
	}
	return file_src(p->ld->f, cmd->file)->line + lo;
}

static uint32_t site_of(struct prep *p, const struct file_cmd *cmd)
{
	const struct src *src = file_src(p->ld->f, cmd->file);

	if (!p->ld->places)
		return p->ld->site;
	return ruleset_site(p->l->pk->s->rs, src->file, line_of(p, cmd));
}

/* ---- commands ---- */

static void take_statement(struct prep *p, uint32_t i, const struct file_cmd *cmd)
{
	struct load_cmd *lc = &p->ld->cmds.v[i];
	_err_ struct err e = ERR_INIT;
	struct obj *tab;
	struct seen *t;

	if (!names_ok(p, cmd))
		return;
	tab = table_of(p, cmd);
	t = seen_of(p, &p->tables, tab);
	if (!t->last)
		vec_push(&p->ld->tables, tab);
	else
		obj_put(tab); /* the list has one already */
	t->last = i + 1;
	if (cmd->what != FILE_TABLE || cmd->decl_table.has_flags || cmd->decl_table.comment)
		t->content = p->content = true;
	lc->o = object_of(p, cmd);
	lc->site = site_of(p, cmd);
	if (cmd->what == FILE_RULE) {
		if (cmd->rule.at != AT_NONE && p->l->command)
			refuse(p, cmd,
				"in a chain of rnm's own what is added stands behind the packs' rules, and "
				"what is "
				"inserted in front of them: handles, positions and indexes say nothing");
		else if (cmd->rule.at != AT_NONE)
			refuse(p, cmd,
				"a rule's place is where it stands in the text; positions, handles and "
				"indexes have no meaning here");
		return;
	}
	if (cmd->what == FILE_ELEMENTS) {
		lc->decl = seen_of(p, &p->sets, lc->o)->decl;
		return;
	}
	lc->spec = spec_new();
	if (spec_of(p->l, cmd, lc->spec, &e) < 0)
		refuse(p, cmd, "%s", err_text(&e));
	if (cmd->what == FILE_SET && cmd->set && cmd->set->given & SETD_TYPE) {
		struct seen *s = seen_of(p, &p->sets, lc->o);

		if (!s->decl)
			s->decl = i + 1;
	}
}

/* `flush ruleset`, `delete table x` before `table x { … }`: what is not stated goes by itself. */
static void take_clear(struct prep *p, uint32_t i, const struct file_cmd *cmd)
{
	const struct src *src = file_src(p->ld->f, cmd->file);
	struct seen *t;

	if (cmd->what == FILE_RULESET || (cmd->what == FILE_TABLE && !table_name(cmd))) {
		if (p->content) {
			refuse(p, cmd,
				"what stands before this would be gone: leave it out, or put it in front");
			return;
		}
	} else {
		if (!names_ok(p, cmd))
			return;
		struct obj *tab = table_of(p, cmd);

		t = seen_of(p, &p->tables, tab);
		if (!t->last) {
			vec_push(&p->ld->tables, tab);
			t->last = i + 1;
		} else
			obj_put(tab);
		if (t->content) {
			refuse(p, cmd,
				"what stands before this for table %s would be gone: leave it out, or put it "
				"in front",
				table_name(cmd));
			return;
		}
		t->cleared = i + 1;
	}
	if (!p->said)
		log_info("pack", "%s: %s:%u: clearing says nothing here: what is not stated goes by itself",
			p->l->pk->spec.name, src->file, line_of(p, cmd));
	p->said = true;
}

static void take(struct prep *p, uint32_t i, const struct file_cmd *cmd)
{
	static const char *const words[] = { [FILE_REPLACE] = "replace",
		[FILE_DELETE] = "delete",
		[FILE_DESTROY] = "destroy",
		[FILE_FLUSH] = "flush",
		[FILE_RENAME] = "rename",
		[FILE_RESET] = "reset",
		[FILE_LIST] = "list",
		[FILE_GET] = "get",
		[FILE_CLONE] = "clone",
		[FILE_DISABLE] = "disable",
		[FILE_ENABLE] = "enable" };

	switch ((enum file_op)cmd->op) {
	case FILE_ADD:
	case FILE_CREATE:
	case FILE_INSERT: take_statement(p, i, cmd); return;
	case FILE_DELETE:
	case FILE_DESTROY:
	case FILE_FLUSH:
		if (p->l->command && cmd->what == FILE_ELEMENTS) {
			take_statement(p, i, cmd);
			return;
		}
		if (cmd->what == FILE_TABLE || cmd->what == FILE_RULESET) {
			take_clear(p, i, cmd);
			return;
		}
		refuse(p, cmd,
			"`%s` has no meaning here: the text says what should be, and what it does not state "
			"goes by itself",
			words[cmd->op]);
		return;
	case FILE_RESET:
	case FILE_LIST:
	case FILE_GET:
		refuse(p, cmd, "`%s` only asks: a policy states what should be", words[cmd->op]);
		return;
	case FILE_REPLACE:
	case FILE_RENAME:
	case FILE_CLONE:
	case FILE_DISABLE:
	case FILE_ENABLE:
		refuse(p, cmd, "`%s` has no meaning here: the text says what should be", words[cmd->op]);
		return;
	}
}

/* Tables that are emptied must be filled behind it. */
static void check_cleared(struct prep *p)
{
	vec_foreach (it, &p->all) {
		struct seen *t = *it;

		if (!t->cleared || t->last > t->cleared)
			continue;
		refuse(p, file_cmd(p->ld->f, t->cleared - 1),
			"table %s is not stated behind this: a table that nobody states goes by itself",
			obj_name(t->o));
	}
}

void load_prepare(struct load *l, struct loaded *ld)
{
	struct prep p = { .l = l, .ld = ld };
	uint32_t n = file_cmds(ld->f);

	ld->cmds.v = n ? xcalloc(n, sizeof(*ld->cmds.v)) : NULL;
	ld->cmds.n = ld->cmds.cap = n;
	for (uint32_t i = 0; i < n && l->errs.n < ERRLIST_MAX; i++)
		take(&p, i, file_cmd(ld->f, i));
	if (!l->errs.n)
		check_cleared(&p);
	vec_foreach (x, &p.lines)
		if (*x) {
			vec_free(&(*x)->at);
			free(*x);
		}
	vec_free(&p.lines);
	hmap_free(&p.tables);
	hmap_free(&p.sets);
	vec_foreach (s, &p.all)
		free(*s);
	vec_free(&p.all);
}
