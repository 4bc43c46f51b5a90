// SPDX-License-Identifier: GPL-2.0-or-later
/* storm ADDRESSES RUNS NAME=COMMAND …: so many addresses are added and removed as quickly as the kernel takes
 * them. Time from the first request to the last generation, after which the set must equal the addresses, or
 * to the last request where nobody follows (COMMAND empty). The contenders take turns; medians of the runs.
 */
#include "bench.h"

#define MAX        8
#define BASE       0x0a000001u
#define PER_SEND   64
#define PATIENCE_S 120

struct seen {
	uint8_t *bits;
	unsigned long n, found, foreign;
};

static void see(struct seen *s, uint32_t addr)
{
	unsigned long i = addr - BASE;

	if (i >= s->n || s->bits[i])
		s->foreign++;
	else
		s->found += s->bits[i] = 1;
}

static int on_elements(const struct nlmsghdr *nlh, void *data)
{
	const struct nlattr *list, *elem, *field, *value;

	mnl_attr_for_each (list, nlh, sizeof(struct nfgenmsg)) {
		if (mnl_attr_get_type(list) != NFTA_SET_ELEM_LIST_ELEMENTS)
			continue;
		mnl_attr_for_each_nested (elem, list)
			mnl_attr_for_each_nested (field, elem)
				if (mnl_attr_get_type(field) == NFTA_SET_ELEM_KEY)
					mnl_attr_for_each_nested (value, field)
						see(data, ntohl(mnl_attr_get_u32(value)));
	}
	return MNL_CB_OK;
}

/* The set holds all of the n addresses, or none, and nothing else. */
static bool set_equals(struct contender *c, unsigned long n, bool all)
{
	static char buf[BENCH_BUF];
	static uint32_t seq;
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct nfgenmsg *nfg;
	struct seen s = { calloc(n, 1), n, 0, 0 };
	ssize_t got;
	int ret = MNL_CB_OK;

	nlh->nlmsg_type = NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETSETELEM;
	nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	nlh->nlmsg_seq = ++seq;
	nfg = mnl_nlmsg_put_extra_header(nlh, sizeof(*nfg));
	nfg->nfgen_family = NFPROTO_INET;
	mnl_attr_put_strz(nlh, NFTA_SET_ELEM_LIST_TABLE, BENCH_TABLE);
	mnl_attr_put_strz(nlh, NFTA_SET_ELEM_LIST_SET, BENCH_SET);
	if (mnl_socket_sendto(c->dump, nlh, nlh->nlmsg_len) < 0)
		die("dump: %s", strerror(errno));
	while (ret > 0 && (got = mnl_socket_recvfrom(c->dump, buf, sizeof(buf))) > 0)
		ret = mnl_cb_run(buf, (size_t)got, seq, mnl_socket_get_portid(c->dump), on_elements, &s);
	free(s.bits);
	return !ret && !s.foreign && s.found == (all ? n : 0);
}

static void read_errors(struct contender *c)
{
	char buf[8192];

	if (recv(mnl_socket_get_fd(c->rtnl), buf, sizeof(buf), MSG_DONTWAIT) > 0)
		die("%s: address refused: %s", c->name,
			strerror(-((struct nlmsgerr *)mnl_nlmsg_get_payload((void *)buf))->error));
}

static uint64_t storm(struct contender *c, bool add, unsigned long n, unsigned long *gens)
{
	static char buf[PER_SEND * 256];
	uint64_t start = now_ns(), last = start, patience;
	unsigned seen;

	for (unsigned long i = 0; i < n;) {
		size_t len = 0;

		for (unsigned k = 0; k < PER_SEND && i < n; k++)
			len += addr_put(buf + len, add, c->ifindex, BASE + (uint32_t)i++);
		if (mnl_socket_sendto(c->rtnl, buf, len) < 0)
			die("addresses: %s", strerror(errno));
		read_errors(c);
	}
	last = now_ns();
	if (!c->cmd)
		return last - start;
	for (patience = last + PATIENCE_S * 1000000000ull; now_ns() < patience;) {
		seen = gens_read(c, 300);
		if (seen) {
			last = now_ns();
			*gens += seen;
		} else if (set_equals(c, n, add)) {
			return last - start;
		}
	}
	die("%s: the set does not equal the addresses after %d s", c->name, PATIENCE_S);
}

static double median_ms(uint64_t *v, unsigned n)
{
	qsort(v, n, sizeof(*v), cmp_u64);
	return (double)v[n / 2] / 1e6;
}

int main(int argc, char **argv)
{
	struct contender c[MAX];
	uint64_t *add[MAX], *del[MAX];
	unsigned long n_addr = argc > 3 ? strtoul(argv[1], NULL, 10) : 0, gens[MAX] = { 0 };
	unsigned runs = argc > 3 ? (unsigned)strtoul(argv[2], NULL, 10) : 0;
	unsigned n = n_addr && runs ? contenders_parse(argv + 3, c, MAX) : 0;
	double base[2] = { 0 };

	if (!n)
		die("usage: storm ADDRESSES RUNS NAME=COMMAND …");
	for (unsigned i = 0; i < n; i++) {
		add[i] = calloc(runs, sizeof(**add));
		del[i] = calloc(runs, sizeof(**del));
		contender_start(&c[i]);
	}
	for (unsigned i = 0; i < n; i++)
		if (c[i].cmd)
			contender_ready(&c[i]);
	for (unsigned r = 0; r < runs; r++) {
		for (unsigned i = 0; i < n; i++) {
			add[i][r] = storm(&c[i], true, n_addr, &gens[i]);
			del[i][r] = storm(&c[i], false, n_addr, &gens[i]);
		}
	}
	printf("%-12s %9s %9s %9s %9s %9s  %s\n", "ms", "add", "remove", "both", c[0].name, c[n > 1].name,
		"generations a run");
	for (unsigned i = 0; i < n; i++) {
		double a = median_ms(add[i], runs), d = median_ms(del[i], runs);

		if (i < 2)
			base[i] = a + d;
		printf("%-12s %9.1f %9.1f %9.1f %8.2fx ", c[i].name, a, d, a + d, (a + d) / base[0]);
		if (base[1] > 0)
			printf("%8.2fx  %lu\n", (a + d) / base[1], gens[i] / runs);
		else
			printf("%9s\n", "");
		contender_stop(&c[i]);
	}
	return 0;
}
