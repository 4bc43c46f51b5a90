// SPDX-License-Identifier: GPL-2.0-or-later
/* Batches: each message is done at once and noted, so that a batch that fails, or that lacks its end, is
 * undone. */
#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include "testing/nfkernel_impl.h"

/* ---- attributes ---- */

const struct nlattr *nfk_attr(const struct nfk_attrs *all, uint16_t type)
{
	const struct nlattr *a;

	attrs_foreach (a, all->v, all->v + all->n)
		if (mnl_attr_get_type(a) == type)
			return a;
	return NULL;
}

const char *nfk_str(const struct nlattr *a)
{
	return a ? attr_name(a) : NULL;
}

const struct nlattr *nfk_nested(const struct nlattr *nest, uint16_t type)
{
	const struct nlattr *a;

	if (nest)
		attr_nested (a, nest)
			if (mnl_attr_get_type(a) == type)
				return a;
	return NULL;
}

struct nfk_attrs nfk_attrs_of(const void *p, const void *end)
{
	struct nfk_attrs a = { .n = (uint32_t)((const char *)end - (const char *)p) };

	a.v = xmalloc(a.n + 1);
	memcpy(a.v, p, a.n);
	return a;
}

struct nfk_attrs nfk_message(const struct nlmsghdr *nlh)
{
	return nfk_attrs_of(mnl_nlmsg_get_payload_offset(nlh, sizeof(struct nfgenmsg)),
		(const char *)nlh + nlh->nlmsg_len);
}

uint32_t nfk_num(const struct nlattr *a)
{
	return a && mnl_attr_get_payload_len(a) == sizeof(uint32_t) ? ntohl(mnl_attr_get_u32(a)) : 0;
}

uint64_t nfk_num64(const struct nlattr *a)
{
	return a && mnl_attr_get_payload_len(a) == sizeof(uint64_t) ? be64toh(mnl_attr_get_u64(a)) : 0;
}

/* ---- what is told, and noted ---- */

void nfk_note(struct nfkernel *k, struct nfk_undo u)
{
	vec_push(&k->undo, u);
}

void nfk_tell(struct nfkernel *k, enum change_kind kind, bool del, const struct nfk_obj *o)
{
	struct nft_generation *g = k->told;
	const char *name = kind == CHANGE_TABLE ? NULL : o->name;
	struct nft_change *last = g && g->changes.n ? &vec_last(&g->changes) : NULL;

	if (!g || (kind == CHANGE_SET && nfk_num(nfk_attr(&o->attrs, NFTA_SET_FLAGS)) & NFT_SET_ANONYMOUS))
		return; /* a rule's own set is not told of */
	if (last && last->kind == kind && last->del == del && last->family == o->family &&
		!strcmp(last->table, o->table) && name && last->name && !strcmp(last->name, name)) {
		last->count++;
	} else if (g->changes.n >= CHANGES_MAX) {
		g->more++;
	} else {
		vec_push(&g->changes, (struct nft_change){ .kind = kind,
					      .del = del,
					      .family = o->family,
					      .count = 1,
					      .obj_type = kind == CHANGE_OBJECT ? o->type : 0,
					      .table = xstrdup(o->table),
					      .name = name ? xstrdup(name) : NULL });
	}
}

static void undo_one(struct nfkernel *k, struct nfk_undo *u)
{
	switch (u->kind) {
	case U_NEW_OBJ: nfk_unlink(k, u->o); break;
	case U_DEL_OBJ: u->o->dead = false; break;
	case U_ATTRS:
		free(u->o->attrs.v);
		u->o->attrs = u->attrs;
		break;
	case U_DEVS:
		if (u->dev_added) {
			free(vec_pop(&u->o->dev));
		} else {
			vec_push(&u->o->dev, u->dev);
		}
		break;
	case U_NEW_RULE:
		for (uint32_t i = 0; i < u->o->rules.n; i++)
			if (u->o->rules.v[i] == u->rule)
				vec_remove(&u->o->rules, i);
		nfk_rule_free(u->rule);
		break;
	case U_DEL_RULE: nfk_insert_rule(u->o, u->rule, u->at); break;
	case U_NEW_ELEM:
		hmap_del_item(&u->o->elems, nfk_elem_hash(u->elem), u->elem);
		nfk_elem_free(u->elem);
		break;
	case U_DEL_ELEM: hmap_put(&u->o->elems, nfk_elem_hash(u->elem), u->elem); break;
	}
}

/* It stays: what it replaced is not needed any more. */
static void done_one(struct nfkernel *k, struct nfk_undo *u)
{
	switch (u->kind) {
	case U_NEW_OBJ: u->o->id = 0; break;
	case U_DEL_OBJ: nfk_unlink(k, u->o); break;
	case U_ATTRS: free(u->attrs.v); break;
	case U_DEVS:
		if (!u->dev_added)
			free(u->dev);
		break;
	case U_NEW_RULE: u->rule->id = 0; break;
	case U_DEL_RULE: nfk_rule_free(u->rule); break;
	case U_DEL_ELEM: nfk_elem_free(u->elem); break;
	case U_NEW_ELEM: break;
	}
}

