// SPDX-License-Identifier: GPL-2.0-or-later
/* load RNM ROUNDS RULES ELEMENTS: a file of so many different rules and one with a set of so many intervals,
 * loaded by rnm, by nft and, as the floor, by the kernel alone: the batch that rnm's own code makes is taken
 * down once and sent again. Each load has a new network namespace; contenders take turns. */
#include <sys/resource.h>
#include <sys/syscall.h>

#include "bench.h"

#include "nft/load.h"

struct sample {
	uint64_t ns, rss_kb;
};

static const char *rnm;
static char dir[] = "/tmp/rnm-bench-XXXXXX";

static FILE *file(const char *name, const char *mode)
{
	char path[128];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, mode);
	if (!f)
		die("%s: %s", path, strerror(errno));
	return f;
}

static void write_rules(unsigned n)
{
	FILE *f = file("rules.nft", "w");

	fputs("table ip t {\n\tchain c {\n\t\ttype filter hook input priority filter; policy drop;\n", f);
	for (unsigned i = 0; i < n; i++)
		fprintf(f, "\t\tip saddr 10.%u.%u.%u tcp dport %u ct state new counter accept\n",
			i >> 16 & 255, i >> 8 & 255, i & 255, 1 + i % 65535);
	fputs("\t}\n}\n", f);
	fclose(f);
}

/* Every other one a range; none touches the next. */
static void write_set(unsigned n)
{
	FILE *f = file("set.nft", "w");

	fputs("table ip t {\n\tset s {\n\t\ttype ipv4_addr\n\t\tflags interval\n\t\telements = {\n", f);
	for (unsigned i = 0; i < n; i++) {
		unsigned a = 0x0a000000u + i * 8;

		fprintf(f, "\t\t\t%u.%u.%u.%u", a >> 24, a >> 16 & 255, a >> 8 & 255, a & 255);
		if (i & 1)
			fprintf(f, "-%u.%u.%u.%u", a >> 24, a >> 16 & 255, a >> 8 & 255, (a & 255) + 3);
		fputs(i + 1 < n ? ",\n" : "\n", f);
	}
	fputs("\t\t}\n\t}\n}\n", f);
	fclose(f);
}

/* ---- the batch, taken down ---- */

static FILE *tape;

ssize_t sendmsg(int fd, const struct msghdr *msg, int flags);
ssize_t sendmsg(int fd, const struct msghdr *msg, int flags)
{
	if (tape) {
		rewind(tape); /* the batch is what is sent last */
		if (ftruncate(fileno(tape), 0))
			die("tape: %s", strerror(errno));
		for (size_t i = 0; i < msg->msg_iovlen; i++)
			fwrite(msg->msg_iov[i].iov_base, 1, msg->msg_iov[i].iov_len, tape);
		fflush(tape);
	}
	return syscall(SYS_sendmsg, fd, msg, flags);
}

static void record(const char *name)
{
	char path[128], bytes[64];
	struct nft_file_opts fo = { 0 };
	struct load_opts lo = { .out = stdout };
	struct errlist errs = { 0 };
	struct err e = { 0 };
	struct nft_conn *c;
	struct nft_file *f;
	FILE *in = file(name, "r");
	char *text = NULL;
	size_t room = 0;
	ssize_t n = getdelim(&text, &room, 0, in);

	if (unshare(CLONE_NEWNET) < 0)
		die("network namespace: %s", strerror(errno));
	snprintf(bytes, sizeof(bytes), "%s.batch", name);
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	c = nft_conn_new("bench", &e);
	f = c && n > 0 ? nft_file_parse(path, text, (size_t)n, &fo, &errs) : NULL;
	tape = file(bytes, "w");
	if (!f || nft_load(c, f, &lo, NULL, &errs) < 0)
		die("%s: can not be loaded", path);
}

/* ---- contenders, each in a process with a namespace of its own ---- */

static void floor_run(const char *name, struct sample *s)
{
	int fd, size = 512 << 20, err;
	struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	char path[128], *batch;
	static char buf[1 << 16];
	uint64_t start;
	FILE *f;
	long n;

	snprintf(path, sizeof(path), "%s.batch", name);
	f = file(path, "r");
	fseek(f, 0, SEEK_END);
	n = ftell(f);
	rewind(f);
	batch = malloc((size_t)n);
	if (!batch || fread(batch, 1, (size_t)n, f) != (size_t)n)
		die("the batch can not be read");
	fd = mnl_socket_get_fd(nl_open(NETLINK_NETFILTER, 0));
	if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size)) < 0)
		setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	start = now_ns();
	if (sendto(fd, batch, (size_t)n, 0, (struct sockaddr *)&kernel, sizeof(kernel)) != n)
		die("the batch can not be sent: %s", strerror(errno));
	for (ssize_t got; (got = recv(fd, buf, sizeof(buf), MSG_DONTWAIT)) > 0;)
		for (struct nlmsghdr *h = (void *)buf; mnl_nlmsg_ok(h, (int)got);
			h = mnl_nlmsg_next(h, (int *)&got)) {
			if (h->nlmsg_type != NLMSG_ERROR)
				continue;
			memcpy(&err, mnl_nlmsg_get_payload(h), sizeof(err));
			if (err)
				die("the kernel refuses the batch: %s", strerror(-err));
		}
	s->ns = now_ns() - start;
	s->rss_kb = (uint64_t)n >> 10;
}

