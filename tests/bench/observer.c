// SPDX-License-Identifier: GPL-2.0-or-later
/* observer ROUNDS NAME=COMMAND …: latency from an address change being issued to the new generation being
 * seen by a third process. The contenders take turns, so that whatever else the machine does meets all of
 * them. Ratios are to the first. */
#include "bench.h"

#define MAX 8

struct result {
	uint64_t *ns;
	size_t n;
	unsigned long extra, lost; /* generations beyond one a change; changes without any */
};

static void one(struct contender *c, bool add, uint32_t addr, struct result *r)
{
	uint64_t start;
	unsigned seen;

	r->extra += gens_read(c, 0);
	start = now_ns();
	addr_change(c, add, addr);
	seen = gens_read(c, 2000);
	if (seen)
		r->ns[r->n++] = now_ns() - start;
	else
		r->lost++;
	r->extra += seen > 1 ? seen - 1 : 0;
}

int main(int argc, char **argv)
{
	struct contender c[MAX];
	struct result r[MAX] = { 0 };
	unsigned long rounds = argc > 2 ? strtoul(argv[1], NULL, 10) : 0, warm = 20, bad = 0;
	unsigned n = rounds ? contenders_parse(argv + 2, c, MAX) : 0;
	double floor_p50 = 0;

	if (!n)
		die("usage: observer ROUNDS NAME=COMMAND …");
	for (unsigned i = 0; i < n; i++) {
		r[i].ns = calloc(2 * (rounds + warm), sizeof(*r[i].ns));
		contender_start(&c[i]);
	}
	for (unsigned i = 0; i < n; i++)
		contender_ready(&c[i]);
	for (unsigned long k = 0; k < rounds + warm; k++) {
		for (unsigned i = 0; i < n; i++) {
			if (k == warm)
				r[i].n = r[i].extra = r[i].lost = 0;
			one(&c[i], true, 0xc6120001 + (uint32_t)k, &r[i]); /* 198.18.0.0/15: for benchmarks */
			one(&c[i], false, 0xc6120001 + (uint32_t)k, &r[i]);
		}
	}
	printf("%-12s %9s %9s %9s %9s  %s\n", "us", "min", "p50", "p99", "p50/floor", "changes");
	for (unsigned i = 0; i < n; i++) {
		double p50;

		qsort(r[i].ns, r[i].n, sizeof(*r[i].ns), cmp_u64);
		p50 = us(quantile(r[i].ns, r[i].n, 0.5));
		if (!i)
			floor_p50 = p50;
		printf("%-12s %9.1f %9.1f %9.1f %9.2f  %zu", c[i].name, us(quantile(r[i].ns, r[i].n, 0)), p50,
			us(quantile(r[i].ns, r[i].n, 0.99)), p50 / floor_p50, r[i].n);
		printf(r[i].lost || r[i].extra ? " (%lu without, %lu extra generations)\n" : "\n", r[i].lost,
			r[i].extra);
		bad += r[i].lost;
		contender_stop(&c[i]);
	}
	return bad ? 1 : 0;
}
