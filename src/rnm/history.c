// SPDX-License-Identifier: GPL-2.0-or-later
/* What was typed before, kept in a file. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "rnm/edit_int.h"

#define HISTORY_MAX 1000u

void edit_remember(struct edit *ed, const char *line)
{
	if (!line[strspn(line, " ")] || (ed->history.n && !strcmp(vec_last(&ed->history), line)))
		return;
	if (ed->history.n >= HISTORY_MAX) {
		free(ed->history.v[0]);
		vec_remove(&ed->history, 0);
	}
	vec_push(&ed->history, xstrdup(line));
}

struct edit *edit_new(const char *history)
{
	struct edit *ed = xnew(struct edit);
	char line[EDIT_MAX + 2];
	FILE *f;

	if (!history)
		return ed;
	ed->file = xstrdup(history);
	f = fopen(history, "re");
	while (f && fgets(line, sizeof(line), f)) {
		line[strcspn(line, "\n")] = 0;
		edit_remember(ed, line);
	}
	if (f)
		fclose(f);
	return ed;
}

void edit_free(struct edit *ed)
{
	int fd = ed->file ? open(ed->file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600) : -1;
	FILE *f = fd >= 0 ? fdopen(fd, "w") : NULL;

	vec_foreach (line, &ed->history) {
		if (f)
			fprintf(f, "%s\n", *line);
		free(*line);
	}
	if (f)
		fclose(f);
	vec_free(&ed->history);
	buf_free(&ed->line);
	free(ed->kept);
	free(ed->file);
	free(ed);
}
