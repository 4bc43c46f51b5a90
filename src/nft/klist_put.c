// SPDX-License-Identifier: GPL-2.0-or-later
/* Declarations as nft lists them. */
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include <linux/netfilter.h>

#include "nft/klist.h"

void put_decl(const struct klist *l, const char *kind, const char *name, uint64_t handle, struct buf *out)
{
	buf_printf(out, "\t%s ", kind);
	buf_visible(out, name, strlen(name));
	buf_puts(out, " {");
	if (l->o->handles)
		buf_printf(out, " # handle %llu", (unsigned long long)handle);
	buf_putc(out, '\n');
}

static void comment_put(const char *comment, struct buf *out)
{
	if (!comment)
		return;
	buf_puts(out, "\t\tcomment ");
	quote_put(comment, strlen(comment), out);
	buf_putc(out, '\n');
}

/* Where nft calls a priority so. */
static bool name_fits(const char *name, int hook)
{
	if (!strcmp(name, "dstnat"))
		return hook == NF_INET_PRE_ROUTING;
	return strcmp(name, "srcnat") != 0 || hook == NF_INET_POST_ROUTING;
}

/* "filter - 5": a name within ten of it */
static void priority_put(const struct klist *l, uint8_t family, int hook, int32_t prio, struct buf *out)
{
	static const char *const names[] = { "raw", "mangle", "dstnat", "filter", "security", "out",
		"srcnat" };
	int32_t at;

	for (size_t i = 0; !l->o->numeric && i < ARRAY_SIZE(names); i++) {
		if (!name_fits(names[i], hook) || nft_priority_parse(names[i], family, hook, &at, NULL) < 0 ||
			prio < at - 10 || prio > at + 10)
			continue;
		buf_puts(out, names[i]);
		if (prio != at)
			buf_printf(out, prio < at ? " - %d" : " + %d", abs(prio - at));
		return;
	}
	buf_printf(out, "%d", prio);
}

static bool plain_name(const char *s)
{
	return *s && !s[strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-")];
}

static void devices_put(const char *const *dev, uint32_t n, struct buf *out)
{
	buf_puts(out, "devices = { ");
	for (uint32_t i = 0; i < n; i++) {
		buf_puts(out, i ? ", " : "");
		if (plain_name(dev[i]))
			buf_puts(out, dev[i]);
		else
			quote_put(dev[i], strlen(dev[i]), out);
	}
	buf_puts(out, " }");
}

static void base_put(const struct klist *l, const struct kchain *c, struct buf *out)
{
	const struct chain_want *w = &c->c.want;
	const char *hook = nft_hook_name(l->family, w->hook);

	buf_printf(out, "\t\ttype %s hook %s", w->type, hook ? hook : "?");
	if (w->n_dev == 1) {
		buf_puts(out, " device ");
		quote_put(w->dev[0], strlen(w->dev[0]), out);
	} else if (w->n_dev) {
		buf_putc(out, ' ');
		devices_put(w->dev, w->n_dev, out);
	}
	buf_puts(out, " priority ");
	priority_put(l, l->family, (int)w->hook, w->priority, out);
	buf_printf(out, "; policy %s;", w->policy == NF_DROP ? "drop" : "accept");
	if (w->flags & NFT_CHAIN_HW_OFFLOAD)
		buf_puts(out, "\n\t\tflags offload;");
	buf_putc(out, '\n');
}

void chain_put(const struct klist *l, const struct kchain *c, bool rules, struct buf *out)
{
	put_decl(l, "chain", c->c.name, c->c.handle, out);
	comment_put(c->c.want.comment, out);
	if (c->c.want.base)
		base_put(l, c, out);
	if (rules && c->rules.n)
		buf_put(out, c->rules.s, c->rules.n);
	buf_puts(out, "\t}\n");
}

/* Timeouts as they are where nobody gave others. */
static void leave_out_defaults(struct object_want *o)
{
	static const uint32_t tcp[CT_TIMEOUT_MAX] = { 0, 120, 60, 432000, 120, 60, 30, 120, 10, 120, 300,
		300 },
			      udp[CT_TIMEOUT_MAX] = { 0, 30, 180 };
	const uint32_t *t = o->timeout.l4proto == IPPROTO_TCP   ? tcp
			    : o->timeout.l4proto == IPPROTO_UDP ? udp
								: NULL;

	for (unsigned i = 0; t && i < CT_TIMEOUT_MAX; i++)
		if (o->timeout.seconds[i] == t[i])
			o->timeout.given &= ~(1u << i);
}

void object_put(const struct klist *l, const struct kobj *o, struct buf *out)
{
	const char *word = object_type_word(o->o.want.type);
	struct object_want want = o->o.want;
	_buf_ struct buf text = BUF_INIT;
	char *line, *save = NULL;

	if (!word) { /* a kind that has no words is not left out all the same */
		buf_printf(out, "\t# cannot be written: object of type %u, \"", o->o.want.type);
		buf_visible(out, o->o.name, strlen(o->o.name));
		buf_puts(out, "\"\n");
		return;
	}
	put_decl(l, word, o->o.name, o->o.handle, out);
	comment_put(o->o.want.comment, out);
	if (want.type == NFT_OBJECT_CT_TIMEOUT)
		leave_out_defaults(&want);
	object_text(&want, l->o->stateless, "\n", &text);
	for (line = strtok_r(buf_str(&text), "\n", &save); line; line = strtok_r(NULL, "\n", &save))
		buf_printf(out, "\t\t%s\n", line);
	buf_puts(out, "\t}\n");
}

void flowtable_put(const struct klist *l, const struct kflow *f, struct buf *out)
{
	const struct flowtable_want *w = &f->f.want;
	const char *hook = nft_hook_name(NFPROTO_NETDEV, w->hook);

	put_decl(l, "flowtable", f->f.name, f->f.handle, out);
	buf_printf(out, "\t\thook %s priority ", hook ? hook : "?");
	priority_put(l, NFPROTO_NETDEV, (int)w->hook, w->priority, out);
	buf_putc(out, '\n');
	if (w->n_dev) {
		buf_puts(out, "\t\t");
		devices_put(w->dev, w->n_dev, out);
		buf_putc(out, '\n');
	}
	if (w->flags & NFT_FLOWTABLE_HW_OFFLOAD)
		buf_puts(out, "\t\tflags offload\n");
	if (w->flags & NFT_FLOWTABLE_COUNTER)
		buf_puts(out, "\t\tcounter\n");
	buf_puts(out, "\t}\n");
}
