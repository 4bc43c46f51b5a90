// SPDX-License-Identifier: GPL-2.0-or-later
/* Types whose notation is more than a number or a symbol. */
#include <errno.h>
#include <limits.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>

#include "base/inet.h"
#include "base/text.h"
#include "nft/datatype_impl.h"

static int bad(const struct datatype *t, const char *s, struct err *e)
{
	return e ? err_set(e, -EINVAL, "'%s' is no %s", SHOWN(s), t->desc) : -EINVAL;
}

/* ---- strings ---- */

int dt_parse_string(const struct datatype *t, unsigned bits, const char *s, uint8_t *out, struct err *e)
{
	size_t n = strlen(s), max = bits ? datatype_bytes(bits) : NFT_KEY_MAX;

	/* The kernel compares with the NUL. */
	if (n >= max)
		return err_set(
			e, -EINVAL, "'%s' is too long for %s: at most %zu bytes", SHOWN(s), t->name, max - 1);
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)s[i] < 0x20 || s[i] == 0x7f)
			return err_set(
				e, -EINVAL, "control byte 0x%02x in a %s", (unsigned char)s[i], t->desc);
	if (!bits)
		max = n + 1;
	memcpy(out, s, n);
	memset(out + n, 0, max - n);
	return (int)max;
}

void dt_print_string(const struct datatype *t, unsigned bits, const uint8_t *p, struct buf *out)
{
	size_t n = strnlen((const char *)p, datatype_bytes(bits));

	(void)t;
	buf_quote(out, (const char *)p, n);
}

/* ---- addresses ---- */

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int dt_parse_lladdr(const struct datatype *t, unsigned bits, const char *s, uint8_t *out, struct err *e)
{
	unsigned max = bits ? datatype_bytes(bits) : 20, n = 0;
	const char *p = s;

	for (;;) {
		int a = hex_value(*p), b;

		if (a < 0 || n == max)
			return bad(t, s, e);
		b = hex_value(*++p);
		if (b >= 0) {
			a = a << 4 | b;
			p++;
		}
		out[n++] = (uint8_t)a;
		if (!*p)
			break;
		if (*p++ != ':')
			return bad(t, s, e);
	}
	return bits && n != max ? bad(t, s, e) : (int)n;
}

void dt_print_lladdr(const struct datatype *t, unsigned bits, const uint8_t *p, struct buf *out)
{
	(void)t;
	for (unsigned i = 0; i < datatype_bytes(bits); i++)
		buf_printf(out, i ? ":%02x" : "%02x", p[i]);
}

static int parse_ip(const struct datatype *t, uint8_t family, const char *s, uint8_t *out, struct err *e)
{
	struct ipaddr a;
	struct ipprefix p;

	if (ipaddr_parse(s, &a) && a.family == family) {
		memcpy(out, a.b, ipaddr_bytes(&a));
		return (int)ipaddr_bytes(&a);
	}
	if (!e)
		return -EINVAL;
	if (ipprefix_parse(s, &p))
		return err_set(e, -EINVAL, "'%s' is no single %s%s", SHOWN(s), t->desc,
			p.addr.family == family ? "; nft.prefix() makes a prefix of a string" : "");
	if (s[strspn(s, "0123456789.:/-")] && !strchr(s, ':') && !strpbrk(s, " /"))
		return err_set(e, -EINVAL,
			"'%s' is no %s: names are not looked up (put the addresses of a host into a set "
			"and match @SET)",
			SHOWN(s), t->desc);
	return bad(t, s, e);
}

int dt_parse_ipv4(const struct datatype *t, unsigned bits, const char *s, uint8_t *out, struct err *e)
{
	(void)bits;
	return parse_ip(t, AF_INET, s, out, e);
}

int dt_parse_ipv6(const struct datatype *t, unsigned bits, const char *s, uint8_t *out, struct err *e)
{
	(void)bits;
	return parse_ip(t, AF_INET6, s, out, e);
}

static void print_ip(uint8_t family, const uint8_t *p, struct buf *out)
{
	struct ipaddr a = { .family = family };
	char text[IPADDR_STRLEN];

	memcpy(a.b, p, ipaddr_bytes(&a));
	buf_puts(out, ipaddr_format(&a, text));
}

void dt_print_ipv4(const struct datatype *t, unsigned bits, const uint8_t *p, struct buf *out)
{
	(void)t;
	(void)bits;
	print_ip(AF_INET, p, out);
}

void dt_print_ipv6(const struct datatype *t, unsigned bits, const uint8_t *p, struct buf *out)
{
	(void)t;
	(void)bits;
	print_ip(AF_INET6, p, out);
}

/* ---- interfaces, classes, cgroups ---- */

