// SPDX-License-Identifier: GPL-2.0-or-later
/* Filters are made once and asked often: texts are turned into values when they are added, so that a match
 * compares numbers and bytes, and two spellings of one address are one filter. */
#include <errno.h>
#include <inttypes.h>
#include <linux/netlink.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/text.h"
#include "base/xalloc.h"
#include "net/names.h"
#include "net/query.h"

/* Enough for a whole address list by hand; long lists belong into sets. */
#define ALTS_MAX 4096

static int no_field(enum net_kind kind, const char *field, struct err *e)
{
	const char *near = net_field_suggest(kind, field);

	return err_set(e, -ENOENT, "%ss have no field '%s'%s%s%s", net_kind_name(kind), field,
		near ? ", did you mean '" : "", near ? near : "", near ? "'?" : "");
}

static int bad_value(
	const struct net_field *f, const char *text, const char *want, const char *near, struct err *e)
{
	return err_set(e, -EINVAL, "%s: '%s' is no %s%s%s%s", f->name, text, want,
		near ? ", did you mean '" : "", near ? near : "", near ? "'?" : "");
}

static const char *nth_name(void *ctx, size_t i)
{
	return ((const struct net_name *)ctx)[i].name;
}

static int parse_enum(const struct net_field *f, const char *text, struct net_val *v, struct err *e)
{
	for (const struct net_name *n = f->names; n->name; n++)
		if (!strcmp(n->name, text)) {
			v->num = n->num;
			v->str = n->name;
			return 0;
		}
	if (!parse_u64(text, UINT32_MAX, &v->num))
		return bad_value(f, text, "value it can have",
			suggest(text, nth_name, (void *)(uintptr_t)f->names), e);
	v->str = net_name_of(f->names, (uint32_t)v->num);
	return 0;
}

static const char *nth_flag(void *ctx, size_t i)
{
	const struct net_field *f = ctx;

	for (unsigned bit = 0; bit < 64; bit++)
		if (f->flag_name(bit) && !i--)
			return f->flag_name(bit);
	return NULL;
}

static int parse_flag(const struct net_field *f, const char *text, struct net_val *v, struct err *e)
{
	for (unsigned bit = 0; bit < 64; bit++) {
		const char *name = f->flag_name(bit);

		if (name && !strcmp(name, text)) {
			v->num = 1ull << bit;
			v->flag_name = f->flag_name;
			return 0;
		}
	}
	return bad_value(f, text, "flag", suggest(text, nth_flag, (void *)(uintptr_t)f), e);
}

static int parse_bool(const struct net_field *f, const char *text, struct net_val *v, struct err *e)
{
	v->num = !strcmp(text, "true");
	return v->num || !strcmp(text, "false") ? 0 : bad_value(f, text, "yes or no: true, false", NULL, e);
}

static int parse_family(const struct net_field *f, const char *text, struct net_val *v, struct err *e)
{
	v->num = !strcmp(text, "ipv4") ? AF_INET : AF_INET6;
	return v->num == AF_INET || !strcmp(text, "ipv6") ? 0
							  : bad_value(f, text, "family: ipv4, ipv6", NULL, e);
}

static int parse_prefix(const struct net_field *f, const char *text, struct net_val *v, struct err *e)
{
	if (!strcmp(text, "default"))
		return 0; /* of either family: compared by its length alone */
	if (!ipprefix_parse(text, &v->prefix))
		return bad_value(f, text, "prefix", NULL, e);
	v->prefix.addr = ipaddr_mask(&v->prefix.addr, v->prefix.len);
	return 0;
}

static int parse_addr(const struct net_field *f, const char *text, struct net_val *v, struct err *e)
{
	if (!ipaddr_parse(text, &v->prefix.addr))
		return bad_value(f, text, "IP address", NULL, e);
	v->prefix.len = (uint8_t)ipaddr_bits(&v->prefix.addr);
	return 0;
}

/* Addresses of other lengths than Ethernet's are compared by their text, in lower case. */
static int parse_mac(const struct net_field *f, const char *text, struct err *e)
{
	return text[strspn(text, "0123456789abcdefABCDEF:")] ? bad_value(f, text, "MAC address", NULL, e) : 0;
}

static char *canon_mac(char *text) /* takes text */
{
	char canon[MAC_STRLEN];
	uint8_t mac[6];

	if (mac_parse(text, mac)) {
		free(text);
		return xstrdup(mac_format(mac, sizeof(mac), canon));
	}
	for (char *p = text; *p; p++)
		if (*p >= 'A' && *p <= 'F')
			*p = (char)(*p - 'A' + 'a');
	return text;
}

static int parse_value(const struct net_field *f, const char *text, struct net_val *v, struct err *e)
{
	*v = (struct net_val){ .type = f->type, .absent = !*text };
	if (v->absent)
		return 0;
	switch (f->type) {
	case NF_U32: return parse_u64(text, UINT32_MAX, &v->num) ? 0 : bad_value(f, text, "number", NULL, e);
	case NF_BOOL: return parse_bool(f, text, v, e);
	case NF_FAMILY: return parse_family(f, text, v, e);
	case NF_ENUM: return parse_enum(f, text, v, e);
	case NF_FLAGS: return parse_flag(f, text, v, e);
	case NF_ADDR: return parse_addr(f, text, v, e);
	case NF_PREFIX: return parse_prefix(f, text, v, e);
	case NF_MAC: return parse_mac(f, text, e);
	case NF_STR:
	case NF_NEXTHOPS: break;
	}
	return 0;
}

