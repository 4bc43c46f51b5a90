// SPDX-License-Identifier: GPL-2.0-or-later
/* Records and events for programs: what policies see of them, in the same names. */
#include <stdio.h>
#include <sys/socket.h>

#include "net/net.h"

static void nexthops(struct json *j, const char *name, const struct net_route *route)
{
	char text[IPADDR_STRLEN];

	json_open(j, name, '[');
	for (uint16_t i = 0; i < route->n_nexthops; i++) {
		const struct net_nexthop *h = &route->nexthops[i];

		json_open(j, NULL, '{');
		if (h->gateway.family)
			json_text(j, "gateway", ipaddr_format(&h->gateway, text));
		if (h->iface[0])
			json_text(j, "iface", h->iface);
		json_unsigned(j, "weight", h->weight);
		json_close(j, '}');
	}
	json_close(j, ']');
}

static void flags(struct json *j, const struct net_field *f, const struct net_val *v)
{
	json_open(j, f->name, '{');
	for (unsigned bit = 0; bit < 64 && v->num >> bit; bit++) {
		const char *name = v->num >> bit & 1 ? f->flag_name(bit) : NULL;

		if (name)
			json_bool(j, name, true);
	}
	json_close(j, '}');
}

static void field(struct json *j, const struct net_field *f, const struct net_val *v)
{
	_buf_ struct buf text = BUF_INIT;

	switch (v->type) {
	case NF_U32: json_unsigned(j, f->name, v->num); return;
	case NF_BOOL: json_bool(j, f->name, v->num != 0); return;
	case NF_FLAGS: flags(j, f, v); return;
	case NF_NEXTHOPS: nexthops(j, f->name, v->route); return;
	case NF_STR:
	case NF_ADDR:
	case NF_PREFIX:
	case NF_MAC:
	case NF_FAMILY:
	case NF_ENUM: break;
	}
	net_val_text(v, &text);
	json_bytes(j, f->name, buf_str(&text), text.n);
}

void net_rec_json(const struct net_rec *r, struct json *j)
{
	unsigned n;
	const struct net_field *f = net_fields(r->kind, &n);
	struct net_val v;

	for (unsigned i = 0; i < n; i++) {
		f[i].get(r, &v);
		if (!v.absent)
			field(j, &f[i], &v);
	}
}

static void changed(const struct net_event *ev, struct json *j)
{
	unsigned n;
	const struct net_field *f = net_fields(ev->kind, &n);
	struct net_val was, is;

	json_open(j, "changed", '{');
	for (unsigned i = 0; i < n; i++) {
		f[i].get(ev->before, &was);
		f[i].get(ev->after, &is);
		if (net_val_equal(&was, &is))
			continue;
		if (was.absent)
			json_bool(j, f[i].name, false);
		else
			field(j, &f[i], &was);
	}
	json_close(j, '}');
}

void net_event_json(const struct net_event *ev, struct json *j)
{
	const struct net_rec *r = ev->after ? ev->after : ev->before;

	json_text(j, "kind", net_kind_name(ev->kind));
	json_text(j, "action", net_action_name(ev->action));
	json_unsigned(j, "seq", ev->seq);
	json_seconds(j, "time", ev->time);
	if (ev->initial)
		json_bool(j, "initial", true);
	if (ev->kind == NET_LINK)
		json_open(j, "link", '{');
	net_rec_json(r, j);
	if (ev->kind == NET_LINK)
		json_close(j, '}');
	if (ev->before && ev->after)
		changed(ev, j);
}