static void end_batch(struct nfkernel *k, bool keep)
{
	/* rules and elements before what they stand in */
	for (int last = 0; keep && last < 2; last++)
		vec_foreach (u, &k->undo)
			if ((u->kind == U_DEL_OBJ) == last)
				done_one(k, u);
	for (uint32_t i = k->undo.n; !keep && i-- > 0;)
		undo_one(k, &k->undo.v[i]);
	k->genid += keep && k->undo.n;
	vec_clear(&k->undo);
	k->failed = false;
}

void nfk_abandon(struct nfkernel *k)
{
	end_batch(k, false);
}

void nfkernel_free(struct nfkernel *k)
{
	end_batch(k, false);
	vec_foreach (o, &k->objs)
		nfk_obj_free(*o);
	vec_free(&k->objs);
	vec_free(&k->undo);
}

/* ---- batches ---- */

static void refuse(const struct nlmsghdr *nlh, int error, nft_answer *answer, void *to)
{
	_Alignas(struct nlmsghdr) char buf[128];
	struct nlmsghdr *out = mnl_nlmsg_put_header(buf);
	struct nlmsgerr *err;

	out->nlmsg_type = NLMSG_ERROR;
	out->nlmsg_seq = nlh->nlmsg_seq;
	err = mnl_nlmsg_put_extra_header(out, sizeof(*err));
	err->error = error;
	err->msg = *nlh;
	answer(to, out);
}

static int apply(struct nfkernel *k, unsigned type, const struct nlmsghdr *nlh, nft_answer *answer, void *to)
{
	uint8_t family = ((const struct nfgenmsg *)mnl_nlmsg_get_payload(nlh))->nfgen_family;
	int rc;

	switch (type) {
	case NFT_MSG_NEWTABLE:
	case NFT_MSG_NEWCHAIN:
	case NFT_MSG_NEWSET:
	case NFT_MSG_NEWOBJ:
	case NFT_MSG_NEWFLOWTABLE: return nfk_new_obj(k, (uint8_t)type, nlh, family);
	case NFT_MSG_DELTABLE: return nfk_del_named(k, NFT_MSG_NEWTABLE, nlh, family);
	case NFT_MSG_DELCHAIN: return nfk_del_named(k, NFT_MSG_NEWCHAIN, nlh, family);
	case NFT_MSG_DELSET: return nfk_del_named(k, NFT_MSG_NEWSET, nlh, family);
	case NFT_MSG_DELOBJ: return nfk_del_named(k, NFT_MSG_NEWOBJ, nlh, family);
	case NFT_MSG_DELFLOWTABLE: return nfk_del_named(k, NFT_MSG_NEWFLOWTABLE, nlh, family);
	case NFT_MSG_NEWRULE: return nfk_new_rule(k, nlh, family, answer, to);
	case NFT_MSG_DELRULE: return nfk_del_rules(k, nlh, family);
	case NFT_MSG_NEWSETELEM: return nfk_elems(k, nlh, family, true, false);
	case NFT_MSG_DELSETELEM: return nfk_elems(k, nlh, family, false, false);
	case MSG_DESTROYSETELEM: return nfk_elems(k, nlh, family, false, true);
	case MSG_DESTROYTABLE: rc = nfk_del_named(k, NFT_MSG_NEWTABLE, nlh, family); break;
	case MSG_DESTROYCHAIN: rc = nfk_del_named(k, NFT_MSG_NEWCHAIN, nlh, family); break;
	case MSG_DESTROYSET: rc = nfk_del_named(k, NFT_MSG_NEWSET, nlh, family); break;
	case MSG_DESTROYOBJ: rc = nfk_del_named(k, NFT_MSG_NEWOBJ, nlh, family); break;
	case MSG_DESTROYFLOWTABLE: rc = nfk_del_named(k, NFT_MSG_NEWFLOWTABLE, nlh, family); break;
	case MSG_DESTROYRULE: rc = nfk_del_rules(k, nlh, family); break;
	default: return -EOPNOTSUPP;
	}
	return rc == -ENOENT ? 0 : rc;
}

void nfkernel_message(void *ctx, const struct nlmsghdr *nlh, nft_answer *answer, void *to)
{
	struct nfkernel *k = ctx;
	int rc;

	if (nlh->nlmsg_type == NFNL_MSG_BATCH_BEGIN) {
		end_batch(k, false); /* one before it that had no end was only to be checked */
		return;
	}
	if (nlh->nlmsg_type == NFNL_MSG_BATCH_END) {
		end_batch(k, !k->failed);
		return;
	}
	rc = apply(k, nlh->nlmsg_type & 0xff, nlh, answer, to);
	if (rc == 0)
		return;
	k->failed = true;
	refuse(nlh, rc, answer, to);
}