static void command_run(char *const *argv, struct sample *s)
{
	uint64_t start = now_ns();
	struct rusage ru;
	int status;
	pid_t pid = fork();

	if (!pid) {
		execvp(argv[0], argv);
		_exit(127);
	}
	if (pid < 0 || wait4(pid, &status, 0, &ru) != pid || status)
		die("%s failed", argv[0]);
	s->ns = now_ns() - start;
	s->rss_kb = (uint64_t)ru.ru_maxrss;
}

#define ROUNDS_MAX 1000
enum { FLOOR, RNM, NFT, CONTENDERS };
static const char *const names[] = { "kernel alone", "rnm nft load", "nft -f" };

static struct sample run(unsigned who, const char *name)
{
	struct sample s = { 0 };
	int end[2], status;
	char path[128];
	pid_t pid;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	if (pipe(end) < 0)
		die("pipe: %s", strerror(errno));
	pid = fork();
	if (!pid) {
		char *const argv[][5] = { [RNM] = { (char *)rnm, "nft", "load", path, NULL },
			[NFT] = { "nft", "-f", path, NULL } };

		if (unshare(CLONE_NEWNET) < 0)
			die("network namespace: %s", strerror(errno));
		if (who == FLOOR)
			floor_run(name, &s);
		else
			command_run(argv[who], &s);
		if (write(end[1], &s, sizeof(s)) != sizeof(s))
			_exit(1);
		_exit(0);
	}
	close(end[1]);
	if (pid < 0 || read(end[0], &s, sizeof(s)) != sizeof(s) || waitpid(pid, &status, 0) != pid)
		die("%s: %s did not end well", name, names[who]);
	close(end[0]);
	usleep(150000); /* the namespace that was left is taken down in the background */
	return s;
}

static void compare(const char *title, const char *name, unsigned rounds)
{
	static uint64_t ns[CONTENDERS][ROUNDS_MAX];
	uint64_t rss[CONTENDERS] = { 0 }, floor;
	int status;
	pid_t pid = fork();

	if (!pid) {
		record(name);
		_exit(0);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid || status)
		die("no batch was made of %s", name);
	for (unsigned r = 0; r < rounds; r++)
		for (unsigned who = 0; who < CONTENDERS; who++) {
			struct sample s = run(who, name);

			ns[who][r] = s.ns;
			if (s.rss_kb > rss[who])
				rss[who] = s.rss_kb;
		}
	for (unsigned who = 0; who < CONTENDERS; who++)
		qsort(ns[who], rounds, sizeof(ns[who][0]), cmp_u64);
	floor = quantile(ns[FLOOR], rounds, 0.5);
	printf("%-34s %9s %9s %9s %9s %12s\n", title, "median ms", "best", "worst", "x kernel", "peak MiB");
	for (unsigned who = 0; who < CONTENDERS; who++) {
		uint64_t med = quantile(ns[who], rounds, 0.5);

		printf("  %-32s %9.1f %9.1f %9.1f %9.2f", names[who], us(med) / 1e3, us(ns[who][0]) / 1e3,
			us(ns[who][rounds - 1]) / 1e3, (double)med / (double)floor);
		if (who == FLOOR)
			printf(" %9.1f of batch\n", (double)rss[who] / 1024);
		else
			printf(" %12.1f\n", (double)rss[who] / 1024);
	}
	fflush(stdout);
}

int main(int argc, char **argv)
{
	unsigned rounds, rules, elements;
	char title[64], clean[64];

	if (argc != 5)
		die("usage: load RNM ROUNDS RULES ELEMENTS");
	rnm = argv[1];
	rounds = (unsigned)atoi(argv[2]);
	rules = (unsigned)atoi(argv[3]);
	elements = (unsigned)atoi(argv[4]);
	if (!rounds || rounds > ROUNDS_MAX || !mkdtemp(dir))
		die("ROUNDS: 1 to %u", ROUNDS_MAX);
	write_rules(rules);
	write_set(elements);
	snprintf(title, sizeof(title), "%u rules", rules);
	compare(title, "rules.nft", rounds);
	snprintf(title, sizeof(title), "%u elements of an interval set", elements);
	compare(title, "set.nft", rounds);
	snprintf(clean, sizeof(clean), "rm -rf %s", dir);
	return system(clean);
}
