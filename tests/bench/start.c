// SPDX-License-Identifier: GPL-2.0-or-later
/* start RUNS NAME=COMMAND …: time from exec to READY=1 on the notify socket, and resident memory a second
 * later. */
#include <sys/un.h>

#include "bench.h"

#define MAX 8

static struct sockaddr_un notify = { .sun_family = AF_UNIX };

/* With a name in the file system, as abstract ones end at the network namespace. */
static int notify_open(void)
{
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	snprintf(notify.sun_path, sizeof(notify.sun_path), "/tmp/rnm-bench-%d", getpid());
	if (fd < 0 || bind(fd, (void *)&notify, sizeof(notify)) < 0)
		die("notify socket: %s", strerror(errno));
	setenv("NOTIFY_SOCKET", notify.sun_path, 1);
	return fd;
}

static void wait_ready(int fd, const char *who)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	char buf[1024];
	ssize_t n;

	while (poll(&p, 1, 10000) > 0) {
		n = recv(fd, buf, sizeof(buf) - 1, 0);
		buf[n > 0 ? n : 0] = 0;
		if (strstr(buf, "READY=1"))
			return;
	}
	unlink(notify.sun_path);
	die("%s is not ready after 10 s", who);
}

static uint64_t rss_kib(pid_t pid)
{
	char path[64], line[256];
	unsigned long kib = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	f = fopen(path, "r");
	while (f && fgets(line, sizeof(line), f))
		sscanf(line, "VmRSS: %lu", &kib);
	if (f)
		fclose(f);
	return kib;
}

int main(int argc, char **argv)
{
	struct contender c[MAX];
	uint64_t *ready[MAX], *rss[MAX];
	unsigned runs = argc > 2 ? (unsigned)strtoul(argv[1], NULL, 10) : 0;
	unsigned n = runs ? contenders_parse(argv + 2, c, MAX) : 0;
	int fd;

	if (!n)
		die("usage: start RUNS NAME=COMMAND …");
	fd = notify_open();
	for (unsigned i = 0; i < n; i++) {
		ready[i] = calloc(runs, sizeof(**ready));
		rss[i] = calloc(runs, sizeof(**rss));
	}
	for (unsigned r = 0; r < runs; r++) {
		for (unsigned i = 0; i < n; i++) {
			uint64_t begin;

			contender_start(&c[i]);
			begin = now_ns(); /* fork and the shell's exec are before or in it: under a
					     millisecond */
			wait_ready(fd, c[i].name);
			ready[i][r] = now_ns() - begin;
			sleep(1);
			rss[i][r] = rss_kib(c[i].pid);
			contender_stop(&c[i]);
			mnl_socket_close(c[i].rtnl);
			mnl_socket_close(c[i].gens);
			mnl_socket_close(c[i].dump);
		}
	}
	unlink(notify.sun_path);
	printf("%-12s %12s %12s\n", "", "ready ms", "RSS KiB");
	for (unsigned i = 0; i < n; i++) {
		qsort(ready[i], runs, sizeof(**ready), cmp_u64);
		qsort(rss[i], runs, sizeof(**rss), cmp_u64);
		printf("%-12s %12.1f %12llu\n", c[i].name, (double)ready[i][runs / 2] / 1e6,
			(unsigned long long)rss[i][runs / 2]);
	}
	return 0;
}
