// SPDX-License-Identifier: GPL-2.0-or-later
/* What the control socket can be asked about packs. */
#include <errno.h>
#include <string.h>

#include "base/json.h"
#include "rnmd/daemon.h"

static int look(struct daemon *d, bool json, const char *name, struct buf *out, struct err *e)
{
	struct json j = { out, false };
	int rc;

	if (!json)
		return engine_packs(d->engine, name, out, e);
	rc = engine_packs_json(d->engine, name, &j, e);
	if (rc == 0)
		buf_putc(out, '\n');
	return rc;
}

static int change(struct daemon *d, char **w, int n, struct buf *out, struct err *e)
{
	const char *place = n > 2 ? w[2] : NULL;
	bool en = !strcmp(w[0], "enable"), dis = !strcmp(w[0], "disable");

	if (n < 2 || n > (en || dis ? 2 : 3))
		return err_set(e, -EINVAL, "'packs %s' takes a pack's NAME%s", w[0],
			en || dis ? "" : " and at most one HOOK, such as on_addr_change or wan.lua:7");
	record_step(d, REC_SWITCH, w[0], w[1], place);
	if (en)
		return engine_pack_enable(d->engine, w[1], d->shipped_dir, out, e);
	if (dis)
		return engine_pack_disable(d->engine, w[1], out, e);
	if (!strcmp(w[0], "quarantine"))
		return engine_pack_quarantine(d->engine, w[1], place, out, e);
	return engine_pack_release(d->engine, w[1], place, d->shipped_dir, out, e);
}

/* For programs: what the pack is now. */
static int changed(struct daemon *d, bool json, char **w, int n, struct buf *out, struct err *e)
{
	_buf_ struct buf lines = BUF_INIT;
	int rc = change(d, w, n, json ? &lines : out, e);

	if (rc == 0 && (!strcmp(w[0], "enable") || !strcmp(w[0], "release")))
		apply_pack(d, w[1]);
	return rc == 0 && json ? look(d, true, w[1], out, e) : rc;
}

static int run(struct daemon *d, struct session *s, char **w, int n, struct buf *out, struct err *e)
{
	static const char *const verbs[] = { "enable", "disable", "quarantine", "release" };
	bool json = false;

	for (int i = 0; i < n; i++) /* wherever people put it */
		if (!strcmp(w[i], "--json")) {
			json = true;
			free(w[i]);
			memmove(&w[i], &w[i + 1], (size_t)(n - i) * sizeof(*w));
			n--;
			break;
		}
	if (n == 0)
		return look(d, json, NULL, out, e);
	if (!strcmp(w[0], "show"))
		return n == 2 ? look(d, json, w[1], out, e)
			      : err_set(e, -EINVAL, "'packs show' takes a pack's NAME");
	for (size_t i = 0; i < ARRAY_SIZE(verbs); i++)
		if (!strcmp(w[0], verbs[i]))
			return session_may_all(s)
				       ? changed(d, json, w, n, out, e)
				       : err_set(e, -EACCES, "permission denied: 'packs %s' is for root",
						 w[0]);
	return err_set(e, -EINVAL,
		"'packs %.32s': expected show, enable, disable, quarantine or release, and a pack's NAME",
		w[0]);
}

int cmd_packs(void *ctx, struct session *s, const char *args, struct buf *out, struct err *e)
{
	char **words;
	int n = control_words(args, &words, e), rc;

	if (n < 0)
		return n;
	rc = run(ctx, s, words, n, out, e);
	control_words_free(words);
	return rc;
}
