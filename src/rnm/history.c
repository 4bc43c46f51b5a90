// SPDX-License-Identifier: GPL-2.0-or-later
/* What was typed before, kept in a file that several prompts may add to at once: one entry a line, its
 * newlines as \n and backslashes doubled. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "control/control.h"
#include "rnm/edit_int.h"

#define HISTORY_MAX 1000u

static bool keep(struct edit *ed, const char *text)
{
	if (!text[strspn(text, " \n")] || (ed->history.n && !strcmp(vec_last(&ed->history), text)))
		return false;
	if (ed->history.n >= HISTORY_MAX) {
		free(ed->history.v[0]);
		vec_remove(&ed->history, 0);
	}
	vec_push(&ed->history, xstrdup(text));
	return true;
}

static void put_entry(struct buf *out, const char *text)
{
	client_escape(text, out);
	buf_putc(out, '\n');
}

static bool write_all(int fd, const struct buf *b)
{
	return b->n == 0 || write(fd, b->s, b->n) == (ssize_t)b->n;
}

void edit_remember(struct edit *ed, const char *text)
{
	_buf_ struct buf entry = BUF_INIT;

	if (!keep(ed, text) || !ed->file)
		return;
	_autoclose_ int fd =
		open(ed->file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);

	if (fd < 0)
		return;
	put_entry(&entry, text);
	write_all(fd, &entry); /* one write: whole entries stand there, whoever else writes */
}

/* Only the newest stay. */
static void shorten(struct edit *ed)
{
	_autofree_ char *tmp = xasprintf("%s.new", ed->file);
	_buf_ struct buf all = BUF_INIT;
	_autoclose_ int fd = open(tmp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd < 0)
		return;
	vec_foreach (text, &ed->history)
		put_entry(&all, *text);
	if (!write_all(fd, &all) || rename(tmp, ed->file) < 0)
		unlink(tmp);
}

static void read_entries(struct edit *ed, FILE *f)
{
	char line[2 * EDIT_MAX + 2];
	unsigned n = 0;

	while (fgets(line, sizeof(line), f)) {
		_buf_ struct buf text = BUF_INIT;

		line[strcspn(line, "\n")] = 0;
		control_unescape(line, &text);
		if (text.n <= EDIT_MAX)
			keep(ed, buf_str(&text));
		n++;
	}
	if (n > 2 * HISTORY_MAX)
		shorten(ed);
}

struct edit *edit_new(const char *history, const struct edit_ops *ops)
{
	struct edit *ed = xnew(struct edit);
	struct stat st;
	FILE *f;
	int fd;

	ed->ops = *ops;
	if (!history)
		return ed;
	ed->file = xstrdup(history);
	fd = open(history, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0)
		return ed;
	f = fstat(fd, &st) == 0 && S_ISREG(st.st_mode) ? fdopen(fd, "r") : NULL;
	if (!f) { /* no file of ours: left alone */
		close(fd);
		free(ed->file);
		ed->file = NULL;
		return ed;
	}
	read_entries(ed, f);
	fclose(f);
	return ed;
}

void edit_free(struct edit *ed)
{
	vec_foreach (text, &ed->history)
		free(*text);
	vec_free(&ed->history);
	buf_free(&ed->line);
	free(ed->kept);
	free(ed->file);
	free(ed);
}
