// SPDX-License-Identifier: GPL-2.0-or-later
#include <arpa/inet.h>
#include <string.h>

#include <libnftnl/udata.h>

#include "nft/batch_impl.h"

#define PAGE_SIZE_ (2 * MSG_ROOM)
#define OPS_KEPT   4096

void msgbuf_clear(struct msgbuf *b)
{
	while (b->pages.n > 1)
		free(vec_pop(&b->pages).p);
	if (b->pages.n)
		b->pages.v[0].n = 0;
	vec_clear(&b->op);
	b->bytes = 0;
}

void msgbuf_trim(struct msgbuf *b)
{
	if (b->pages.n > 1)
		msgbuf_clear(b);
	if (b->op.cap > OPS_KEPT)
		vec_free(&b->op);
}

void msgbuf_free(struct msgbuf *b)
{
	vec_foreach (pg, &b->pages)
		free(pg->p);
	vec_free(&b->pages);
	vec_free(&b->op);
}

struct nlmsghdr *msg_begin(struct msgbuf *b, uint16_t type, uint16_t flags, uint8_t family, uint32_t op)
{
	bool control = type == NFNL_MSG_BATCH_BEGIN || type == NFNL_MSG_BATCH_END;
	struct msgpage *pg;
	struct nlmsghdr *nlh;
	struct nfgenmsg *nfg;

	if (!b->pages.n || vec_last(&b->pages).n + MSG_ROOM > PAGE_SIZE_)
		vec_push(&b->pages, (struct msgpage){ xmalloc(PAGE_SIZE_), 0 });
	pg = &vec_last(&b->pages);
	nlh = (struct nlmsghdr *)(void *)(pg->p + pg->n);
	*nlh = (struct nlmsghdr){
		.nlmsg_len = MNL_NLMSG_HDRLEN + sizeof(*nfg),
		.nlmsg_type = control ? type : (uint16_t)(NFNL_SUBSYS_NFTABLES << 8 | type),
		.nlmsg_flags = NLM_F_REQUEST | flags,
		.nlmsg_seq = b->seq0 + b->op.n,
	};
	nfg = (struct nfgenmsg *)(void *)(nlh + 1);
	*nfg = (struct nfgenmsg){
		.nfgen_family = family,
		.version = NFNETLINK_V0,
		.res_id = htons(control ? NFNL_SUBSYS_NFTABLES : 0),
	};
	vec_push(&b->op, op);
	return nlh;
}

void msg_end(struct msgbuf *b, struct nlmsghdr *nlh)
{
	size_t n = MNL_ALIGN(nlh->nlmsg_len);

	vec_last(&b->pages).n += n;
	b->bytes += n;
}

void udata_put(struct udata *u, uint8_t type, const void *p, size_t n)
{
	if (n > UINT8_MAX || u->n + 2 + n > sizeof(u->b))
		return;
	u->b[u->n] = type;
	u->b[u->n + 1] = (uint8_t)n;
	if (n)
		memcpy(u->b + u->n + 2, p, n);
	u->n += 2 + (uint32_t)n;
}

void udata_u32(struct udata *u, uint8_t type, uint32_t v)
{
	udata_put(u, type, &v, sizeof(v));
}

void udata_comment(struct udata *u, uint8_t type, const char *comment)
{
	char text[NFTNL_UDATA_COMMENT_MAXLEN + 1];
	size_t n;

	if (!comment)
		return;
	n = strnlen(comment, sizeof(text) - 1);
	/* not in the middle of a character */
	while (n && comment[n] && ((unsigned char)comment[n] & 0xc0) == 0x80)
		n--;
	memcpy(text, comment, n);
	text[n] = 0;
	udata_put(u, type, text, n + 1);
}

const uint8_t *udata_find(const uint8_t *p, size_t n, uint8_t type, uint8_t *len)
{
	while (n >= 2 && (size_t)p[1] + 2 <= n) {
		if (p[0] == type) {
			*len = p[1];
			return p + 2;
		}
		n -= 2 + (size_t)p[1];
		p += 2 + (size_t)p[1];
	}
	return NULL;
}
