// SPDX-License-Identifier: GPL-2.0-or-later
/* Reading back: tables, handles, generation. Everything here comes from the kernel and is checked all the
 * same. */
#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "nft/batch_impl.h"

#define DUMP_BUF (256 << 10)
#define TRIES    5

static struct nlmsghdr *request(char *buf, uint16_t type, uint16_t flags, uint8_t family, uint32_t seq)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct nfgenmsg *nfg;

	nlh->nlmsg_type = (uint16_t)(NFNL_SUBSYS_NFTABLES << 8 | type);
	nlh->nlmsg_flags = NLM_F_REQUEST | flags;
	nlh->nlmsg_seq = seq;
	nfg = mnl_nlmsg_put_extra_header(nlh, sizeof(*nfg));
	nfg->nfgen_family = family;
	nfg->version = NFNETLINK_V0;
	return nlh;
}

/* 1: more to come, 0: done. */
static int dump_message(const struct nlmsghdr *nlh, struct nft_dump *d)
{
	const struct nlmsgerr *err = mnl_nlmsg_get_payload(nlh);

	if (nlh->nlmsg_flags & NLM_F_DUMP_INTR)
		d->interrupted = true;
	if (nlh->nlmsg_type == NLMSG_DONE)
		return 0;
	if (nlh->nlmsg_type == NLMSG_ERROR)
		return nlh->nlmsg_len < MNL_NLMSG_HDRLEN + sizeof(*err) ? -EBADMSG : err->error;
	if (nlh->nlmsg_type >> 8 == NFNL_SUBSYS_NFTABLES &&
		nlh->nlmsg_len >= MNL_NLMSG_HDRLEN + sizeof(struct nfgenmsg))
		d->fn(d, nlh);
	return 1;
}

static int receive_dump(struct mnl_socket *s, uint32_t seq, char *buf, struct nft_dump *d)
{
	for (;;) {
		struct sockaddr_nl from = { 0 };
		socklen_t len = sizeof(from);
		ssize_t n = recvfrom(
			mnl_socket_get_fd(s), buf, DUMP_BUF, MSG_TRUNC, (struct sockaddr *)&from, &len);
		const struct nlmsghdr *nlh;

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (from.nl_pid) /* not the kernel's */
			continue;
		if (n > DUMP_BUF)
			return -ENOBUFS;
		msgs_foreach (nlh, buf, n) {
			int r = nlh->nlmsg_seq == seq ? dump_message(nlh, d) : 1;

			if (r <= 0)
				return r;
		}
	}
}

static void wired_answer(void *to, const struct nlmsghdr *nlh)
{
	dump_message(nlh, to);
}

int nft_dump(struct nft_conn *c, uint16_t type, uint8_t family, struct nft_dump *d, struct err *e)
{
	_autofree_ char *buf = xmalloc(DUMP_BUF);
	int r = 0;

	for (unsigned i = 0; i < TRIES; i++) {
		uint32_t seq = nft_conn_seq(c);
		uint16_t flags = d->single ? NLM_F_ACK : NLM_F_DUMP;
		struct nlmsghdr *nlh = request(buf, type, flags, family, seq);

		if (d->ask)
			d->ask(d, nlh);
		d->interrupted = false;
		if (d->reset)
			d->reset(d);
		if (c->wire)
			r = c->wire->dump(c->wire->ctx, nlh, wired_answer, d);
		else if (mnl_socket_sendto(nft_conn_dump(c), nlh, nlh->nlmsg_len) < 0)
			r = -errno;
		else
			r = receive_dump(nft_conn_dump(c), seq, buf, d);
		/* changed while it was read, or overrun: once more from the start */
		if (!d->once && (r == -ENOBUFS || r == -EINTR || (!r && d->interrupted)))
			continue;
		return r < 0 ? nft_socket_error(r, d->what, e) : 0;
	}
	return err_set(e, -EAGAIN, "%s: the ruleset does not stand still", d->what);
}

/* ---- generation ---- */

struct gen_dump {
	struct nft_dump d;
	uint32_t id;
};

static void on_gen(struct nft_dump *d, const struct nlmsghdr *nlh)
{
	struct gen_dump *g = container_of(d, struct gen_dump, d);
	const struct nlattr *a;

	attr_foreach (a, nlh)
		if (mnl_attr_get_type(a) == NFTA_GEN_ID && mnl_attr_get_payload_len(a) == sizeof(uint32_t))
			g->id = ntohl(mnl_attr_get_u32(a));
}

