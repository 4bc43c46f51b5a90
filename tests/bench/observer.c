// SPDX-License-Identifier: GPL-2.0-or-later
/* observer ROUNDS NAME=COMMAND …: latency from an address change being issued to the new generation being
 * seen by a third process. The contenders take turns, so that whatever else the machine does meets all of
 * them, and share one CPU: where the scheduler puts whom makes more of a difference than what they do. The
 * observer is first on another CPU, then on theirs: there it sees nothing until the contender sleeps, so what
 * comes after the commit counts as well. Ratios are to the first. */
#include "bench.h"

#define MAX  8
#define WARM 20
#define PAUSE_NS                                                                                             \
	100000 /* between contenders: what one does after its commit is not in the next one's way            \
		*/

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

static void pause_a_little(void)
{
	nanosleep(&(struct timespec){ .tv_nsec = PAUSE_NS }, NULL);
}

static void measure(struct contender *c, struct result *r, unsigned n, unsigned long rounds)
{
	for (unsigned long k = 0; k < rounds + WARM; k++) {
		for (unsigned t = 0; t < n; t++) {
			unsigned i = (unsigned)((k + t) % n);

			if (k == WARM)
				r[i].n = r[i].extra = r[i].lost = 0;
			pause_a_little();
			one(&c[i], true, 0xc6120001 + (uint32_t)k, &r[i]); /* 198.18.0.0/15: for benchmarks */
			one(&c[i], false, 0xc6120001 + (uint32_t)k, &r[i]);
		}
	}
}

static unsigned long print(const struct contender *c, struct result *r, unsigned n, const char *where)
{
	unsigned long bad = 0;
	double floor_p50 = 0;

	printf("%-12s %9s %9s %9s %9s  %s\n", where, "min", "p50", "p99", "p50/floor", "changes");
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
	}
	return bad;
}

/* The first and the last of the CPUs that may be used. */
static void cpus_get(int cpu[2])
{
	cpu_set_t may;

	if (sched_getaffinity(0, sizeof(may), &may) < 0)
		die("CPUs: %s", strerror(errno));
	cpu[0] = cpu[1] = -1;
	for (int i = 0; i < CPU_SETSIZE; i++) {
		if (!CPU_ISSET(i, &may))
			continue;
		cpu[0] = cpu[0] < 0 ? i : cpu[0];
		cpu[1] = i;
	}
}

static void pin(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set) < 0)
		die("CPU %d: %s", cpu, strerror(errno));
}

int main(int argc, char **argv)
{
	struct contender c[MAX];
	struct result r[MAX] = { 0 };
	unsigned long rounds = argc > 2 ? strtoul(argv[1], NULL, 10) : 0, bad = 0;
	unsigned n = rounds ? contenders_parse(argv + 2, c, MAX) : 0;
	int cpu[2];

	if (!n)
		die("usage: observer ROUNDS NAME=COMMAND …");
	cpus_get(cpu);
	pin(cpu[1]);
	for (unsigned i = 0; i < n; i++) {
		r[i].ns = calloc(2 * (rounds + WARM), sizeof(*r[i].ns));
		contender_start(&c[i]);
	}
	for (unsigned i = 0; i < n; i++)
		contender_ready(&c[i]);
	if (cpu[0] != cpu[1]) {
		pin(cpu[0]);
		measure(c, r, n, rounds);
		bad += print(c, r, n, "us, two CPUs");
		pin(cpu[1]);
	}
	measure(c, r, n, rounds);
	bad += print(c, r, n, "us, one CPU");
	for (unsigned i = 0; i < n; i++)
		contender_stop(&c[i]);
	return bad ? 1 : 0;
}
