// SPDX-License-Identifier: GPL-2.0-or-later
/* Any bytes on the control socket: framing, words, escapes, JSON-RPC. What one end writes the other reads
 * back as it was, and every answer is one. */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/jread.h"
#include "base/xalloc.h"
#include "control/frame.h"
#include "control/session.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void check(bool ok)
{
	if (!ok)
		__builtin_trap();
}

static void words_round(const char *line)
{
	_buf_ struct buf again = BUF_INIT;
	_err_ struct err e = ERR_INIT;
	char **a, **b;
	int n = control_words(line, &a, &e), m;

	if (n < 0)
		return;
	for (int i = 0; i < n; i++)
		client_quote(a[i], &again);
	m = control_words(buf_str(&again), &b, &e);
	check(m == n);
	for (int i = 0; i < n; i++)
		check(!strcmp(a[i], b[i]));
	control_words_free(a);
	control_words_free(b);
}

static void escape_round(const char *code)
{
	_buf_ struct buf line = BUF_INIT, back = BUF_INIT;

	client_escape(code, &line);
	check(!strchr(buf_str(&line), '\n'));
	control_unescape(buf_str(&line), &back);
	check(!strcmp(buf_str(&back), code));
}

/* An answer's payload comes out as it went in, and its end is the only line that looks like one. */
static void answer_round(const char *text)
{
	_buf_ struct buf out = BUF_INIT, back = BUF_INIT;
	bool ended = false;

	frame_payload(&out, text, strlen(text));
	frame_end(&out, 0, NULL);
	for (char *p = out.s; *p;) {
		char *nl = strchr(p, '\n');
		const char *line;

		check(nl && !ended);
		*nl = 0;
		switch (frame_answer(p, &line)) {
		case ANSWER_PAYLOAD:
			buf_puts(&back, line);
			buf_putc(&back, '\n');
			break;
		case ANSWER_OK: ended = true; break;
		case ANSWER_ERR:
		case ANSWER_BAD: check(false);
		}
		p = nl + 1;
	}
	check(ended);
	check(!strncmp(buf_str(&back), text, strlen(text)) && back.n <= strlen(text) + 1);
}

/* ---- JSON-RPC ---- */

static int cmd_words(void *ctx, struct session *s, const char *args, struct buf *out, struct err *e)
{
	char **words;
	int n = control_words(args, &words, e);

	(void)ctx, (void)s;
	for (int i = 0; i < n; i++)
		buf_printf(out, "%s\n", words[i]);
	if (n >= 0)
		control_words_free(words);
	return n < 0 ? n : n == 3 ? -ENOENT : 0;
}

static int cmd_fail(void *ctx, struct session *s, const char *args, struct buf *out, struct err *e)
{
	(void)ctx, (void)s;
	buf_puts(out, args);
	return err_set(e, -EINVAL, "%s", args);
}

static int cmd_json(void *ctx, struct session *s, const char *args, struct buf *out, struct err *e)
{
	(void)ctx, (void)s, (void)e;
	check(!strncmp(args, "--json", 6) && !strpbrk(args, "\n"));
	buf_json(out, args, strlen(args));
	return 0;
}

static const struct control_param params[] = {
	{ "what", PARAM_WORDS, NULL, true },
	{ "dry_run", PARAM_FLAG, "--dry-run", false },
	{ "pack", PARAM_TEXT, "--pack", false },
	{ "seconds", PARAM_NUMBER, "--confirm", false },
	{ "data", PARAM_PAIRS, NULL, false },
	{ "code", PARAM_CODE, NULL, false },
	{ NULL, 0, NULL, false },
};
static const struct control_cmd commands[] = {
	{ "words", "", "", true, true, cmd_words, false, NULL },
	{ "fail", "", "", true, true, cmd_fail, false, NULL },
	{ "json", "", "", true, true, cmd_json, true, params },
	{ "root", "", "", false, false, cmd_words, false, NULL },
	{ NULL, NULL, NULL, false, false, NULL, false, NULL },
};

static void rpc(const char *line, size_t len)
{
	struct control c = { .cmds = commands };
	struct session s = { .c = &c, .json = true, .peer = PEER_READER };
	struct jdoc doc;

	rpc_run(&s, line, len);
	if (s.out.n) {
		check(s.out.s[s.out.n - 1] == '\n' && !memchr(s.out.s, '\n', s.out.n - 1));
		check(jread(s.out.s, s.out.n, UINT32_MAX, &doc, NULL) == 0);
		check(!jval_get(doc.root, "result") == !!jval_get(doc.root, "error"));
		check(jval_get(doc.root, "id") != NULL);
		jdoc_free(&doc);
	}
	news_end(&s);
	for (int i = 0; i < NEWS_N; i++)
		check(!c.n_news[i]);
	buf_free(&s.out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	/* exactly n bytes on the heap: a byte read beyond is seen */
	char *copy = xmalloc(n ? n : 1), *p = copy;
	size_t left = n;

	memcpy(copy, data, n);
	rpc(copy, n);
	for (;;) {
		const char *line;
		size_t used, len;
		enum frame_kind k = frame_next(p, left, &used, &line, &len);

		if (k == FRAME_MORE || k == FRAME_TOO_LONG) {
			check(used == 0);
			break;
		}
		check(used > 0 && used <= left && len < used);
		if (k == FRAME_LINE) {
			_autofree_ char *request = xstrndup(line, len);
			char *name, *args;

			words_round(request);
			escape_round(request);
			frame_split(request, &name, &args);
			check(*name && !strpbrk(name, " \t\n"));
		}
		p += used;
		left -= used;
	}
	free(copy);
	copy = xstrndup((const char *)data, n);
	answer_round(copy);
	escape_round(copy);
	words_round(copy);
	free(copy);
	return 0;
}
