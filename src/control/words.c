// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <string.h>

#include "base/vec.h"
#include "control/control.h"

#define WORDS_MAX 1024u

void client_escape(const char *code, struct buf *out)
{
	for (; *code; code++) {
		if (*code == '\n')
			buf_puts(out, "\\n");
		else if (*code == '\\')
			buf_puts(out, "\\\\");
		else
			buf_putc(out, *code);
	}
}

void control_unescape(const char *code, struct buf *out)
{
	for (; *code; code++) {
		if (code[0] == '\\' && (code[1] == 'n' || code[1] == '\\'))
			buf_putc(out, *++code == 'n' ? '\n' : '\\');
		else
			buf_putc(out, *code);
	}
}

void client_quote(const char *word, struct buf *out)
{
	if (out->n)
		buf_putc(out, ' ');
	if (*word && !word[strcspn(word, " \t\n\"\\")]) {
		buf_puts(out, word);
		return;
	}
	buf_putc(out, '"');
	for (; *word; word++) {
		if (*word == '\n') {
			buf_puts(out, "\\n");
			continue;
		}
		if (*word == '"' || *word == '\\')
			buf_putc(out, '\\');
		buf_putc(out, *word);
	}
	buf_putc(out, '"');
}

void control_words_free(char **words)
{
	for (char **w = words; w && *w; w++)
		free(*w);
	free(words);
}

/* One word at *p, quotes anywhere in it. False: a quote is left open. */
static bool next_word(const char **p, struct buf *word)
{
	bool quoted = false;
	const char *s = *p;

	for (; *s && (quoted || (*s != ' ' && *s != '\t')); s++) {
		if (*s == '"') {
			quoted = !quoted;
		} else if (quoted && *s == '\\' && s[1]) {
			s++;
			buf_putc(word, *s == 'n' ? '\n' : *s);
		} else {
			buf_putc(word, *s);
		}
	}
	*p = s;
	return !quoted;
}

int control_word(const char **args, struct buf *word, struct err *e)
{
	*args += strspn(*args, " \t");
	if (!**args)
		return 0;
	return next_word(args, word) ? 1 : err_set(e, -EINVAL, "a \" is left open");
}

int control_words(const char *args, char ***words, struct err *e)
{
	VEC(char *) list = { 0 };
	int rc = 0;

	for (;;) {
		_buf_ struct buf word = BUF_INIT;

		rc = control_word(&args, &word, e);
		if (rc > 0 && list.n >= WORDS_MAX)
			rc = err_set(e, -EINVAL, "more than %u words", WORDS_MAX);
		if (rc <= 0)
			break;
		vec_push(&list, buf_take(&word));
	}
	vec_push(&list, NULL);
	if (rc < 0) {
		control_words_free(list.v);
		list.v = NULL;
	}
	*words = list.v;
	return rc < 0 ? rc : (int)list.n - 1;
}