static bool text_only(enum net_ftype type)
{
	return type == NF_STR || type == NF_MAC || type == NF_NEXTHOPS;
}

/* Takes text. */
static int make_alt(
	const struct net_field *f, bool negated, char *text, struct filter_alt *alt, struct err *e)
{
	struct buf _buf_ canon = BUF_INIT;
	int rc;

	*alt = (struct filter_alt){ .text = text };
	if (glob_is(text)) {
		alt->op = negated ? FILTER_NOT_GLOB : FILTER_GLOB;
		return 0;
	}
	alt->op = negated ? FILTER_NE : FILTER_EQ;
	rc = parse_value(f, text, &alt->want, e);
	if (rc) {
		free(text);
		return rc;
	}
	if (f->type == NF_MAC)
		alt->text = text = canon_mac(text);
	if (alt->want.absent || text_only(f->type)) {
		alt->want.str = text;
		return 0;
	}
	net_val_text(&alt->want, &canon);
	free(text);
	alt->text = buf_take(&canon);
	return 0;
}

static struct filter *filter_of(struct filters *fs, const struct net_field *f)
{
	for (uint32_t i = 0; i < fs->n; i++)
		if (fs->f[i].field == f)
			return &fs->f[i];
	fs->f = xrealloc(fs->f, fs->n + 1u, sizeof(*fs->f));
	fs->f[fs->n] = (struct filter){ .field = f };
	return &fs->f[fs->n++];
}

static void add_alt(struct filters *fs, const struct net_field *field, const struct filter_alt *alt)
{
	struct filter *f = filter_of(fs, field);

	f->alt = xrealloc(f->alt, f->n_alt + 1u, sizeof(*f->alt));
	f->alt[f->n_alt++] = *alt;
}

static int room(struct filters *fs, const struct net_field *f, struct err *e)
{
	if (filter_of(fs, f)->n_alt >= ALTS_MAX)
		return err_set(e, -E2BIG, "%s: more than %d values", f->name, ALTS_MAX);
	return 0;
}

int filters_add(struct filters *fs, const char *field, const char *text, struct err *e)
{
	const struct net_field *f = net_field(fs->kind, field);
	bool negated = *text == '!';
	struct filter_alt alt;
	int rc;

	if (!f)
		return no_field(fs->kind, field, e);
	rc = make_alt(f, negated, xstrdup(text + negated), &alt, e);
	if (rc)
		return rc;
	rc = room(fs, f, e);
	if (rc)
		free(alt.text);
	else
		add_alt(fs, f, &alt);
	return rc;
}

int filters_add_none(struct filters *fs, const char *field, struct err *e)
{
	const struct net_field *f = net_field(fs->kind, field);
	struct filter_alt alt = { .op = FILTER_NONE };
	int rc = f ? room(fs, f, e) : no_field(fs->kind, field, e);

	if (rc)
		return rc;
	alt.text = xstrdup("");
	add_alt(fs, f, &alt);
	return 0;
}

int filters_add_num(struct filters *fs, const char *field, int64_t num, bool is_bool, struct err *e)
{
	const struct net_field *f = net_field(fs->kind, field);
	char text[32];

	if (!f)
		return no_field(fs->kind, field, e);
	if (is_bool)
		return f->type == NF_BOOL ? filters_add(fs, field, num ? "true" : "false", e)
					  : err_set(e, -EINVAL, "%s is not true or false but a value", field);
	if (f->type != NF_U32 && f->type != NF_ENUM)
		return err_set(e, -EINVAL, "%s: %" PRId64 " is a number, but the field has none", field, num);
	if (num < 0 || num > UINT32_MAX)
		return err_set(e, -EINVAL, "%s: %" PRId64 " is out of range", field, num);
	snprintf(text, sizeof(text), "%" PRId64, num);
	return filters_add(fs, field, text, e);
}

static int cmp_alt(const void *a, const void *b)
{
	const struct filter_alt *x = a, *y = b;

	return x->op != y->op ? (int)x->op - (int)y->op : strcmp(x->text, y->text);
}

static int cmp_filter(const void *a, const void *b)
{
	return strcmp(((const struct filter *)a)->field->name, ((const struct filter *)b)->field->name);
}

void filters_canon(struct filters *fs)
{
	if (fs->n)
		qsort(fs->f, fs->n, sizeof(*fs->f), cmp_filter);
	for (uint32_t i = 0; i < fs->n; i++) {
		struct filter *f = &fs->f[i];
		uint32_t kept = 0;

		if (f->n_alt)
			qsort(f->alt, f->n_alt, sizeof(*f->alt), cmp_alt);
		for (uint32_t k = 0; k < f->n_alt; k++) {
			if (kept && !cmp_alt(&f->alt[kept - 1], &f->alt[k]))
				free(f->alt[k].text);
			else
				f->alt[kept++] = f->alt[k];
		}
		f->n_alt = kept;
	}
}

