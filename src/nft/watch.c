// SPDX-License-Identifier: GPL-2.0-or-later
#include "nft/watch.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ev.h>
#include <linux/filter.h>
#include <string.h>
#include <sys/socket.h>

#include "base/log.h"
#include "nft/batch_impl.h"

#define READ_BUF 65536
#define TURN_MAX 1000 /* datagrams in one turn of the loop */

struct nft_watch {
	struct mnl_socket *sock;
	struct nft_watch_ops ops;
	struct ev_loop *loop;
	ev_io io;
	struct nft_generation now; /* what came since the last generation's end */
	uint32_t last, seen;
	uint8_t buf[READ_BUF];
};

const char *change_kind_word(const struct nft_change *c)
{
	static const char *const words[] = { "table", "chain", "rule", "set", "element", NULL, "flowtable" };

	return c->kind == CHANGE_OBJECT ? object_type_word(c->obj_type) ?: "object" : words[c->kind];
}

/* Notifications carry the port of the socket that committed. */
static int drop_own(struct mnl_socket *s, uint32_t portid)
{
	struct sock_filter code[] = {
		/* loads turn to host order; what lies there is host order already */
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct nlmsghdr, nlmsg_pid)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ntohl(portid), 0, 1),
		BPF_STMT(BPF_RET | BPF_K, 0),
		BPF_STMT(BPF_RET | BPF_K, 0xffffffff),
	};
	struct sock_fprog prog = { .len = ARRAY_SIZE(code), .filter = code };

	return setsockopt(mnl_socket_get_fd(s), SOL_SOCKET, SO_ATTACH_FILTER, &prog, sizeof(prog)) < 0
		       ? -errno
		       : 0;
}

/* ---- one message ---- */

/* Which message tells of what, and where it names it: table's and object's attribute. */
static const struct kind_row {
	uint8_t add, del, kind, table, name;
} rows[] = {
	{ NFT_MSG_NEWTABLE, NFT_MSG_DELTABLE, CHANGE_TABLE, NFTA_TABLE_NAME, 0 },
	{ NFT_MSG_NEWCHAIN, NFT_MSG_DELCHAIN, CHANGE_CHAIN, NFTA_CHAIN_TABLE, NFTA_CHAIN_NAME },
	{ NFT_MSG_NEWRULE, NFT_MSG_DELRULE, CHANGE_RULE, NFTA_RULE_TABLE, NFTA_RULE_CHAIN },
	{ NFT_MSG_NEWSET, NFT_MSG_DELSET, CHANGE_SET, NFTA_SET_TABLE, NFTA_SET_NAME },
	{ NFT_MSG_NEWSETELEM, NFT_MSG_DELSETELEM, CHANGE_ELEM, NFTA_SET_ELEM_LIST_TABLE,
		NFTA_SET_ELEM_LIST_SET },
	{ NFT_MSG_NEWOBJ, NFT_MSG_DELOBJ, CHANGE_OBJECT, NFTA_OBJ_TABLE, NFTA_OBJ_NAME },
	{ NFT_MSG_NEWFLOWTABLE, NFT_MSG_DELFLOWTABLE, CHANGE_FLOWTABLE, NFTA_FLOWTABLE_TABLE,
		NFTA_FLOWTABLE_NAME },
};

static bool same_name(const char *a, const char *b)
{
	return a && b ? !strcmp(a, b) : a == b;
}

static void add_change(struct nft_watch *w, const struct kind_row *row, bool del, uint8_t family,
	const char *table, const char *name, uint32_t obj_type)
{
	struct nft_generation *g = &w->now;
	struct nft_change *last = g->changes.n ? &vec_last(&g->changes) : NULL;

	if (last && last->kind == row->kind && last->del == del && last->family == family &&
		last->obj_type == obj_type && same_name(last->name, name) && same_name(last->table, table)) {
		last->count++;
		return;
	}
	if (g->changes.n >= CHANGES_MAX) {
		g->more++;
		return;
	}
	vec_push(&g->changes, (struct nft_change){ .kind = row->kind,
				      .del = del,
				      .family = family,
				      .count = 1,
				      .obj_type = obj_type,
				      .table = xstrdup(table),
				      .name = name ? xstrdup(name) : NULL });
}

static void on_object(struct nft_watch *w, const struct nlmsghdr *nlh, const struct kind_row *row, bool del)
{
	const struct nfgenmsg *nfg = mnl_nlmsg_get_payload(nlh);
	const char *table = NULL, *name = NULL;
	uint32_t obj_type = 0;
	const struct nlattr *a;

	attr_foreach (a, nlh) {
		uint16_t type = mnl_attr_get_type(a);

		if (type == row->table)
			table = attr_name(a);
		else if (row->name && type == row->name)
			name = attr_name(a);
		else if (row->kind == CHANGE_OBJECT && type == NFTA_OBJ_TYPE &&
			 mnl_attr_get_payload_len(a) == sizeof(uint32_t))
			obj_type = ntohl(mnl_attr_get_u32(a));
	}
	if (table && (name || !row->name) && w->ops.cares(w->ops.ctx, nfg->nfgen_family, table))
		add_change(w, row, del, nfg->nfgen_family, table, name, obj_type);
}

