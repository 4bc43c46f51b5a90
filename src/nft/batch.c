// SPDX-License-Identifier: GPL-2.0-or-later
/* The commit: operations → messages of one batch, sent in one piece. */
#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <string.h>

#include "base/clock.h"
#include "nft/batch_impl.h"

#define ECHO_MAX 200 /* new rules whose handles are asked for */

/* ---- one operation ---- */

static bool fits(const char *name)
{
	return !name || strnlen(name, NFT_NAME_MAXLEN) < NFT_NAME_MAXLEN;
}

/* What the functions behind take for granted: they write names as they are. */
static int check_op(struct build *b, const struct op *op, struct err *e)
{
	bool tables = op->kind == OP_DEL_TABLE || op->kind == OP_ADD_TABLE;
	bool named = op->name || tables || op->kind == OP_FLUSH_RULES || op->by_handle;

	if (op->kind == OP_FLUSH_RULESET)
		return 0;
	if (!named || (!op->table && !(tables && op->by_handle)) ||
		(op->kind == OP_RENAME_CHAIN && !op->name))
		return err_set(e, -EINVAL, "an operation without a name");
	if (!fits(op->table) || !fits(op->name))
		return err_set(e, -ENAMETOOLONG, "'%.32s…' is too long a name",
			fits(op->table) ? op->name : op->table);
	if (op->destroy && !nft_destroys(b->conn))
		return err_set(e, -EOPNOTSUPP, "this kernel has no `destroy` (Linux 6.3 has)");
	return 0;
}

static int build_op(struct build *b, const struct op *op, uint32_t i, struct err *e)
{
	switch (op->kind) {
	case OP_ADD_TABLE: put_table(b, op, i); return 0;
	case OP_ADD_CHAIN:
	case OP_MOD_CHAIN: return put_chain(b, op, i, e);
	case OP_RENAME_CHAIN: put_rename(b, op, i); return 0;
	case OP_ADD_SET:
	case OP_MOD_SET: return put_set(b, op, i, e);
	case OP_ADD_ELEM:
	case OP_DEL_ELEM: return put_elems(b, op, i, e);
	case OP_FLUSH_SET: put_flush_set(b, op, i); return 0;
	case OP_ADD_RULE:
	case OP_REPLACE_RULE: return put_rule(b, op, i, e);
	case OP_DEL_RULE: put_del_rule(b, op, i); return 0;
	case OP_FLUSH_RULES: put_flush_rules(b, op, i); return 0;
	case OP_DEL_TABLE:
	case OP_DEL_SET:
	case OP_DEL_CHAIN:
	case OP_FLUSH_RULESET: put_del(b, op, i); return 0;
	case OP_ADD_CHAIN_DEV:
	case OP_DEL_CHAIN_DEV: return put_chain_dev(b, op, i, e);
	case OP_ADD_OBJ:
	case OP_MOD_OBJ: return put_object(b, op, i, e);
	case OP_DEL_OBJ: put_del_object(b, op, i); return 0;
	case OP_ADD_FLOWTABLE: return put_flowtable(b, op, i, e);
	case OP_DEL_FLOWTABLE: put_del_flowtable(b, op, i); return 0;
	case OP_ADD_FLOW_DEV:
	case OP_DEL_FLOW_DEV: return put_flow_dev(b, op, i, e);
	}
	return err_set(e, -EINVAL, "operation %d is unknown", (int)op->kind);
}

/* ---- operation by operation ---- */

/* The generation is written when the batch is sent; 0 is any. */
struct build *nft_stream_begin(struct nft_conn *c, struct err *e)
{
	struct msgbuf *m = &c->msgs;
	struct nlmsghdr *nlh;

	(void)e;
	c->build = (struct build){ .b = m, .conn = c };
	msgbuf_clear(m);
	m->seq0 = c->seq;
	nlh = msg_begin(m, NFNL_MSG_BATCH_BEGIN, 0, AF_UNSPEC, MSG_NONE);
	mnl_attr_put_u32(nlh, NFNL_BATCH_GENID, 0);
	msg_end(m, nlh);
	return &c->build;
}

int nft_stream_op(struct build *b, const struct op *op, uint32_t i, struct err *e)
{
	int r = check_op(b, op, e);

	return r < 0 ? r : build_op(b, op, i, e);
}

static void finish(struct nft_conn *c, bool dry)
{
	struct nlmsghdr *first = (struct nlmsghdr *)(void *)c->msgs.pages.v[0].p;
	struct nlattr *genid = mnl_nlmsg_get_payload_offset(first, sizeof(struct nfgenmsg));
	uint32_t id = htonl(c->genid);

	memcpy(mnl_attr_get_payload(genid), &id, sizeof(id));
	if (!dry)
		msg_end(&c->msgs, msg_begin(&c->msgs, NFNL_MSG_BATCH_END, 0, AF_UNSPEC, MSG_NONE));
}

int nft_stream_send(
	struct nft_conn *c, struct build *b, bool dry, uint32_t n, struct commit_result *r, struct err *e)
{
	*r = (struct commit_result){ 0 };
	r->op_err = xcalloc((size_t)n + 1, sizeof(*r->op_err));
	if (b->b->op.n == 1) /* nothing but its begin */
		return 0;
	finish(c, dry);
	return conn_send(c, n, mono_ns(), r, e);
}

/* ---- a plan ---- */

static bool few_rules(const struct plan *p)
{
	uint32_t n = 0;

	vec_foreach (op, &p->ops)
		n += op->kind == OP_ADD_RULE || op->kind == OP_REPLACE_RULE;
	return n <= ECHO_MAX;
}

/* Answers carry the whole rule: where they might not fit the receive buffer nobody asks for them. */
static void drop_echo(struct msgbuf *b)
{
	vec_foreach (pg, &b->pages) {
		for (size_t off = 0; off < pg->n;) {
			struct nlmsghdr *nlh = (struct nlmsghdr *)(void *)(pg->p + off);

			nlh->nlmsg_flags &= (uint16_t)~NLM_F_ECHO;
			off += MNL_ALIGN(nlh->nlmsg_len);
		}
	}
}

static int build(struct nft_conn *c, const struct plan *p, bool dry, struct commit_result *r, struct err *e)
{
	struct build *b = nft_stream_begin(c, e);

	b->echo = !dry && few_rules(p);
	for (uint32_t i = 0; i < p->ops.n; i++) {
		int code = nft_stream_op(b, &p->ops.v[i], i, e);

		if (code < 0) {
			r->op_err[i] = code;
			return -EBADMSG;
		}
	}
	finish(c, dry);
	if (b->echo && c->msgs.bytes > (size_t)c->rcvbuf / 8) {
		drop_echo(&c->msgs);
		b->echo = false;
	}
	r->handles_known = b->echo;
	return 0;
}

int nft_commit(struct nft_conn *c, const struct plan *p, bool dry, struct commit_result *r, struct err *e)
{
	uint64_t start = mono_ns(), built;
	int code;

	*r = (struct commit_result){ 0 };
	r->op_err = xcalloc((size_t)p->ops.n + 1, sizeof(*r->op_err));
	r->handle = xcalloc((size_t)p->ops.n + 1, sizeof(*r->handle));
	r->handles_known = true;
	if (!p->ops.n)
		return 0;
	code = build(c, p, dry, r, e);
	built = mono_ns();
	r->build_ns = built - start;
	return code < 0 ? r->error = code : conn_send(c, p->ops.n, built, r, e);
}
