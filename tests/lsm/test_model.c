/*
 * Random operations, each compared with a model (tests/support/model.h).
 * A round is one store with keys, values and options of its own; it prints its
 * seed, and SEED= of it runs it first.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/support/model.h"

/* How often, in so many of all. */
static const struct operation {
	const char *name;
	unsigned weight;
	void (*run)(struct model *m);
} operations[] = {
    {"put", 6000, model_write_put},
    {"put until", 1500, model_write_put_until},
    {"delete", 2500, model_write_delete},
    {"delete run", 10, model_write_delete_run},
    {"delete range", 200, model_write_delete_range},
    {"delete all", 5, model_write_delete_all},
    {"batch", 500, model_write_batch},
    {"large batch", 5, model_write_large_batch},
    {"get", 5000, model_read_get},
    {"get part", 500, model_read_part},
    {"get missing", 1500, model_read_missing},
    {"hold", 300, model_read_hold},
    {"move", 800, model_read_move},
    {"scan", 3, model_read_scan},
    {"snapshot", 200, model_life_snapshot},
    {"named snapshot", 60, model_life_named_snapshot},
    {"list snapshots", 20, model_life_list_snapshots},
    {"clock", 300, model_life_clock},
    {"clock back", 5, model_life_clock_back},
    {"pattern", 20, model_life_pattern},
    {"flush", 20, model_life_flush},
    {"compact", 8, model_life_compact},
    {"sync", 10, model_life_sync},
    {"durability", 20, model_life_durability},
    {"check", 5, model_life_check},
    {"reopen", 15, model_life_reopen},
    {"kill", 8, model_life_kill},
    {"torn", 10, model_life_torn},
    {"checkpoint", 8, model_life_checkpoint},
};

#define OPERATIONS (sizeof(operations) / sizeof(operations[0]))

static const struct operation *
draw(struct model *m)
{
	const struct operation *o = operations;
	uint64_t total = 0, at;

	for (size_t i = 0; i < OPERATIONS; i++)
		total += operations[i].weight;
	for (at = check_rand_below(&m->r, total); at >= o->weight; o++)
		at -= o->weight;
	return o;
}

/* Where the run is. */
static struct {
	uint64_t seed;
	unsigned step;
	const char *operation; /* NULL: the run is over */
	struct model *model;
} at;

static int
tell_where(void **state)
{
	(void)state;
	if (at.operation)
		printf("in round SEED=%" PRIu64 ", operation %u: %s\n", at.seed,
		    at.step, at.operation);
	if (at.operation && at.model->s.messages.size > 0)
		printf("the store said: %.*s", (int)at.model->s.messages.size,
		    (const char *)at.model->s.messages.data);
	return 0;
}

/* Of all rounds. */
struct sums {
	struct lsm_stats stats;
	uint64_t compactions[MODEL_STYLES];
	uint64_t operations;
};

static void
add_round(struct sums *sum, const struct model *m, unsigned steps)
{
	model_add_stats(&sum->stats, &m->sum);
	for (size_t i = 0; i < MODEL_STYLES; i++)
		sum->compactions[i] += m->compactions[i];
	sum->operations += steps;
}

/* TRACE= in the environment prints every operation. */
static void
run_round(uint64_t seed, bool may_thread, unsigned steps, struct sums *sum)
{
	struct model *m = calloc(1, sizeof(*m));
	bool trace = getenv("TRACE") != NULL;
	const struct operation *o;

	check_true(m != NULL);
	printf("round SEED=%" PRIu64 ": ", seed);
	at.seed = seed;
	at.operation = "open";
	at.model = m;
	model_init(m, seed, may_thread);
	for (at.step = 0; at.step < steps; at.step++) {
		o = draw(m);
		at.operation = o->name;
		if (trace)
			printf("%u: %s\n", at.step, o->name);
		o->run(m);
	}
	at.operation = "the end";
	model_life_compact(m);
	model_life_check(m);
	model_life_reopen(m);
	add_round(sum, m, steps);
	model_fini(m);
	free(m);
	at.operation = NULL;
}

static void
run_rounds(bool may_thread)
{
	unsigned rounds = check_long() ? 300 : 6;
	unsigned steps = check_long() ? 20000 : 10000;
	uint64_t seed = check_seed();
	struct sums sum = {0};
	const struct lsm_stats *s = &sum.stats;

	for (unsigned i = 0; i < rounds; i++)
		run_round(seed + i, may_thread, steps, &sum);
	printf("%" PRIu64 " operations, %" PRIu64 " flushes, %" PRIu64
	       " compactions leveled, %" PRIu64 " lazy, %" PRIu64
	       " bytes of values collected\n",
	    sum.operations, s->flushes, sum.compactions[LSM_COMPACTION_LEVELED],
	    sum.compactions[LSM_COMPACTION_LAZY], s->value_bytes_collected);
	/* Every mechanism ran. */
	check_le(10 * rounds, s->flushes);
	check_le(rounds, sum.compactions[LSM_COMPACTION_LEVELED]);
	check_le(rounds, sum.compactions[LSM_COMPACTION_LAZY]);
	check_le(1, s->filter_skips);
	check_le(1, s->expired);
	check_le(10 * rounds, s->range_deletes);
	check_le(1, s->range_hints);
	check_le(1, s->value_bytes_collected);
	check_le(rounds, s->syncs);
}

static void
model__on_demand(void **state)
{
	(void)state;
	run_rounds(false);
}

static void
model__with_threads(void **state)
{
	(void)state;
	run_rounds(true);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_teardown(model__on_demand, tell_where),
	    cmocka_unit_test_teardown(model__with_threads, tell_where),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