static int read_gen(struct nft_conn *c, uint32_t *id, struct err *e)
{
	struct gen_dump g = { .d = { .what = "nf_tables", .fn = on_gen, .single = true } };
	int r = nft_dump(c, NFT_MSG_GETGEN, AF_UNSPEC, &g.d, e);

	*id = g.id;
	return r;
}

uint32_t nft_genid(struct nft_conn *c)
{
	uint32_t id;

	return read_gen(c, &id, NULL) < 0 ? 0 : id;
}

int nft_probe(struct nft_conn *c, struct err *e)
{
	_err_ struct err why = ERR_INIT;
	uint32_t id;
	int r = read_gen(c, &id, &why);

	/* nfnetlink's answer for a subsystem that is not there */
	if (r == -EINVAL)
		return err_set(e, -EOPNOTSUPP, "this kernel has no nf_tables");
	return r < 0 ? err_set(e, r, "%s", err_text(&why)) : 0;
}

/* ---- handles ---- */

const char *attr_name(const struct nlattr *a)
{
	size_t n = mnl_attr_get_payload_len(a);
	const char *s = mnl_attr_get_str(a);

	return n && n <= NFT_NAME_MAXLEN && memchr(s, 0, n) ? s : NULL;
}

struct rule_dump {
	struct nft_dump d;
	const char *table, *chain;
	VEC(uint64_t) handles;
	VEC(uint64_t) ids;
};

static void rules_reset(struct nft_dump *d)
{
	struct rule_dump *rd = container_of(d, struct rule_dump, d);

	vec_clear(&rd->handles);
	vec_clear(&rd->ids);
}

static void rules_ask(struct nft_dump *d, struct nlmsghdr *nlh)
{
	struct rule_dump *rd = container_of(d, struct rule_dump, d);

	mnl_attr_put_strz(nlh, NFTA_RULE_TABLE, rd->table);
	mnl_attr_put_strz(nlh, NFTA_RULE_CHAIN, rd->chain);
}

static uint64_t rule_id(const struct nlattr *udata)
{
	uint8_t len;
	const uint8_t *p =
		udata_find(mnl_attr_get_payload(udata), mnl_attr_get_payload_len(udata), RNM_TLV, &len);
	uint64_t id = 0;

	if (p && len >= sizeof(id))
		memcpy(&id, p, sizeof(id));
	return id;
}

static void on_rule(struct nft_dump *d, const struct nlmsghdr *nlh)
{
	struct rule_dump *rd = container_of(d, struct rule_dump, d);
	bool chain = false, table = false;
	uint64_t handle = 0, id = 0;
	const struct nlattr *a;

	attr_foreach (a, nlh) {
		const char *name;

		switch (mnl_attr_get_type(a)) {
		case NFTA_RULE_TABLE:
			name = attr_name(a);
			table = name && !strcmp(name, rd->table);
			break;
		case NFTA_RULE_CHAIN:
			name = attr_name(a);
			chain = name && !strcmp(name, rd->chain);
			break;
		case NFTA_RULE_HANDLE:
			if (mnl_attr_get_payload_len(a) == sizeof(handle))
				handle = be64toh(mnl_attr_get_u64(a));
			break;
		case NFTA_RULE_USERDATA: id = rule_id(a); break;
		default: break;
		}
	}
	/* older kernels filter only by table */
	if (!chain || !table || !handle)
		return;
	vec_push(&rd->handles, handle);
	vec_push(&rd->ids, id);
}

int nft_rule_handles(struct nft_conn *c, uint8_t family, const char *table, const char *chain,
	uint64_t **handles, uint64_t **ids, struct err *e)
{
	struct rule_dump rd = {
		.d = { .what = "reading rules", .fn = on_rule, .reset = rules_reset, .ask = rules_ask },
		.table = table,
		.chain = chain,
	};
	int r = nft_dump(c, NFT_MSG_GETRULE, family, &rd.d, e);

	*handles = NULL;
	*ids = NULL;
	if (r < 0) {
		vec_free(&rd.handles);
		vec_free(&rd.ids);
		return r;
	}
	*handles = rd.handles.v;
	*ids = rd.ids.v;
	return (int)rd.handles.n;
}