static bool number(const char *s, uint64_t max, uint64_t *v)
{
	return *s >= '0' && *s <= '9' && datatype_number(s, max, v);
}

int dt_parse_ifindex(const struct datatype *t, unsigned bits, const char *s, uint8_t *out, struct err *e)
{
	uint64_t v;

	if (!number(s, UINT32_MAX, &v)) {
		v = strlen(s) < IFNAMSIZ ? if_nametoindex(s) : 0;
		if (!v)
			return err_set(e, -ENODEV, "there is no interface '%s'", SHOWN(s));
	}
	return datatype_put_u64(t, bits, v, out, e);
}

void dt_print_ifindex(const struct datatype *t, unsigned bits, const uint8_t *p, struct buf *out)
{
	uint64_t v = datatype_get_u64(t, bits, p);
	char name[IFNAMSIZ];

	if (v && if_indextoname((unsigned)v, name))
		buf_quote(out, name, strlen(name));
	else
		buf_printf(out, "%llu", (unsigned long long)v);
}

static const char *hex16(const char *s, unsigned *v)
{
	const char *from = s;

	*v = 0;
	for (; hex_value(*s) >= 0 && s - from < 5; s++)
		*v = *v << 4 | (unsigned)hex_value(*s);
	return s == from || *v > 0xffff ? NULL : s;
}

int dt_parse_classid(const struct datatype *t, unsigned bits, const char *s, uint8_t *out, struct err *e)
{
	unsigned major = 0, minor = 0;
	const char *p;
	uint64_t v;

	if (!strcmp(s, "none")) {
		v = 0;
	} else if (!strcmp(s, "root")) {
		v = UINT32_MAX;
	} else if (strchr(s, ':')) {
		p = *s == ':' ? s : hex16(s, &major);
		if (!p || *p != ':')
			return bad(t, s, e);
		if (p[1] && (!(p = hex16(p + 1, &minor)) || *p))
			return bad(t, s, e);
		v = (uint64_t)major << 16 | minor;
	} else if (!number(s, UINT32_MAX, &v)) {
		return bad(t, s, e);
	}
	return datatype_put_u64(t, bits, v, out, e);
}

void dt_print_classid(const struct datatype *t, unsigned bits, const uint8_t *p, struct buf *out)
{
	uint64_t v = datatype_get_u64(t, bits, p);

	if (!v)
		buf_puts(out, "none");
	else if (v == UINT32_MAX)
		buf_puts(out, "root");
	else
		buf_printf(out, "%llx:%llx", (unsigned long long)(v >> 16), (unsigned long long)(v & 0xffff));
}

uint64_t dt_cgroup_id(const char *path)
{
	const struct datatype *t = datatype_by_id(DT_CGROUPV2);
	uint8_t b[NFT_KEY_MAX];
	_err_ struct err none = ERR_INIT;

	return dt_parse_cgroup(t, 64, path, b, &none) < 0 ? 0 : datatype_get_u64(t, 64, b);
}

int dt_parse_cgroup(const struct datatype *t, unsigned bits, const char *s, uint8_t *out, struct err *e)
{
	char path[PATH_MAX];
	struct stat st;
	size_t n = strlen(s);

	if (strstr(s, "..") || !text_is_clean(s, n) ||
		snprintf(path, sizeof(path), "/sys/fs/cgroup/%s", s) >= (int)sizeof(path))
		return err_set(e, -EINVAL, "'%s' is no path of a cgroup", SHOWN(s));
	if (stat(path, &st) < 0)
		return err_set(e, errno == ENOENT || errno == ENOTDIR ? -ENXIO : -errno,
			"control group '%s': %s", SHOWN(s), strerror(errno));
	return datatype_put_u64(t, bits, st.st_ino, out, e);
}

/* A label is one bit of the mask; the text is its number or its name. */
int dt_parse_label(const struct datatype *t, unsigned bits, const char *s, uint8_t *out, struct err *e)
{
	uint8_t big[NFT_KEY_MAX] = { 0 };
	unsigned n = datatype_bytes(bits);
	uint64_t bit;

	if (!number(s, UINT32_MAX, &bit) && !sys_label(s, &bit))
		return err_set(e, -EINVAL,
			"'%s' is no conntrack label: /etc/xtables/connlabel.conf does not name it", SHOWN(s));
	if (bit >= bits)
		return err_set(e, -EINVAL, "conntrack label %llu: the last one is %u",
			(unsigned long long)bit, bits - 1);
	big[n - 1 - bit / 8] = (uint8_t)(1u << bit % 8);
	datatype_put_big(t, bits, big, out);
	return (int)n;
}

