// SPDX-License-Identifier: GPL-2.0-or-later
/* Tables, chains, sets, objects and flowtables. */
#include <errno.h>
#include <string.h>

#include "testing/nfkernel_impl.h"

struct nfk_obj *nfk_find(
	struct nfkernel *k, uint8_t kind, uint8_t family, const char *table, const char *name, uint32_t type)
{
	vec_foreach (p, &k->objs) {
		const struct nfk_obj *o = *p;

		if (!o->dead && o->kind == kind && o->family == family && o->type == type && table && name &&
			!strcmp(o->name, name) && !strcmp(o->table, table))
			return *p;
	}
	return NULL;
}

struct nfk_obj *nfk_by_id(struct nfkernel *k, uint8_t kind, uint32_t id)
{
	for (uint32_t i = k->objs.n; id && i-- > 0;)
		if (!k->objs.v[i]->dead && k->objs.v[i]->kind == kind && k->objs.v[i]->id == id)
			return k->objs.v[i];
	return NULL;
}

void nfk_obj_free(struct nfk_obj *o)
{
	struct nfk_elem *el;

	hmap_foreach (el, &o->elems, pos)
		nfk_elem_free(el);
	hmap_free(&o->elems);
	vec_foreach (r, &o->rules)
		nfk_rule_free(*r);
	vec_free(&o->rules);
	vec_foreach (d, &o->dev)
		free(*d);
	vec_free(&o->dev);
	free(o->attrs.v);
	free(o->table);
	free(o->name);
	free(o);
}

void nfk_unlink(struct nfkernel *k, struct nfk_obj *o)
{
	for (uint32_t i = 0; i < k->objs.n; i++)
		if (k->objs.v[i] == o) {
			vec_remove(&k->objs, i);
			break;
		}
	nfk_obj_free(o);
}

static enum change_kind change_of(const struct nfk_obj *o)
{
	switch (o->kind) {
	case NFT_MSG_NEWTABLE: return CHANGE_TABLE;
	case NFT_MSG_NEWCHAIN: return CHANGE_CHAIN;
	case NFT_MSG_NEWSET: return CHANGE_SET;
	case NFT_MSG_NEWFLOWTABLE: return CHANGE_FLOWTABLE;
	default: return CHANGE_OBJECT;
	}
}

void nfk_del_obj(struct nfkernel *k, struct nfk_obj *o)
{
	o->dead = true;
	nfk_note(k, (struct nfk_undo){ .kind = U_DEL_OBJ, .o = o });
	nfk_tell(k, change_of(o), true, o);
}

/* ---- by message ---- */

struct names { /* which attribute says what, by NFT_MSG_NEW* */
	uint16_t table, name, handle, type, id;
};

static const struct names *names_of(uint8_t kind)
{
	static const struct names table = { NFTA_TABLE_NAME, NFTA_TABLE_NAME, NFTA_TABLE_HANDLE, 0, 0 },
				  chain = { NFTA_CHAIN_TABLE, NFTA_CHAIN_NAME, NFTA_CHAIN_HANDLE, 0,
					  NFTA_CHAIN_ID },
				  set = { NFTA_SET_TABLE, NFTA_SET_NAME, NFTA_SET_HANDLE, 0, NFTA_SET_ID },
				  object = { NFTA_OBJ_TABLE, NFTA_OBJ_NAME, NFTA_OBJ_HANDLE, NFTA_OBJ_TYPE,
					  0 },
				  flowtable = { NFTA_FLOWTABLE_TABLE, NFTA_FLOWTABLE_NAME,
					  NFTA_FLOWTABLE_HANDLE, 0, 0 };

	return kind == NFT_MSG_NEWTABLE   ? &table
	       : kind == NFT_MSG_NEWCHAIN ? &chain
	       : kind == NFT_MSG_NEWSET   ? &set
	       : kind == NFT_MSG_NEWOBJ   ? &object
					  : &flowtable;
}

/* The object that a message names, by name or handle. */
static struct nfk_obj *named(struct nfkernel *k, uint8_t kind, uint8_t family, const struct nfk_attrs *attrs)
{
	const struct names *n = names_of(kind);
	const char *table = nfk_str(nfk_attr(attrs, n->table)), *name = nfk_str(nfk_attr(attrs, n->name));
	uint64_t handle = nfk_num64(nfk_attr(attrs, n->handle));
	uint32_t type = n->type ? nfk_num(nfk_attr(attrs, n->type)) : 0;

