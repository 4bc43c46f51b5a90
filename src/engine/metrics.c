// SPDX-License-Identifier: GPL-2.0-or-later
/* Counters for Prometheus, from memory. */
#include "base/prom.h"
#include "engine/core.h"

static const struct {
	uint64_t ns;
	const char *text;
} latency[LATENCY_N - 1] = {
	{ 50000, "0.00005" },
	{ 100000, "0.0001" },
	{ 200000, "0.0002" },
	{ 500000, "0.0005" },
	{ 1000000, "0.001" },
	{ 2000000, "0.002" },
	{ 5000000, "0.005" },
	{ 10000000, "0.01" },
	{ 50000000, "0.05" },
	{ 100000000, "0.1" },
	{ 500000000, "0.5" },
	{ 1000000000, "1" },
};

void engine_took(struct engine *en, uint64_t ns)
{
	unsigned i = 0;

	while (i < LATENCY_N - 1 && ns > latency[i].ns)
		i++;
	en->took[i]++;
}

static void histogram(struct engine *en, struct prom *out)
{
	uint64_t n = 0;

	prom_head(out, "rnm_commit_seconds", "histogram",
		"Transactions that sent something, to the kernel's answer.");
	for (unsigned i = 0; i < LATENCY_N; i++) {
		const char *le[] = { "le", i < LATENCY_N - 1 ? latency[i].text : "+Inf", NULL };

		n += en->took[i];
		prom_sample(out, "rnm_commit_seconds_bucket", le, n);
	}
	prom_seconds(out, "rnm_commit_seconds_sum", NULL, en->sum_ns);
	prom_sample(out, "rnm_commit_seconds_count", NULL, n);
	prom_head(out, "rnm_commit_seconds_max", "gauge", "The longest so far.");
	prom_seconds(out, "rnm_commit_seconds_max", NULL, en->max_ns);
}

static void mirror(struct engine *en, struct prom *out)
{
	prom_head(out, "rnm_network_records", "gauge", "What is mirrored of the network.");
	for (int k = 0; k < NET_KINDS; k++) {
		const char *kind[] = { "kind", net_kind_name((enum net_kind)k), NULL };

		prom_sample(out, "rnm_network_records", kind, mirror_count(en->mirror, (enum net_kind)k));
	}
}

static void ruleset(struct engine *en, struct prom *out)
{
	struct ruleset_stats s = ruleset_stats(en->rs);
	const struct {
		const char *kind;
		uint32_t n;
	} kinds[] = { { "table", s.tables }, { "chain", s.chains }, { "rule", s.rules }, { "set", s.sets },
		{ "element", s.elements }, { "object", s.objects }, { "flowtable", s.flowtables } };

	prom_head(out, "rnm_ruleset", "gauge", "What the packs state.");
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		const char *kind[] = { "kind", kinds[i].kind, NULL };

		prom_sample(out, "rnm_ruleset", kind, kinds[i].n);
	}
	prom_one(out, "rnm_pending", "gauge", "Statements that wait for something.", s.pending);
	prom_one(out, "rnm_refused", "gauge", "Statements that the kernel refuses.", s.refused);
}

/* ---- packs ---- */

struct one {
	struct pack_status s;
	char *name;
};
typedef VEC(struct one) packs;

static void collect(void *ctx, const struct pack_status *p)
{
	packs *all = ctx;

	vec_push(all, (struct one){ *p, xstrdup(p->name) });
}

static uint64_t running(const struct pack_status *p)
{
	return p->state == PACK_RUNNING;
}

#define OF_PACK(field)                                                                                       \
	static uint64_t field(const struct pack_status *p)                                                   \
	{                                                                                                    \
		return p->field;                                                                             \
	}
OF_PACK(calls)
OF_PACK(errors)
OF_PACK(time_ns)
OF_PACK(memory)
OF_PACK(hooks)
OF_PACK(blocks)
OF_PACK(eaches)
OF_PACK(timers)
OF_PACK(statements)

static void of_packs(struct engine *en, struct prom *out)
{
	static const struct {
		const char *metric, *type, *help;
		uint64_t (*get)(const struct pack_status *p);
	} metrics[] = {
		{ "rnm_pack_running", "gauge", "1: it runs; 0: it is degraded or left out.", running },
		{ "rnm_pack_calls_total", "counter", "Hooks, blocks and records that ran.", calls },
		{ "rnm_pack_errors_total", "counter", "Of them failed and undone.", errors },
		{ "rnm_pack_seconds_total", "counter", "Time in Lua.", time_ns },
		{ "rnm_pack_memory_bytes", "gauge", "Of its Lua state.", memory },
		{ "rnm_pack_hooks", "gauge", "Handlers of events.", hooks },
		{ "rnm_pack_blocks", "gauge", "Blocks.", blocks },
		{ "rnm_pack_each", "gauge", "Queries it states something for each record of.", eaches },
		{ "rnm_pack_timers", "gauge", "Timers that run.", timers },
		{ "rnm_pack_statements", "gauge", "What it states.", statements },
	};
	packs all = { 0 };

	script_status(en->script, collect, &all);
	for (size_t i = 0; i < ARRAY_SIZE(metrics); i++) {
		prom_head(out, metrics[i].metric, metrics[i].type, metrics[i].help);
		vec_foreach (p, &all) {
			const char *pack[] = { "pack", p->name, NULL };
			uint64_t v = metrics[i].get(&p->s);

			if (metrics[i].get == time_ns)
				prom_seconds(out, metrics[i].metric, pack, v);
			else
				prom_sample(out, metrics[i].metric, pack, v);
		}
	}
	vec_foreach (p, &all)
		free(p->name);
	vec_free(&all);
}

void engine_metrics(struct engine *en, struct prom *out)
{
	prom_one(out, "rnm_events_total", "counter", "Real changes of the network.", en->event_count);
	prom_one(out, "rnm_transactions_total", "counter", "Transactions, also those that sent nothing.",
		en->transactions);
	prom_one(out, "rnm_commits_total", "counter", "Batches that the kernel took.", en->commits);
	prom_one(out, "rnm_failures_total", "counter", "Transactions that failed.", en->failures);
	prom_one(out, "rnm_operations_total", "counter", "Operations of all batches.", en->operations);
	prom_one(out, "rnm_runs_total", "counter", "Hooks, blocks and records that ran.", en->run_count);
	prom_one(out, "rnm_repairs_total", "counter", "Batches that put foreign changes right.", en->repairs);
	histogram(en, out);
	mirror(en, out);
	ruleset(en, out);
	of_packs(en, out);
}
