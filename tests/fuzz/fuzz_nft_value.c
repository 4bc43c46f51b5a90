// SPDX-License-Identifier: GPL-2.0-or-later
/* Any bytes as an element: first byte chooses the type, second how the value comes, the rest is its text. It
 * is refused with words, or has the length of its type, and what it is printed as means the same again. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "nft/datatype.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

/* Types that look into the system (users, interfaces, cgroups, the local time) and so may change in between.
 */
static bool outside(const struct datatype *t)
{
	return t->id == DT_UID || t->id == DT_GID || t->id == DT_IFINDEX || t->id == DT_CGROUPV2 ||
	       t->id == DT_TIME_HOUR || t->id == DT_TIME_DATE || t->id == DT_VERDICT;
}

static bool choose(uint8_t byte, struct nft_type *out)
{
	const struct datatype *t = datatype_at(byte % 64);
	static const uint16_t widths[] = { 8, 12, 32, 64, 128 };

	if (!t || outside(t))
		return false;
	*out = nft_type_of(t, t->bits ? t->bits : widths[byte / 64 + (byte & 1)]);
	return true;
}

static void clean(const char *s)
{
	for (; *s; s++)
		if ((unsigned char)*s < 0x20 || *s == 0x7f)
			__builtin_trap();
}

static void again(const struct set_info *set, const struct setelem *el, char *text)
{
	const struct datatype *t = set->key.part[0];
	struct val v = { .kind = VAL_STRING, .str = text };
	struct setelem same;

	if (set->key.n != 1 || t->base == BASE_STRING || t->quote || t->id == DT_CT_LABEL || el->catchall)
		return;
	if (nft_elem_make(set, &v, NULL, &same, NULL) < 0 || same.klen != el->klen ||
		memcmp(same.key, el->key, el->klen) ||
		(el->interval && memcmp(same.key_end, el->key_end, el->klen)))
		__builtin_trap();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct set_info set = { .name = "s" };
	struct val v = { .kind = VAL_STRING };
	_buf_ struct buf text = BUF_INIT;
	_err_ struct err e = ERR_INIT;
	struct nft_type second;
	struct setelem el;

	if (n < 3 || n > 1000 || !choose(data[0], &set.key))
		return 0;
	set.flags = data[1] & 1 ? NFT_SET_INTERVAL : 0;
	if (data[1] & 2)
		v.kind = VAL_GLOB;
	if (data[1] & 4 && choose(data[1] >> 3, &second)) {
		set.key.part[1] = second.part[0];
		set.key.bits[1] = second.bits[0];
		set.key.n = 2;
	}
	v.str = xstrndup((const char *)data + 2, n - 2);
	if (nft_elem_make(&set, &v, NULL, &el, &e) < 0) {
		if (!e.text || !*e.text)
			__builtin_trap();
		clean(e.text);
	} else {
		if (!el.catchall && el.klen != nft_type_len(&set.key))
			__builtin_trap();
		nft_elem_text(&set, &el, &text);
		clean(buf_str(&text));
		again(&set, &el, buf_str(&text));
	}
	free(v.str);
	return 0;
}
