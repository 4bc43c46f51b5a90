/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the benchmarks share. A contender is a command that keeps the set `inet bench wan4` equal to the IPv4
 * addresses of wan0, in a network namespace of its own. The benchmark changes the addresses and watches the
 * ruleset from outside. */
#pragma once

#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/filter.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#pragma GCC diagnostic ignored "-Wconversion" /* libmnl's loops over attributes */

#define BENCH_TABLE "bench"
#define BENCH_SET   "wan4"
#define BENCH_LINK  "wan0"
#define BENCH_BUF   (256u << 10)

struct contender {
	const char *name, *cmd; /* cmd NULL: nobody, the kernel alone */
	pid_t pid;
	struct mnl_socket *rtnl, *gens, *dump; /* address changes; new generations; read-back */
	unsigned ifindex;
};

static inline void die(const char *fmt, ...) __attribute__((format(printf, 1, 2), noreturn));
static inline void die(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	exit(1);
}

static inline uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static inline int cmp_u64(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static inline double us(uint64_t ns)
{
	return (double)ns / 1e3;
}

/* The value of the sorted v below which a share of them lies. */
static inline uint64_t quantile(const uint64_t *v, size_t n, double share)
{
	size_t i = (size_t)(share * (double)n);

	return n ? v[i < n ? i : n - 1] : 0;
}

static inline struct mnl_socket *nl_open(int bus, unsigned groups)
{
	struct mnl_socket *s = mnl_socket_open2(bus, SOCK_CLOEXEC);
	int fd, size = 128 << 20;

	if (!s || mnl_socket_bind(s, groups, MNL_SOCKET_AUTOPID) < 0)
		die("netlink socket: %s", strerror(errno));
	fd = mnl_socket_get_fd(s);
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) < 0)
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	return s;
}

/* A socket that hears of new generations and of nothing else. */
static inline struct mnl_socket *gens_open(void)
{
	const uint16_t newgen = NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWGEN;
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_H | BPF_ABS, offsetof(struct nlmsghdr, nlmsg_type)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, htons(newgen), 0, 1), /* BPF loads in network order */
		BPF_STMT(BPF_RET | BPF_K, UINT32_MAX),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};
	struct sock_fprog prog = { sizeof(code) / sizeof(code[0]), code };
	struct mnl_socket *s = nl_open(NETLINK_NETFILTER, 1u << (NFNLGRP_NFTABLES - 1));

	if (setsockopt(mnl_socket_get_fd(s), SOL_SOCKET, SO_ATTACH_FILTER, &prog, sizeof(prog)) < 0)
		die("socket filter: %s", strerror(errno));
	return s;
}

/* Number of generations told of; waits up to so many ms for the first. */
static inline unsigned gens_read(struct contender *c, int ms)
{
	struct pollfd p = { .fd = mnl_socket_get_fd(c->gens), .events = POLLIN };
	char buf[4096];
	unsigned n = 0;

	if (poll(&p, 1, ms) <= 0)
		return 0;
	while (recv(p.fd, buf, sizeof(buf), MSG_DONTWAIT) > 0)
		n++;
	return n;
}

/* Appends the request to add or delete one address at buf; → its length. */
static inline size_t addr_put(char *buf, bool add, unsigned ifindex, uint32_t addr)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct ifaddrmsg *ifa;

	nlh->nlmsg_type = add ? RTM_NEWADDR : RTM_DELADDR;
	nlh->nlmsg_flags = (uint16_t)(NLM_F_REQUEST | (add ? NLM_F_CREATE | NLM_F_EXCL : 0));
	ifa = mnl_nlmsg_put_extra_header(nlh, sizeof(*ifa));
	ifa->ifa_family = AF_INET;
	ifa->ifa_prefixlen = 32;
	ifa->ifa_index = ifindex;
	mnl_attr_put_u32(nlh, IFA_LOCAL, htonl(addr));
	mnl_attr_put_u32(nlh, IFA_ADDRESS, htonl(addr));
	return nlh->nlmsg_len;
}

/* Makes the namespace with its link and sockets, and starts the command there. */
static inline void contender_start(struct contender *c)
{
	if (unshare(CLONE_NEWNET) < 0)
		die("network namespace: %s", strerror(errno));
	if (system("ip link add " BENCH_LINK " type veth peer name wan1 && ip link set lo up &&"
		   "ip link set " BENCH_LINK " addrgenmode none up && ip link set wan1 addrgenmode none up"))
		die("no veth pair");
	c->ifindex = if_nametoindex(BENCH_LINK);
	c->rtnl = nl_open(NETLINK_ROUTE, 0);
	c->gens = gens_open();
	c->dump = nl_open(NETLINK_NETFILTER, 0);
	if (!c->cmd)
		return;
	c->pid = fork();
	if (c->pid < 0)
		die("fork: %s", strerror(errno));
	if (!c->pid) {
		char *cmd;

		prctl(PR_SET_PDEATHSIG, SIGTERM);
		if (asprintf(&cmd, "exec %s", c->cmd) > 0)
			execl("/bin/sh", "sh", "-c", cmd, NULL);
		_exit(127);
	}
}

static inline void contender_stop(struct contender *c)
{
	if (c->pid) {
		kill(c->pid, SIGTERM);
		waitpid(c->pid, NULL, 0);
	}
}

static inline void addr_change(struct contender *c, bool add, uint32_t addr)
{
	char buf[256];
	size_t n = addr_put(buf, add, c->ifindex, addr);

	if (mnl_socket_sendto(c->rtnl, buf, n) < 0)
		die("address: %s", strerror(errno));
}

/* Changes an address until a generation answers, then waits until all is quiet. */
static inline void contender_ready(struct contender *c)
{
	for (unsigned i = 0; i < 100; i++) {
		unsigned follows;
		int status;

		if (c->pid && waitpid(c->pid, &status, WNOHANG) == c->pid)
			die("%s ended (status %d)", c->name, WEXITSTATUS(status));
		while (gens_read(c, 100))
			;
		addr_change(c, true, 0xc6120000);
		follows = gens_read(c, 200);
		addr_change(c, false, 0xc6120000);
		if (!follows)
			continue;
		while (gens_read(c, 200))
			;
		return;
	}
	die("%s does not follow the addresses", c->name);
}

/* NAME=COMMAND arguments; → how many */
static inline unsigned contenders_parse(char **argv, struct contender *c, unsigned max)
{
	unsigned n = 0;

	for (; *argv && n < max; argv++, n++) {
		char *eq = strchr(*argv, '=');

		if (!eq)
			die("%s: not NAME=COMMAND", *argv);
		*eq = 0;
		c[n] = (struct contender){ .name = *argv, .cmd = eq[1] ? eq + 1 : NULL };
	}
	return n;
}
