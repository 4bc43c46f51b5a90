// SPDX-License-Identifier: GPL-2.0-or-later
/* Any bytes as a recording: refused with a line, or taken; its records then go into a mirror as a replay puts
 * them there, and what is written of them is read again. */
#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "engine/recording.h"
#include "net/mirror.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void event(void *ctx, const struct net_event *ev)
{
	_buf_ struct buf text = BUF_INIT;

	(void)ctx;
	net_event_text(ev, &text);
}

static void again(const struct recording *r)
{
	_buf_ struct buf text = BUF_INIT;
	_err_ struct err e = ERR_INIT;
	struct recording twin;

	recording_put_head(&text, 0, r->wall, r->kinds, r->path, r->config, strlen(r->config));
	buf_putc(&text, '\n');
	vec_foreach (l, &r->v) {
		if (l->rec)
			recording_put_rec(&text, l->t, l->what, l->rec);
		else if (l->what == REC_MESSAGE)
			recording_put_message(&text, l->t, l->s[0], (const char *const *)l->kv, l->n_kv);
		else
			recording_put(&text, l->t, l->what, (const char *const *)l->s, l->n);
		buf_putc(&text, '\n');
	}
	if (recording_read(buf_str(&text), text.n, &twin, &e) < 0 || twin.v.n != r->v.n ||
		twin.first != r->first)
		__builtin_trap();
	for (uint32_t i = 0; i < r->v.n; i++)
		if (r->v.v[i].rec && net_rec_cmp(r->v.v[i].rec, twin.v.v[i].rec) != 0)
			__builtin_trap();
	recording_free(&twin);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct mirror *m;
	struct recording r;
	_err_ struct err e = ERR_INIT;

	if (recording_read((const char *)data, n, &r, &e) < 0) {
		if (!e.text || !*e.text)
			__builtin_trap();
		recording_free(&r);
		return 0;
	}
	m = mirror_new(&(struct mirror_ops){ .event = event });
	vec_foreach (l, &r.v) {
		if (l->what == REC_HAVE || l->what == REC_SET)
			mirror_set(m, l->rec);
		else if (l->what == REC_DEL)
			mirror_del(m, l->rec);
	}
	mirror_free(m);
	again(&r);
	recording_free(&r);
	return 0;
}