void dt_print_label(const struct datatype *t, unsigned bits, const uint8_t *p, struct buf *out)
{
	uint8_t big[NFT_KEY_MAX];
	unsigned n = datatype_bytes(bits);
	const char *sep = "";

	datatype_get_big(t, bits, p, big);
	for (unsigned bit = 0; bit < bits; bit++) {
		const char *name;

		if (!(big[n - 1 - bit / 8] >> bit % 8 & 1))
			continue;
		name = sys_label_name(bit);
		buf_puts(out, sep);
		if (name)
			buf_printf(out, "\"%s\"", name);
		else
			buf_printf(out, "%u", bit);
		sep = ",";
	}
	if (!*sep)
		buf_puts(out, "0x0");
}

/* ---- time ---- */

/* Milliseconds; a plain number is seconds. */
int dt_parse_time(const struct datatype *t, unsigned bits, const char *s, uint8_t *out, struct err *e)
{
	uint64_t ms;

	if (!duration_parse(s, &ms))
		return err_set(e, -EINVAL, "'%s' is no duration (as in 1h30m)", SHOWN(s));
	return datatype_put_u64(t, bits, ms, out, e);
}

void dt_print_time(const struct datatype *t, unsigned bits, const uint8_t *p, struct buf *out)
{
	char dur[48];

	buf_puts(out, duration_format(datatype_get_u64(t, bits, p), dur));
}

#define NS 1000000000ull

/* As nft reads them: one digit is enough, a day has 61 leap seconds at most. */
static bool whole(const char *s, const char *format, struct tm *tm)
{
	const char *end;

	*tm = (struct tm){ .tm_isdst = -1 };
	end = strptime(s, format, tm);
	return end && !*end;
}

/* Nanoseconds since 1970; the text is local time, or seconds since 1970. */
int dt_parse_date(const struct datatype *t, unsigned bits, const char *s, uint8_t *out, struct err *e)
{
	struct tm tm;
	uint64_t v;
	time_t sec;

	if (number(s, INT64_MAX / NS, &v))
		return datatype_put_u64(t, bits, v * NS, out, e);
	if (!whole(s, "%Y-%m-%d %H:%M:%S", &tm) && !whole(s, "%Y-%m-%d %H:%M", &tm) &&
		!whole(s, "%Y-%m-%d", &tm))
		return err_set(e, -EINVAL, "'%s' is no date (YYYY-MM-DD HH:MM:SS)", SHOWN(s));
	sec = mktime(&tm);
	if (sec < 0 || (uint64_t)sec > INT64_MAX / NS)
		return err_set(e, -EINVAL, "'%s' is out of range", SHOWN(s));
	return datatype_put_u64(t, bits, (uint64_t)sec * NS, out, e);
}

void dt_print_date(const struct datatype *t, unsigned bits, const uint8_t *p, struct buf *out)
{
	time_t sec = (time_t)(datatype_get_u64(t, bits, p) / NS);
	struct tm tm;
	char text[64];

	if (!localtime_r(&sec, &tm) || !strftime(text, sizeof(text), "%Y-%m-%d %T", &tm))
		buf_printf(out, "%llu", (unsigned long long)sec);
	else
		buf_printf(out, "\"%s\"", text);
}

static long zone_offset(void)
{
	time_t now = time(NULL);
	struct tm tm;

	return localtime_r(&now, &tm) ? tm.tm_gmtoff : 0;
}

#define DAY 86400

/* Seconds of the day in UTC, which the kernel compares; the text is local time as of now, as nft has it. */
int dt_parse_hour(const struct datatype *t, unsigned bits, const char *s, uint8_t *out, struct err *e)
{
	struct tm tm;
	uint64_t v;
	long sec;

	if (number(s, UINT32_MAX, &v))
		return datatype_put_u64(t, bits, v, out, e);
	if (duration_parse(s, &v))
		return datatype_put_u64(t, bits, v / 1000, out, e);
	if (!whole(s, "%H:%M:%S", &tm) && !whole(s, "%H:%M", &tm))
		return err_set(e, -EINVAL, "'%s' is no time of day (HH:MM:SS)", SHOWN(s));
	sec = (tm.tm_hour * 3600 + tm.tm_min * 60 + tm.tm_sec - zone_offset()) % DAY;
	return datatype_put_u64(t, bits, (uint64_t)(sec < 0 ? sec + DAY : sec), out, e);
}

void dt_print_hour(const struct datatype *t, unsigned bits, const uint8_t *p, struct buf *out)
{
	long sec = (long)((datatype_get_u64(t, bits, p) + (uint64_t)(zone_offset() + DAY)) % DAY);

	buf_printf(out, sec % 60 ? "\"%02ld:%02ld:%02ld\"" : "\"%02ld:%02ld\"", sec / 3600, sec / 60 % 60,
		sec % 60);
}
