// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/inet.h"

#include <arpa/inet.h>
#include <string.h>
#include <sys/socket.h>

static const char hex[] = "0123456789abcdef";

unsigned ipaddr_bytes(const struct ipaddr *a)
{
	return a->family == AF_INET ? 4 : a->family == AF_INET6 ? 16 : 0;
}

unsigned ipaddr_bits(const struct ipaddr *a)
{
	return ipaddr_bytes(a) * 8;
}

/* As inet_pton() takes them, in half the time: lists of addresses are long. */
const char *ipv4_scan(const char *s, uint8_t out[4])
{
	for (unsigned i = 0; i < 4; i++) {
		unsigned v = (unsigned)*s++ - '0', d;

		if (v > 9)
			return NULL;
		d = (unsigned)*s - '0';
		if (d <= 9) {
			if (!v)
				return NULL;
			v = 10 * v + d;
			d = (unsigned)*++s - '0';
			if (d <= 9) {
				v = 10 * v + d;
				if (v > 255 || (unsigned)*++s - '0' <= 9)
					return NULL;
			}
		}
		if (i < 3 && *s++ != '.')
			return NULL;
		out[i] = (uint8_t)v;
	}
	return s;
}

static unsigned hex_digit(char c) /* 16: it is none */
{
	unsigned d = (unsigned char)c - '0', l = ((unsigned char)c | 0x20) - 'a';

	return d < 10 ? d : l < 6 ? l + 10 : 16;
}

const char *ipv6_scan(const char *s, uint8_t out[16])
{
	uint8_t b[16] = { 0 };
	unsigned n = 0, gap = 17; /* gap: where the zeros that are left out stand */

	if (s[0] == ':') {
		if (*++s != ':')
			return NULL;
		gap = 0;
		s++;
	}
	while (n < 16) {
		unsigned v = 0, digits = 0, d;

		for (; digits < 5 && (d = hex_digit(*s)) < 16; s++, digits++)
			v = v << 4 | d;
		if (!digits && gap == n)
			break;
		if (!digits || digits > 4 || *s == '.')
			return NULL;
		b[n++] = (uint8_t)(v >> 8);
		b[n++] = (uint8_t)v;
		if (*s != ':' || n == 16)
			break;
		if (*++s == ':') {
			if (gap <= 16)
				return NULL;
			gap = n;
			s++;
		}
	}
	if (n == 16 ? gap <= 16 : gap > 16)
		return NULL;
	memset(out, 0, 16);
	if (gap > n)
		gap = n;
	memcpy(out, b, gap);
	memcpy(out + 16 - (n - gap), b + gap, n - gap);
	return s;
}

bool ipaddr_parse(const char *s, struct ipaddr *out)
{
	struct ipaddr a = { .family = AF_INET };
	const char *end = ipv4_scan(s, a.b);

	if (!end || *end) {
		a.family = AF_INET6;
		memset(a.b, 0, sizeof(a.b));
		end = ipv6_scan(s, a.b);
		/* there are those that end in dotted form */
		if ((!end || *end) && (!strchr(s, ':') || inet_pton(AF_INET6, s, a.b) != 1))
			return false;
	}
	*out = a;
	return true;
}

bool ipprefix_parse(const char *s, struct ipprefix *out)
{
	char addr[IPADDR_STRLEN];
	const char *slash = strchr(s, '/');
	size_t n = slash ? (size_t)(slash - s) : strlen(s);
	struct ipprefix p;
	unsigned len = 0;

	if (n >= sizeof(addr))
		return false;
	memcpy(addr, s, n);
	addr[n] = 0;
	if (!ipaddr_parse(addr, &p.addr))
		return false;
	if (slash) {
		const char *d = slash + 1;

		if (!*d || strlen(d) > 3 || (d[0] == '0' && d[1]))
			return false;
		for (; *d; d++) {
			if (*d < '0' || *d > '9')
				return false;
			len = len * 10 + (unsigned)(*d - '0');
		}
		if (len > ipaddr_bits(&p.addr))
			return false;
	} else {
		len = ipaddr_bits(&p.addr);
	}
	p.len = (uint8_t)len;
	*out = p;
	return true;
}

static char *put_dec(char *o, unsigned v)
{
	if (v >= 100)
		*o++ = (char)('0' + v / 100);
	if (v >= 10)
		*o++ = (char)('0' + v / 10 % 10);
	*o++ = (char)('0' + v % 10);
	return o;
}

static char *put_v4(char *o, const uint8_t *b)
{
	for (unsigned i = 0; i < 4; i++) {
		if (i)
			*o++ = '.';
		o = put_dec(o, b[i]);
	}
	return o;
}

static char *put_group(char *o, unsigned g)
{
	if (g >> 12)
		*o++ = hex[g >> 12];
	if (g >> 8)
		*o++ = hex[g >> 8 & 15];
	if (g >> 4)
		*o++ = hex[g >> 4 & 15];
	*o++ = hex[g & 15];
	return o;
}

static inline unsigned group(const uint8_t *b, unsigned i)
{
	return (unsigned)b[2 * i] << 8 | b[2 * i + 1];
}

/* RFC 5952: the first longest run of two or more zero groups becomes "::"; IPv4-mapped addresses end in
 * dotted form. */