	if (!handle)
		return nfk_find(k, kind, family, table, name, type);
	vec_foreach (o, &k->objs)
		if (!(*o)->dead && (*o)->kind == kind && (*o)->family == family && (*o)->handle == handle &&
			(!table || kind == NFT_MSG_NEWTABLE || !strcmp((*o)->table, table)))
			return *o;
	return NULL;
}

static const struct nlattr *devices_in(uint8_t kind, const struct nfk_attrs *attrs, bool *one)
{
	const struct nlattr *hook = nfk_attr(attrs, kind == NFT_MSG_NEWCHAIN ? NFTA_CHAIN_HOOK
									     : (uint16_t)NFTA_FLOWTABLE_HOOK),
			    *a;

	*one = false;
	if (kind == NFT_MSG_NEWFLOWTABLE)
		return nfk_nested(hook, NFTA_FLOWTABLE_HOOK_DEVS);
	if (kind != NFT_MSG_NEWCHAIN)
		return NULL;
	a = nfk_nested(hook, NFTA_HOOK_DEV);
	*one = a != NULL;
	return a ? a : nfk_nested(hook, NFTA_HOOK_DEVS);
}

static void change_dev(struct nfkernel *k, struct nfk_obj *o, const char *name, bool add)
{
	for (uint32_t i = 0; i < o->dev.n; i++) {
		if (strcmp(o->dev.v[i], name) != 0)
			continue;
		if (!add) {
			nfk_note(k, (struct nfk_undo){ .kind = U_DEVS, .o = o, .dev = o->dev.v[i] });
			vec_remove(&o->dev, i);
		}
		return;
	}
	if (!add)
		return;
	vec_push(&o->dev, xstrdup(name));
	nfk_note(k, (struct nfk_undo){ .kind = U_DEVS, .o = o, .dev_added = true });
}

static void change_devs(struct nfkernel *k, struct nfk_obj *o, const struct nfk_attrs *attrs, bool add)
{
	bool one;
	const struct nlattr *devs = devices_in(o->kind, attrs, &one), *a;

	if (!devs)
		return;
	if (one && nfk_str(devs))
		change_dev(k, o, nfk_str(devs), add);
	if (!one)
		attr_nested (a, devs)
			if (nfk_str(a))
				change_dev(k, o, nfk_str(a), add);
}

/* A set without a name of its own gets one as long as the one it came with. */
static void name_anonymous(struct nfkernel *k, struct nfk_obj *o)
{
	static const char digits[] = "0123456789abcdefghijklmnopqrstuvwxyz";
	char *place = strstr(o->name, "%d");

	if (!place)
		return;
	do {
		place[0] = digits[k->anon / 36 % 36];
		place[1] = digits[k->anon++ % 36];
	} while (nfk_find(k, o->kind, o->family, o->table, o->name, o->type));
}

static void rename_in(struct nfk_attrs *attrs, uint16_t type, const char *name)
{
	const struct nlattr *a = nfk_attr(attrs, type);

	if (a && mnl_attr_get_payload_len(a) == strlen(name) + 1)
		memcpy(mnl_attr_get_payload(a), name, strlen(name));
}

static void make(struct nfkernel *k, uint8_t kind, uint8_t family, struct nfk_attrs attrs)
{
	const struct names *n = names_of(kind);
	struct nfk_obj *o = xnew(struct nfk_obj);
	const char *name = nfk_str(nfk_attr(&attrs, n->name));

	o->kind = kind;
	o->family = family;
	o->attrs = attrs;
	o->table = xstrdup(nfk_str(nfk_attr(&attrs, n->table)));
	o->name = xstrdup(name ? name : "");
	o->type = n->type ? nfk_num(nfk_attr(&attrs, n->type)) : 0;
	o->id = n->id ? nfk_num(nfk_attr(&attrs, n->id)) : 0;
	o->handle = ++k->handles;
	name_anonymous(k, o);
	rename_in(&o->attrs, n->name, o->name);
	vec_push(&k->objs, o);
	nfk_note(k, (struct nfk_undo){ .kind = U_NEW_OBJ, .o = o });
	if (*o->name)
		nfk_tell(k, change_of(o), false, o);
	change_devs(k, o, &attrs, true);
}

