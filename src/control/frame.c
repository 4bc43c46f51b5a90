// SPDX-License-Identifier: GPL-2.0-or-later
#include <string.h>

#include "control/frame.h"

static bool blank(char c)
{
	return c == ' ' || c == '\t';
}

enum frame_kind frame_next(const char *p, size_t n, size_t *used, const char **line, size_t *len)
{
	const char *nl = n ? memchr(p, '\n', n) : NULL;
	size_t l = nl ? (size_t)(nl - p) : n;
	bool empty = true;

	*used = 0;
	*line = p;
	*len = 0;
	if (l && p[l - 1] == '\r')
		l--;
	if (l > FRAME_LINE_MAX)
		return FRAME_TOO_LONG;
	if (!nl)
		return FRAME_MORE;
	*used = (size_t)(nl - p) + 1;
	*len = l;
	for (size_t i = 0; i < l; i++) {
		if (((unsigned char)p[i] < 0x20 && p[i] != '\t') || p[i] == 0x7f)
			return FRAME_BAD;
		empty = empty && blank(p[i]);
	}
	return empty ? FRAME_EMPTY : FRAME_LINE;
}

void frame_split(char *line, char **name, char **args)
{
	while (blank(*line))
		line++;
	*name = line;
	line += strcspn(line, " \t");
	if (*line)
		*line++ = 0;
	while (blank(*line))
		line++;
	*args = line;
}

static bool ambiguous(const char *line, size_t n)
{
	return (n >= 2 && !memcmp(line, "OK", 2)) || (n >= 3 && !memcmp(line, "ERR", 3)) ||
	       (n && *line == '\\');
}

void frame_payload(struct buf *out, const char *text, size_t n)
{
	while (n) {
		const char *nl = memchr(text, '\n', n);
		size_t l = nl ? (size_t)(nl - text) : n;

		if (ambiguous(text, l))
			buf_putc(out, '\\');
		buf_put(out, text, l);
		buf_putc(out, '\n');
		l += nl != NULL;
		text += l;
		n -= l;
	}
}

void frame_end(struct buf *out, int rc, const struct err *e)
{
	const char *text, *rest;

	if (rc == 0) {
		buf_puts(out, "OK\n");
		return;
	}
	text = err_text(e);
	rest = strchr(text, '\n');
	if (rest)
		frame_payload(out, rest + 1, strlen(rest + 1));
	buf_puts(out, "ERR ");
	buf_put(out, text, rest ? (size_t)(rest - text) : strlen(text));
	buf_putc(out, '\n');
}

enum answer_kind frame_answer(const char *line, const char **text)
{
	*text = line;
	if (*line == '\\') {
		*text = line + 1;
		return ANSWER_PAYLOAD;
	}
	if (!strcmp(line, "OK"))
		return ANSWER_OK;
	if (!strncmp(line, "ERR", 3) && (!line[3] || line[3] == ' ')) {
		*text = line[3] ? line + 4 : "";
		return ANSWER_ERR;
	}
	return ambiguous(line, strlen(line)) ? ANSWER_BAD : ANSWER_PAYLOAD;
}