static char *put_v6(char *o, const uint8_t *b)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
	unsigned best = 8, best_n = 1, i, n;

	if (!memcmp(b, mapped, sizeof(mapped))) {
		memcpy(o, "::ffff:", 7);
		return put_v4(o + 7, b + 12);
	}
	for (i = 0; i < 8; i += n ? n : 1) {
		for (n = 0; i + n < 8 && !group(b, i + n); n++)
			;
		if (n > best_n) {
			best = i;
			best_n = n;
		}
	}
	for (i = 0; i < 8; i++) {
		if (i == best) {
			*o++ = ':';
			*o++ = ':';
			i += best_n - 1;
			continue;
		}
		if (i && o[-1] != ':')
			*o++ = ':';
		o = put_group(o, group(b, i));
	}
	return o;
}

static char *put_addr(char *o, const struct ipaddr *a)
{
	if (a->family == AF_INET)
		return put_v4(o, a->b);
	return a->family == AF_INET6 ? put_v6(o, a->b) : o;
}

const char *ipaddr_format(const struct ipaddr *a, char out[IPADDR_STRLEN])
{
	*put_addr(out, a) = 0;
	return out;
}

const char *ipprefix_format(const struct ipprefix *p, char out[IPPREFIX_STRLEN])
{
	char *o = put_addr(out, &p->addr);

	if (o != out) {
		*o++ = '/';
		o = put_dec(o, p->len);
	}
	*o = 0;
	return out;
}

int ipaddr_cmp(const struct ipaddr *a, const struct ipaddr *b)
{
	if (a->family != b->family)
		return a->family < b->family ? -1 : 1;
	return memcmp(a->b, b->b, sizeof(a->b));
}

int ipprefix_cmp(const struct ipprefix *a, const struct ipprefix *b)
{
	int c = ipaddr_cmp(&a->addr, &b->addr);

	return c ? c : (int)a->len - (int)b->len;
}

/* The bits of byte i that belong to the host part behind len. */
static inline uint8_t host_bits(unsigned i, unsigned len)
{
	unsigned net = len <= 8 * i ? 0 : len - 8 * i; /* bits of it that belong to the network part */

	return (uint8_t)(net >= 8 ? 0 : 0xff >> net);
}

struct ipaddr ipaddr_mask(const struct ipaddr *a, unsigned len)
{
	struct ipaddr r = *a;

	for (unsigned i = 0; i < ipaddr_bytes(a); i++)
		r.b[i] = (uint8_t)(r.b[i] & ~host_bits(i, len));
	return r;
}

struct ipaddr ipaddr_last(const struct ipaddr *a, unsigned len)
{
	struct ipaddr r = *a;

	for (unsigned i = 0; i < ipaddr_bytes(a); i++)
		r.b[i] = (uint8_t)(r.b[i] | host_bits(i, len));
	return r;
}

bool ipprefix_contains(const struct ipprefix *outer, const struct ipprefix *inner)
{
	if (outer->addr.family != inner->addr.family || outer->len > inner->len)
		return false;
	for (unsigned i = 0; i < ipaddr_bytes(&outer->addr); i++)
		if ((outer->addr.b[i] ^ inner->addr.b[i]) & (uint8_t)~host_bits(i, outer->len))
			return false;
	return true;
}

bool ipprefix_subnet(const struct ipprefix *p, unsigned newlen, uint64_t i, struct ipprefix *out)
{
	unsigned room;
	struct ipprefix r;

	if (newlen < p->len || newlen > ipaddr_bits(&p->addr))
		return false;
	room = newlen - p->len;
	if (room < 64 && i >> room)
		return false;
	r = (struct ipprefix){ ipaddr_mask(&p->addr, p->len), (uint8_t)newlen };
	for (unsigned bit = newlen; i; i >>= 1) {
		bit--;
		if (i & 1)
			r.addr.b[bit / 8] |= (uint8_t)(0x80 >> bit % 8);
	}
	*out = r;
	return true;
}

bool ipprefix_host(const struct ipprefix *p, const struct ipaddr *suffix, struct ipaddr *out)
{
	struct ipaddr r = p->addr;

	if (p->addr.family != suffix->family)
		return false;
	for (unsigned i = 0; i < ipaddr_bytes(&r); i++) {
		uint8_t host = host_bits(i, p->len);

		r.b[i] = (uint8_t)((r.b[i] & ~host) | (suffix->b[i] & host));
	}
	*out = r;
	return true;
}

static int nibble(char c)
{
	const char *at = c ? strchr(hex, c >= 'A' && c <= 'F' ? c - 'A' + 'a' : c) : NULL;

	return at ? (int)(at - hex) : -1;
}

bool mac_parse(const char *s, uint8_t out[6])
{
	uint8_t mac[6];

	for (unsigned i = 0; i < 6; i++) {
		int d = nibble(*s);

		if (d < 0)
			return false;
		mac[i] = (uint8_t)d;
		d = nibble(*++s);
		if (d >= 0) {
			mac[i] = (uint8_t)(mac[i] << 4 | d);
			s++;
		}
		if (*s != (i < 5 ? ':' : 0))
			return false;
		s++;
	}
	memcpy(out, mac, 6);
	return true;
}

const char *mac_format(const uint8_t *b, unsigned len, char out[MAC_STRLEN])
{
	char *o = out;

	for (unsigned i = 0; i < len && i < 32; i++) {
		if (i)
			*o++ = ':';
		*o++ = hex[b[i] >> 4];
		*o++ = hex[b[i] & 15];
	}
	*o = 0;
	return out;
}
