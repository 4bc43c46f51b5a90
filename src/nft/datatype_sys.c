// SPDX-License-Identifier: GPL-2.0-or-later
/* Names that the system's files give to numbers. Only files and NSS's passwd, group, services and protocols
 * are asked: no DNS. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <netdb.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/text.h"
#include "base/vec.h"
#include "nft/datatype_impl.h"

#define NSS_BUF 16384

bool sys_service(const char *name, uint64_t *value)
{
	struct servent s, *r = NULL;
	char mem[NSS_BUF];

	if (getservbyname_r(name, NULL, &s, mem, sizeof(mem), &r) || !r)
		return false;
	*value = ntohs((uint16_t)r->s_port);
	return true;
}

bool sys_protocol(const char *name, uint64_t *value)
{
	struct protoent p, *r = NULL;
	char mem[NSS_BUF];

	if (getprotobyname_r(name, &p, mem, sizeof(mem), &r) || !r || r->p_proto < 0 || r->p_proto > 255)
		return false;
	*value = (uint64_t)r->p_proto;
	return true;
}

bool sys_user(const char *name, uint64_t *value)
{
	struct passwd p, *r = NULL;
	char mem[NSS_BUF];

	if (getpwnam_r(name, &p, mem, sizeof(mem), &r) || !r)
		return false;
	*value = r->pw_uid;
	return true;
}

bool sys_group(const char *name, uint64_t *value)
{
	struct group g, *r = NULL;
	_autofree_ char *mem = xmalloc(1 << 20); /* groups can have thousands of members */

	if (getgrnam_r(name, &g, mem, 1 << 20, &r) || !r)
		return false;
	*value = r->gr_gid;
	return true;
}

/* ---- files of lines "NUMBER NAME" ---- */

#define FILE_LIMIT 65536
#define NAME_LIMIT 64

struct names {
	const char *path[2]; /* the first that exists */
	struct timespec mtime;
	ino_t ino;
	time_t checked; /* monotonic second */
	VEC(struct entry {
		uint64_t value;
		char *name;
	})
	list;
};

static void names_clear(struct names *f)
{
	vec_foreach (e, &f->list)
		free(e->name);
	vec_clear(&f->list);
}

static void names_line(struct names *f, char *line)
{
	char *save, *value = strtok_r(line, " \t", &save),
		    *name = value ? strtok_r(NULL, " \t", &save) : NULL;
	uint64_t v;

	if (!name || *value == '#' || !parse_u64(value, UINT32_MAX, &v) || strlen(name) > NAME_LIMIT ||
		!text_is_clean(name, strlen(name)) || strchr(name, '"'))
		return;
	vec_push(&f->list, (struct entry){ v, xstrdup(name) });
}

static void names_read(struct names *f, int fd, size_t size)
{
	_autofree_ char *text = xcalloc(1, size + 1);
	char *save, *line;
	ssize_t n = read(fd, text, size);

	names_clear(f);
	if (n <= 0)
		return;
	text[n] = 0;
	for (line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
		names_line(f, line);
}

/* Looked at once a second at most, read anew only when the file is another one. */
static void names_load(struct names *f)
{
	_autoclose_ int fd = -1;
	struct timespec now;
	struct stat st;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
	if (f->checked == now.tv_sec + 1)
		return;
	f->checked = now.tv_sec + 1; /* 0 is never */
	for (unsigned i = 0; i < ARRAY_SIZE(f->path) && f->path[i] && fd < 0; i++)
		fd = open(f->path[i], O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_size > FILE_LIMIT) {
		names_clear(f);
		f->ino = 0;
		return;
	}
	if (st.st_ino == f->ino && !memcmp(&st.st_mtim, &f->mtime, sizeof(f->mtime)))
		return;
	names_read(f, fd, (size_t)st.st_size);
	f->ino = st.st_ino;
	f->mtime = st.st_mtim;
}

static bool names_value(struct names *f, const char *name, uint64_t *value)
{
	names_load(f);
	vec_foreach (e, &f->list) {
		if (!strcmp(e->name, name)) {
			*value = e->value;
			return true;
		}
	}
	return false;
}

static const char *names_name(struct names *f, uint64_t value)
{
	names_load(f);
	vec_foreach (e, &f->list)
		if (e->value == value)
			return e->name;
	return NULL;
}

#define NAMES(what, ...)                                                                                     \
	static struct names what##_names = { .path = { __VA_ARGS__ } };                                      \
	bool sys_##what(const char *name, uint64_t *value)                                                   \
	{                                                                                                    \
		return names_value(&what##_names, name, value);                                              \
	}                                                                                                    \
	const char *sys_##what##_name(uint64_t value)                                                        \
	{                                                                                                    \
		return names_name(&what##_names, value);                                                     \
	}

NAMES(mark, "/etc/iproute2/rt_marks", "/usr/share/iproute2/rt_marks")
NAMES(realm, "/etc/iproute2/rt_realms", "/usr/share/iproute2/rt_realms")
NAMES(devgroup, "/etc/iproute2/group", "/usr/share/iproute2/group")
NAMES(label, "/etc/xtables/connlabel.conf", "/etc/connlabel.conf")