static void generation_clear(struct nft_generation *g)
{
	vec_foreach (c, &g->changes) {
		free(c->table);
		free(c->name);
	}
	vec_clear(&g->changes);
	g->id = g->pid = g->more = 0;
	g->process[0] = '\0';
	g->lost = false;
}

struct nft_generation nft_generation_copy(const struct nft_generation *g)
{
	struct nft_generation copy = *g;

	memset(&copy.changes, 0, sizeof(copy.changes));
	vec_foreach (c, &g->changes) {
		struct nft_change change = *c;

		change.table = xstrdup(c->table);
		change.name = c->name ? xstrdup(c->name) : NULL;
		vec_push(&copy.changes, change);
	}
	return copy;
}

void nft_generation_free(struct nft_generation *g)
{
	generation_clear(g);
	vec_free(&g->changes);
}

static void tell(struct nft_watch *w)
{
	if (w->now.changes.n || w->now.lost)
		w->ops.foreign(w->ops.ctx, &w->now);
	generation_clear(&w->now);
}

static void on_generation(struct nft_watch *w, const struct nlmsghdr *nlh)
{
	const struct nlattr *a;

	attr_foreach (a, nlh) {
		uint16_t type = mnl_attr_get_type(a), len = mnl_attr_get_payload_len(a);

		if (type == NFTA_GEN_ID && len == sizeof(uint32_t))
			w->now.id = ntohl(mnl_attr_get_u32(a));
		else if (type == NFTA_GEN_PROC_PID && len == sizeof(uint32_t))
			w->now.pid = ntohl(mnl_attr_get_u32(a));
		else if (type == NFTA_GEN_PROC_NAME && len && len < sizeof(w->now.process)) {
			memcpy(w->now.process, mnl_attr_get_payload(a), len);
			w->now.process[len] = '\0';
		}
	}
	w->last = w->seen = w->now.id;
	tell(w);
}

static void on_message(struct nft_watch *w, const struct nlmsghdr *nlh)
{
	unsigned type = nlh->nlmsg_type & 0xff;

	if (nlh->nlmsg_type >> 8 != NFNL_SUBSYS_NFTABLES ||
		nlh->nlmsg_len < MNL_NLMSG_HDRLEN + sizeof(struct nfgenmsg))
		return;
	if (type == NFT_MSG_NEWGEN) {
		on_generation(w, nlh);
		return;
	}
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (type == rows[i].add || type == rows[i].del)
			on_object(w, nlh, &rows[i], type == rows[i].del);
}

/* ---- the socket ---- */

/* false: nothing more to read now. */
static bool read_one(struct nft_watch *w)
{
	struct sockaddr_nl from = { 0 };
	socklen_t len = sizeof(from);
	ssize_t n = recvfrom(mnl_socket_get_fd(w->sock), w->buf, sizeof(w->buf), MSG_DONTWAIT | MSG_TRUNC,
		(struct sockaddr *)&from, &len);
	const struct nlmsghdr *nlh;

	if (n < 0 && errno == EINTR)
		return true;
	if (n < 0 && errno != ENOBUFS)
		return false;
	if (n < 0 || n > (ssize_t)sizeof(w->buf)) {
		generation_clear(&w->now);
		w->now.lost = true;
		tell(w);
		return true;
	}
	if (from.nl_pid)
		return true;
	msgs_foreach (nlh, w->buf, n)
		on_message(w, nlh);
	return true;
}

uint32_t nft_watch_poll(struct nft_watch *w)
{
	w->last = 0;
	for (unsigned i = 0; i < TURN_MAX && read_one(w); i++)
		;
	return w->last;
}

uint32_t nft_watch_seen(const struct nft_watch *w)
{
	return w->seen;
}

static void on_io(struct ev_loop *loop, ev_io *io, int revents)
{
	(void)loop;
	(void)revents;
	nft_watch_poll(io->data);
}

void nft_watch_start(struct nft_watch *w, struct ev_loop *loop)
{
	w->loop = loop;
	ev_io_start(loop, &w->io);
}

void nft_watch_stop(struct nft_watch *w)
{
	if (w->loop)
		ev_io_stop(w->loop, &w->io);
	w->loop = NULL;
}

struct nft_watch *nft_watch_new(uint32_t own_portid, const struct nft_watch_ops *ops, struct err *e)
{
	struct nft_watch *w = xnew(struct nft_watch);
	int group = NFNLGRP_NFTABLES, rc = nft_socket(&w->sock, e);

	w->ops = *ops;
	if (rc == 0)
		rc = drop_own(w->sock, own_portid);
	if (rc == 0 && mnl_socket_setsockopt(w->sock, NETLINK_ADD_MEMBERSHIP, &group, sizeof(group)) < 0)
		rc = -errno;
	if (rc < 0) {
		nft_socket_error(rc, "watching nftables", e);
		nft_watch_free(w);
		return NULL;
	}
	ev_io_init(&w->io, on_io, mnl_socket_get_fd(w->sock), EV_READ);
	w->io.data = w;
	return w;
}

void nft_watch_free(struct nft_watch *w)
{
	if (!w)
		return;
	nft_watch_stop(w);
	if (w->sock)
		mnl_socket_close(w->sock);
	nft_generation_free(&w->now);
	free(w);
}
