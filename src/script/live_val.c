// SPDX-License-Identifier: GPL-2.0-or-later
/* What all live values share: lists of sinks that may change while they are walked, their first key, and
 * the value of a record. */
#include <string.h>
#include <sys/socket.h>

#include "script/internal.h"

void live_first(void *first, const struct val *key, const struct val *data)
{
	struct live_first *f = first;

	(void)data;
	if (f->out->kind != VAL_NIL)
		return;
	if (f->family && (key->kind == VAL_ADDR || key->kind == VAL_PREFIX) &&
		key->ip.addr.family != f->family)
		return;
	*f->out = val_copy(key);
}

/* ---- lists of sinks that may change while they are walked ---- */

void sinks_add(struct sinks *k, struct live_sink *s)
{
	vec_push(&k->v, s);
}

static void sinks_pack(struct sinks *k)
{
	uint32_t n = 0;

	if (k->walking)
		return;
	for (uint32_t i = 0; i < k->v.n; i++)
		if (k->v.v[i])
			k->v.v[n++] = k->v.v[i];
	k->v.n = n;
}

bool sinks_del(struct sinks *k, struct live_sink *s)
{
	bool left = false;

	vec_foreach (p, &k->v) {
		if (*p == s)
			*p = NULL;
		left |= *p != NULL;
	}
	sinks_pack(k);
	return !left;
}

void sinks_push(struct sinks *k, int sign, const struct val *key, const struct val *data)
{
	uint32_t n = k->v.n; /* one that comes now has asked for the content already */

	k->walking++;
	for (uint32_t i = 0; i < n; i++)
		if (k->v.v[i])
			k->v.v[i]->delta(k->v.v[i], sign, key, data);
	k->walking--;
	sinks_pack(k);
}

void sinks_reset(struct sinks *k)
{
	uint32_t n = k->v.n;

	k->walking++;
	for (uint32_t i = 0; i < n; i++)
		if (k->v.v[i] && k->v.v[i]->reset)
			k->v.v[i]->reset(k->v.v[i]);
	k->walking--;
	sinks_pack(k);
}

void sinks_free(struct sinks *k)
{
	vec_free(&k->v);
}

/* ---- values of records ---- */

static struct val str_val(const char *s)
{
	return val_string(s, strlen(s));
}

static struct val list_val(struct val *items, uint32_t n)
{
	struct val v = { .kind = VAL_LIST, .list = items, .n = n };

	return v;
}

static void flags_val(const struct net_val *v, struct val *out)
{
	VEC(struct val) items = { 0 };

	for (unsigned bit = 0; bit < 64 && v->num >> bit; bit++) {
		const char *name = v->num >> bit & 1 ? v->flag_name(bit) : NULL;

		if (name)
			vec_push(&items, str_val(name));
	}
	*out = list_val(items.v, items.n);
}

static void nexthops_val(const struct net_route *r, struct val *out)
{
	VEC(struct val) items = { 0 };

	for (uint16_t i = 0; i < r->n_nexthops; i++)
		if (r->nexthops[i].gateway.family)
			vec_push(&items, val_addr(&r->nexthops[i].gateway));
	*out = list_val(items.v, items.n);
}

/* Of what names the record's link; 0: of nothing else. The name may be another link's when the record goes.
 */
static uint32_t index_of(const struct net_rec *r, const struct net_field *f)
{
	const struct net_field *index = net_field(r->kind, "ifindex");
	struct net_val v;

	if (!index || f != net_field(r->kind, r->kind == NET_LINK ? "name" : "iface"))
		return 0;
	index->get(r, &v);
	return v.absent ? 0 : (uint32_t)v.num;
}

void rec_val(const struct net_rec *r, const struct net_field *f, struct val *out)
{
	struct net_val v;

	*out = (struct val){ .kind = VAL_NIL };
	if (!f)
		f = net_natural_field(r->kind);
	f->get(r, &v);
	if (v.absent)
		return;
	switch (v.type) {
	case NF_U32:
	case NF_BOOL: *out = val_int((int64_t)v.num); break;
	case NF_STR:
		*out = str_val(v.str);
		out->num = index_of(r, f);
		break;
	case NF_ADDR: *out = val_addr(&v.prefix.addr); break;
	case NF_PREFIX: *out = val_prefix(&v.prefix); break;
	case NF_MAC:
		if (v.mac_len != 6)
			return;
		out->kind = VAL_MAC;
		memcpy(out->mac, v.mac, 6);
		break;
	case NF_FAMILY: *out = str_val(v.num == AF_INET ? "ipv4" : "ipv6"); break;
	case NF_ENUM: *out = v.str ? str_val(v.str) : val_int((int64_t)v.num); break;
	case NF_FLAGS: flags_val(&v, out); break;
	case NF_NEXTHOPS: nexthops_val(v.route, out); break;
	}
}
