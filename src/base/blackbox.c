// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/blackbox.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "base/text.h"
#include "base/xalloc.h"

#define MAGIC "rnm blackbox 1\n"

struct blackbox *blackbox;
uint64_t blackbox_key;

static char *file;
static const int fatal[] = { SIGSEGV, SIGBUS, SIGABRT, SIGILL, SIGFPE };
static struct sigaction before[ARRAY_SIZE(fatal)];
static char stack[32 << 10]; /* the handlers': what died may have none left */

static void died(int sig, siginfo_t *info, void *context)
{
	(void)context;
	if (blackbox && blackbox->inside && !blackbox->signal)
		blackbox->signal = sig;
	for (size_t i = 0; i < ARRAY_SIZE(fatal); i++)
		if (fatal[i] == sig)
			sigaction(sig, &before[i], NULL);
	/* A fault happens again where it happened, now for whoever was there before; a signal that somebody
	 * sent does not. */
	if (info->si_code <= 0)
		raise(sig);
}

static void watch(void)
{
	struct sigaction sa = { .sa_sigaction = died, .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER };
	stack_t own;

	/* A sanitizer's own is as good. */
	if (sigaltstack(NULL, &own) == 0 && own.ss_flags & SS_DISABLE)
		sigaltstack(&(stack_t){ .ss_sp = stack, .ss_size = sizeof(stack) }, NULL);
	sigemptyset(&sa.sa_mask);
	for (size_t i = 0; i < ARRAY_SIZE(fatal); i++)
		sigaction(fatal[i], &sa, &before[i]);
}

static bool text(const char *s, size_t cap, bool may_be_empty)
{
	size_t n = strnlen(s, cap);

	return n < cap && (n ? text_is_clean(s, n) : may_be_empty);
}

int blackbox_read(const void *data, size_t n, struct blackbox_place *place, int *signal)
{
	struct blackbox b;

	if (n != sizeof(b))
		return -EINVAL;
	memcpy(&b, data, n);
	if (memcmp(b.magic, MAGIC, sizeof(MAGIC)))
		return -EINVAL;
	if (b.inside == 0)
		return 0;
	if (b.inside != 1 || b.signal < 0 || b.signal > 64 ||
		!text(b.place.pack, sizeof(b.place.pack), false) ||
		!text(b.place.what, sizeof(b.place.what), false) ||
		!text(b.place.file, sizeof(b.place.file), true))
		return -EINVAL;
	*place = b.place;
	*signal = b.signal;
	return 1;
}

/* A file of this process's user that nobody else may write, with room for all of it: a store into a hole on a
 * full disk would be a fault. */
static int take(const char *path, struct blackbox *old, size_t *n, struct err *e)
{
	struct stat st;
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY, 0600);
	struct blackbox empty = { .magic = MAGIC };
	ssize_t got;

	if (fd < 0 || fstat(fd, &st) < 0)
		return err_set(e, -errno, "%s: %s", path, strerror(errno));
	if (!S_ISREG(st.st_mode) || st.st_uid != geteuid() || st.st_mode & 022) {
		close(fd);
		return err_set(e, -EPERM, "%s: is not a file of this user's own", path);
	}
	got = st.st_size == sizeof(*old) ? pread(fd, old, sizeof(*old), 0) : 0;
	*n = got < 0 ? 0 : (size_t)got;
	errno = ENOSPC;
	if (ftruncate(fd, sizeof(empty)) < 0 ||
		pwrite(fd, &empty, sizeof(empty), 0) != (ssize_t)sizeof(empty)) {
		err_set(e, -errno, "%s: %s", path, strerror(errno));
		close(fd);
		return e ? e->code : -EIO;
	}
	return fd;
}

int blackbox_open(const char *path, struct blackbox_place *place, int *signal, struct err *e)
{
	struct blackbox old;
	size_t n = 0;
	int fd = take(path, &old, &n, e), rc;
	void *page;

	if (fd < 0)
		return fd;
	page = mmap(NULL, sizeof(struct blackbox), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	if (page == MAP_FAILED)
		return err_set(e, -errno, "%s: %s", path, strerror(errno));
	blackbox = page;
	blackbox_key = 0;
	file = xstrdup(path);
	watch();
	rc = blackbox_read(&old, n, place, signal);
	return rc > 0;
}

void blackbox_close(void)
{
	if (!blackbox)
		return;
	for (size_t i = 0; i < ARRAY_SIZE(fatal); i++)
		sigaction(fatal[i], &before[i], NULL);
	munmap(blackbox, sizeof(*blackbox));
	blackbox = NULL;
	unlink(file);
	free(file);
	file = NULL;
}
