/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Attributes of an rtnetlink message: a table says how long each one must be; what passes may be read without
 * a look. */
#pragma once

#include <linux/netlink.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct nl_attr { /* p NULL: not there. Nothing is aligned. */
	const uint8_t *p;
	size_t n;
};

struct nl_want {           /* a table's row, indexed by attribute type; all zero: not wanted */
	uint8_t slot;      /* where it goes, from 1 */
	uint16_t min, max; /* bytes of payload */
};

/* Fills at[slot] for each wanted attribute (the last one of a type counts). false: malformed. */
static inline bool nl_attrs(
	const uint8_t *p, size_t n, const struct nl_want *want, size_t n_want, struct nl_attr *at)
{
	while (n >= sizeof(struct nlattr)) {
		struct nlattr a;
		size_t step;

		memcpy(&a, p, sizeof(a));
		if (a.nla_len < sizeof(a) || a.nla_len > n)
			return false;
		a.nla_type &= NLA_TYPE_MASK;
		if (a.nla_type < n_want && want[a.nla_type].slot) {
			const struct nl_want *w = &want[a.nla_type];
			size_t len = a.nla_len - sizeof(a);

			if (len < w->min || len > w->max)
				return false;
			at[w->slot] = (struct nl_attr){ p + sizeof(a), len };
		}
		step = NLA_ALIGN((size_t)a.nla_len);
		if (step >= n)
			break;
		p += step;
		n -= step;
	}
	return true;
}

static inline uint32_t nl_u32(const struct nl_attr *a, uint32_t otherwise)
{
	uint32_t v = otherwise;

	if (a->p)
		memcpy(&v, a->p, sizeof(v));
	return v;
}

/* A name that fits to[size] with its NUL, or false. The kernel ends it with a NUL; others may not. */
static inline bool nl_name(const struct nl_attr *a, char *to, size_t size)
{
	size_t n;

	memset(to, 0, size);
	if (!a->p)
		return true;
	n = strnlen((const char *)a->p, a->n);
	if (n >= size)
		return false;
	memcpy(to, a->p, n);
	return true;
}