static bool text_is(const struct net_val *v, const struct filter_alt *a)
{
	char text[MAC_STRLEN];
	struct buf _buf_ out = BUF_INIT;

	if (v->type == NF_STR)
		return !strcmp(v->str, a->text);
	if (v->type == NF_MAC)
		return !strcmp(mac_format(v->mac, v->mac_len, text), a->text);
	net_val_text(v, &out);
	return !strcmp(buf_str(&out), a->text);
}

static bool same(const struct net_val *v, const struct filter_alt *a)
{
	if (a->want.absent || (v->absent && v->type != NF_FLAGS))
		return v->type == NF_FLAGS ? !v->num : v->absent && a->want.absent;
	if (text_only(v->type))
		return text_is(v, a);
	if (v->type == NF_FLAGS)
		return v->num & a->want.num;
	if (v->type == NF_PREFIX && !a->want.prefix.addr.family)
		return !v->prefix.len;
	return net_val_equal(v, &a->want);
}

static bool any_flag_globs(const struct net_val *v, const char *glob)
{
	for (unsigned bit = 0; bit < 64; bit++) {
		const char *name = v->num >> bit & 1 ? v->flag_name(bit) : NULL;

		if (name && glob_match(glob, name))
			return true;
	}
	return false;
}

static bool globs(const struct net_val *v, const struct filter_alt *a)
{
	struct buf _buf_ text = BUF_INIT;

	if (v->type == NF_FLAGS)
		return any_flag_globs(v, a->text);
	if (v->type == NF_STR)
		return glob_match(a->text, v->str);
	net_val_text(v, &text);
	return glob_match(a->text, buf_str(&text));
}

static bool filter_match(const struct filter *f, const struct net_rec *r)
{
	bool positive = false, matched = false;
	struct net_val v;

	f->field->get(r, &v);
	for (uint32_t i = 0; i < f->n_alt; i++) {
		const struct filter_alt *a = &f->alt[i];

		switch (a->op) {
		case FILTER_EQ:
		case FILTER_GLOB:
			positive = true;
			matched = matched || (a->op == FILTER_EQ ? same(&v, a) : globs(&v, a));
			break;
		case FILTER_NONE: positive = true; break;
		case FILTER_NE:
			if (same(&v, a))
				return false;
			break;
		case FILTER_NOT_GLOB:
			if (globs(&v, a))
				return false;
			break;
		}
	}
	return matched || !positive;
}

bool filters_match(const struct filters *fs, const struct net_rec *r)
{
	if (!r || r->kind != fs->kind)
		return false;
	for (uint32_t i = 0; i < fs->n; i++)
		if (!filter_match(&fs->f[i], r))
			return false;
	return true;
}

void filters_copy(struct filters *to, const struct filters *from)
{
	*to = (struct filters){ .kind = from->kind, .lifetimes = from->lifetimes };
	for (uint32_t i = 0; i < from->n; i++)
		for (uint32_t k = 0; k < from->f[i].n_alt; k++) {
			struct filter_alt alt = from->f[i].alt[k];

			alt.text = xstrdup(alt.text);
			if (alt.want.str == from->f[i].alt[k].text)
				alt.want.str = alt.text;
			add_alt(to, from->f[i].field, &alt);
		}
}

void filters_free(struct filters *fs)
{
	for (uint32_t i = 0; i < fs->n; i++) {
		for (uint32_t k = 0; k < fs->f[i].n_alt; k++)
			free(fs->f[i].alt[k].text);
		free(fs->f[i].alt);
	}
	free(fs->f);
	*fs = (struct filters){ .kind = fs->kind };
}

static void put_alt(const struct filter_alt *a, struct buf *out)
{
	bool negated = a->op == FILTER_NE || a->op == FILTER_NOT_GLOB;

	if (a->op == FILTER_NONE) {
		buf_puts(out, "{}");
		return;
	}
	buf_puts(out, negated ? "\"!" : "\"");
	for (const char *s = a->text; *s; s++) {
		if (*s == '"')
			buf_putc(out, '\\');
		buf_escape(out, s, 1);
	}
	buf_putc(out, '"');
}

void filters_text(const struct filters *fs, struct buf *out)
{
	buf_printf(out, "net.%ss{", net_kind_name(fs->kind));
	for (uint32_t i = 0; i < fs->n; i++) {
		const struct filter *f = &fs->f[i];

		buf_printf(out, "%s%s=%s", i ? "," : "", f->field->name, f->n_alt == 1 ? "" : "{");
		for (uint32_t k = 0; k < f->n_alt; k++) {
			if (k)
				buf_putc(out, ',');
			put_alt(&f->alt[k], out);
		}
		if (f->n_alt != 1)
			buf_putc(out, '}');
	}
	if (fs->lifetimes)
		buf_printf(out, "%slifetimes=true", fs->n ? "," : "");
	buf_putc(out, '}');
}