/* One number of what is there, where both have it. */
static void patch(struct nfkernel *k, struct nfk_obj *o, const struct nfk_attrs *attrs, uint16_t type)
{
	const struct nlattr *from = nfk_attr(attrs, type);
	struct nfk_attrs now;

	if (!from || !nfk_attr(&o->attrs, type))
		return;
	now = nfk_attrs_of(o->attrs.v, o->attrs.v + o->attrs.n);
	memcpy(mnl_attr_get_payload(nfk_attr(&now, type)), mnl_attr_get_payload(from), sizeof(uint32_t));
	nfk_note(k, (struct nfk_undo){ .kind = U_ATTRS, .o = o, .attrs = o->attrs });
	o->attrs = now;
}

/* What is there is updated: a chain's policy, a quota; devices come in addition. */
static void update(struct nfkernel *k, struct nfk_obj *o, struct nfk_attrs attrs)
{
	switch (o->kind) {
	case NFT_MSG_NEWSET:
	case NFT_MSG_NEWOBJ:
		nfk_note(k, (struct nfk_undo){ .kind = U_ATTRS, .o = o, .attrs = o->attrs });
		o->attrs = attrs;
		return;
	case NFT_MSG_NEWTABLE: patch(k, o, &attrs, NFTA_TABLE_FLAGS); break;
	case NFT_MSG_NEWCHAIN:
		patch(k, o, &attrs, NFTA_CHAIN_POLICY);
		if (!nfk_attr(&attrs, NFTA_CHAIN_TYPE))
			change_devs(k, o, &attrs, true);
		break;
	default: change_devs(k, o, &attrs, true); break;
	}
	free(attrs.v);
}

int nfk_new_obj(struct nfkernel *k, uint8_t kind, const struct nlmsghdr *nlh, uint8_t family)
{
	struct nfk_attrs attrs = nfk_message(nlh);
	const struct names *n = names_of(kind);
	const char *table = nfk_str(nfk_attr(&attrs, n->table)), *name = nfk_str(nfk_attr(&attrs, n->name));
	struct nfk_obj *o = named(k, kind, family, &attrs);
	int rc = 0;

	if (!table || (!name && !(kind == NFT_MSG_NEWCHAIN && nfk_attr(&attrs, NFTA_CHAIN_ID))))
		rc = -EINVAL;
	else if (kind != NFT_MSG_NEWTABLE && !nfk_find(k, NFT_MSG_NEWTABLE, family, table, table, 0))
		rc = -ENOENT;
	else if (o && nlh->nlmsg_flags & NLM_F_EXCL)
		rc = -EEXIST;
	else if (!o && !(nlh->nlmsg_flags & NLM_F_CREATE))
		rc = -ENOENT;
	if (rc == 0 && o)
		update(k, o, attrs);
	else if (rc == 0)
		make(k, kind, family, attrs);
	else
		free(attrs.v);
	return rc;
}

static void del_table(struct nfkernel *k, struct nfk_obj *table)
{
	for (uint32_t i = 0; i < k->objs.n; i++) {
		struct nfk_obj *o = k->objs.v[i];

		if (o->dead || o == table || o->family != table->family || strcmp(o->table, table->name) != 0)
			continue;
		while (o->rules.n)
			nfk_del_rule(k, o, o->rules.n - 1);
		if (!o->dead)
			nfk_del_obj(k, o);
	}
	nfk_del_obj(k, table);
}

int nfk_del_named(struct nfkernel *k, uint8_t kind, const struct nlmsghdr *nlh, uint8_t family)
{
	struct nfk_attrs attrs = nfk_message(nlh);
	struct nfk_obj *o = named(k, kind, family, &attrs);
	bool all = kind == NFT_MSG_NEWTABLE && !nfk_attr(&attrs, NFTA_TABLE_NAME) &&
		   !nfk_attr(&attrs, NFTA_TABLE_HANDLE),
	     one;
	int rc = 0;

	if (all) {
		for (uint32_t i = 0; i < k->objs.n; i++)
			if (!k->objs.v[i]->dead && k->objs.v[i]->kind == NFT_MSG_NEWTABLE &&
				(!family || k->objs.v[i]->family == family))
				del_table(k, k->objs.v[i]);
	} else if (!o) {
		rc = -ENOENT;
	} else if (devices_in(kind, &attrs, &one)) {
		change_devs(k, o, &attrs, false);
	} else if (kind == NFT_MSG_NEWTABLE) {
		del_table(k, o);
	} else {
		while (o->rules.n)
			nfk_del_rule(k, o, o->rules.n - 1);
		nfk_del_obj(k, o);
	}
	free(attrs.v);
	return rc;
}
