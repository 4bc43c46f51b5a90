// SPDX-License-Identifier: GPL-2.0-or-later
/* Set elements → nft's notation. */
#include <string.h>

#include "base/text.h"
#include "nft/datatype.h"

/* Length of the prefix that [lo, hi] is, both big endian; -1: none. */
static int prefix_len(unsigned bits, const uint8_t *lo, const uint8_t *hi)
{
	unsigned n = datatype_bytes(bits), len = 0;

	while (len < 8 * n && !((lo[len / 8] ^ hi[len / 8]) >> (7 - len % 8) & 1))
		len++;
	for (unsigned i = len; i < 8 * n; i++)
		if ((lo[i / 8] >> (7 - i % 8) & 1) || !(hi[i / 8] >> (7 - i % 8) & 1))
			return -1;
	return (int)len - (int)(8 * n - bits);
}

/* Host order again. */
static void unturn(const struct datatype *t, unsigned n, const uint8_t *p, uint8_t *out)
{
	for (unsigned i = 0; i < n; i++)
		out[i] = p[t->order == ORDER_HOST && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? n - 1 - i
											       : i];
}

static bool all_ff(const uint8_t *p, unsigned n)
{
	while (n && *p == 0xff) {
		p++;
		n--;
	}
	return !n;
}

static void string_range(
	const struct datatype *t, unsigned bits, const uint8_t *lo, const uint8_t *hi, struct buf *out)
{
	unsigned n = datatype_bytes(bits), same = (unsigned)strnlen((const char *)lo, n);

	if (!memcmp(lo, hi, same) && all_ff(hi + same, n - same)) {
		char glob[NFT_KEY_MAX + 1];

		memcpy(glob, lo, same);
		glob[same] = '*';
		buf_quote(out, glob, same + 1);
		return;
	}
	datatype_print(t, bits, lo, out);
	buf_putc(out, '-');
	datatype_print(t, bits, hi, out);
}

/* lo and hi as in an interval set: big endian. */
static void print_range(
	const struct datatype *t, unsigned bits, const uint8_t *lo, const uint8_t *hi, struct buf *out)
{
	unsigned n = datatype_bytes(bits);
	uint8_t a[NFT_KEY_MAX], b[NFT_KEY_MAX];
	int len;

	unturn(t, n, lo, a);
	unturn(t, n, hi, b);
	if (!memcmp(lo, hi, n)) {
		datatype_print(t, bits, a, out);
		return;
	}
	if (t->base == BASE_STRING) {
		string_range(t, bits, lo, hi, out);
		return;
	}
	len = t->prefix ? prefix_len(bits, lo, hi) : -1;
	if (len >= 0) {
		datatype_print(t, bits, a, out);
		buf_printf(out, "/%d", len);
		return;
	}
	datatype_print_plain(t, bits, a, out);
	buf_putc(out, '-');
	datatype_print_plain(t, bits, b, out);
}

static void print_value(
	const struct nft_type *t, const uint8_t *lo, const uint8_t *hi, unsigned len, struct buf *out)
{
	unsigned off = 0;

	for (unsigned i = 0; i < t->n; i++) {
		unsigned n = datatype_bytes(t->bits[i]);

		if (off + n > len)
			return;
		if (i)
			buf_puts(out, " . ");
		if (hi)
			print_range(t->part[i], t->bits[i], lo + off, hi + off, out);
		else
			datatype_print(t->part[i], t->bits[i], lo + off, out);
		off += t->n > 1 ? (n + 3) & ~3u : n;
	}
}

static void print_verdict(const struct setelem *el, struct buf *out)
{
	switch (el->verdict_code) {
	case 0: buf_puts(out, "drop"); break;
	case 1: buf_puts(out, "accept"); break;
	case NFT_CONTINUE: buf_puts(out, "continue"); break;
	case NFT_RETURN: buf_puts(out, "return"); break;
	case NFT_JUMP: buf_printf(out, "jump %s", el->target); break;
	case NFT_GOTO: buf_printf(out, "goto %s", el->target); break;
	default: buf_printf(out, "%d", el->verdict_code); break;
	}
}

static void print_data(const struct set_info *set, const struct setelem *el, struct buf *out)
{
	buf_puts(out, " : ");
	if (set->flags & NFT_SET_OBJECT)
		buf_printf(out, "\"%s\"", el->target);
	else if (el->verdict)
		print_verdict(el, out);
	else if (set->data.interval)
		print_value(&set->data, el->data, el->data + el->dlen / 2, el->dlen / 2, out);
	else
		print_value(&set->data, el->data, NULL, el->dlen, out);
}

void nft_elem_text(const struct set_info *set, const struct setelem *el, struct buf *out)
{
	char dur[48];

	if (el->catchall)
		buf_putc(out, '*');
	else
		print_value(&set->key, el->key, el->interval ? el->key_end : NULL, el->klen, out);
	if (el->timeout_ms)
		buf_printf(out, " timeout %s", duration_format(el->timeout_ms, dur));
	if (el->expires_ms)
		buf_printf(out, " expires %s", duration_format(el->expires_ms, dur));
	if (el->comment) {
		buf_puts(out, " comment ");
		buf_quote(out, el->comment, strlen(el->comment));
	}
	if (set->flags & (NFT_SET_MAP | NFT_SET_OBJECT))
		print_data(set, el, out);
}
