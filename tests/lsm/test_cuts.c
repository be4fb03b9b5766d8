/*
 * Power cuts under concurrent load: what each durability policy promises is
 * there afterwards, and what is there is a prefix.
 *
 * Four writers put batches of two keys that must agree, delete now and then,
 * and now and then ask for durability.  The power is cut at a random change of
 * the disk or a random moment, the files are set back to what such a cut may
 * leave, and the store is opened again, over and over, with what it holds.
 *
 * Each writer's operations are numbered, and its keys say which was the last.
 * The order of all operations is that of their sequence numbers.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "engine/base/wire.h"
#include "engine/os/env_forget.h"
#include "tests/support/lsm_store.h"

#define WRITERS 4
#define OPS_MAX 4096 /* of a writer in one life of the store */

/* One operation of a writer, as its writer saw it. */
struct op {
	uint64_t number; /* of the writer, from 1 on, over all lives */
	uint64_t seq;
	uint64_t begin; /* us */
	uint64_t end;   /* acknowledged; 0: not */
};

struct writer {
	struct cuts *cuts;
	unsigned id;
	pthread_t thread;
	struct check_rand rand;
	uint64_t base;   /* the operation that the store began with */
	uint64_t issued; /* the last that was begun */
	uint64_t synced; /* everything up to this number was promised */
	struct op ops[OPS_MAX];
	size_t count; /* acknowledged */
};

/* What was lost at most, over all cuts. */
struct loss {
	uint64_t ops;
	uint64_t us; /* from the first to the last operation that was lost */
	uint64_t cuts;
	uint64_t acknowledged;
	uint64_t lost;
};

struct cuts {
	const char *dir;
	struct env posix;
	struct env_forget *forget;
	struct lsm_options options;
	struct lsm *db;
	struct check_rand rand;
	uint64_t seed; /* of this life */
	struct writer *writers;
	struct loss loss;
	const char *broken; /* what a planted bug has broken; NULL: nothing */
	bool expect_broken;
};

static const struct env_ops *forget_ops;
static struct env_ops planted;

/* --- writers -------------------------------------------------------------- */

static struct bytes
writer_key(char text[32], unsigned id, char half)
{
	(void)snprintf(text, 32, "writer%u%c", id, half);
	return bytes_str(text);
}

/* Both keys with the number, and a third that comes and goes. */
static int
writer_fill(const struct writer *w, struct lsm_batch *b, uint64_t number)
{
	uint8_t value[800];
	char key[32];
	int err;

	memset(value, (int)number, sizeof(value));
	wire_put_le64(value, number);
	lsm_batch_clear(b);
	err = lsm_batch_put(
	    b, writer_key(key, w->id, 'a'), bytes_of(value, 8 + number % 790));
	if (!err)
		err = lsm_batch_put(
		    b, writer_key(key, w->id, 'b'), bytes_of(value, 8));
	if (err)
		return err;
	if (number % 3 == 0)
		return lsm_batch_delete(b, writer_key(key, w->id, 'c'));
	return lsm_batch_put(
	    b, writer_key(key, w->id, 'c'), bytes_of(value, 8));
}

static void *
writer_run(void *arg)
{
	struct writer *w = arg;
	struct lsm *db = w->cuts->db;
	struct env *env = &w->cuts->posix;
	struct lsm_batch *b = lsm_batch_new();

	check_true(b != NULL);
	while (w->count < OPS_MAX) {
		struct op *op = &w->ops[w->count];

		op->number = ++w->issued;
		check_ok(writer_fill(w, b, op->number));
		op->begin = env_now_us(env);
		if (lsm_write(db, b, &op->seq))
			break;
		op->end = env_now_us(env);
		w->count++;
		if (!check_rand_one_in(&w->rand, 50))
			continue;
		if (lsm_sync(db, op->seq))
			break;
		w->synced = op->number;
	}
	lsm_batch_free(b);
	return NULL;
}

/* --- what survived -------------------------------------------------------- */

static void
broken(struct cuts *c, const char *what, const struct writer *w)
{
	c->broken = what;
	if (c->expect_broken)
		return;
	check_fail("SEED=%llu: %s (writer %u: began with %llu, issued %llu,"
		   " synced %llu)",
	    (unsigned long long)c->seed, what, w ? w->id : 99,
	    w ? (unsigned long long)w->base : 0,
	    w ? (unsigned long long)w->issued : 0,
	    w ? (unsigned long long)w->synced : 0);
}

/* A writer's key as the store has it; 0: it has none. */
static uint64_t
found_number(struct cuts *c, unsigned id, char half)
{
	struct lsm_value v;
	char key[32];
	uint64_t n = 0;
	int rc = lsm_get(c->db, NULL, writer_key(key, id, half), &v);

	if (rc < 0)
		broken(c, "a key cannot be read", NULL);
	if (rc != 1)
		return 0;
	if (v.bytes.size >= 8)
		n = wire_get_le64(v.bytes.data);
	lsm_value_release(&v);
	return n;
}

/* The last operation of w that survived. */
static uint64_t
found_last(struct cuts *c, const struct writer *w)
{
	uint64_t a = found_number(c, w->id, 'a');
	uint64_t b = found_number(c, w->id, 'b');
	uint64_t third = found_number(c, w->id, 'c');

	if (a != b || third != (a % 3 == 0 ? 0 : a))
		broken(c, "a batch was torn", w);
	if (a < w->base || a > w->issued)
		broken(c, "an operation that is none", w);
	if (a < w->synced)
		broken(c, "what was synced is lost", w);
	return a;
}

/* The highest sequence number that survived for certain. */
static uint64_t
found_seq(struct cuts *c, const uint64_t last[WRITERS])
{
	uint64_t seq = 0;

	for (unsigned i = 0; i < WRITERS; i++) {
		const struct writer *w = &c->writers[i];

		for (size_t k = 0; k < w->count; k++)
			if (w->ops[k].number <= last[i] && w->ops[k].seq > seq)
				seq = w->ops[k].seq;
	}
	return seq;
}

/* Operations that are lost although they were acknowledged. */
struct lost {
	uint64_t ops;
	uint64_t first_end;  /* acknowledged first */
	uint64_t last_begin; /* begun last */
};

static void
count_lost(struct cuts *c, const struct writer *w, uint64_t last,
    uint64_t survived_seq, struct lost *lost)
{
	for (size_t k = 0; k < w->count; k++) {
		const struct op *op = &w->ops[k];

		if (op->number <= last)
			continue;
		if (op->seq < survived_seq)
			broken(c, "no prefix: a later one survived", w);
		if (lost->ops++ == 0 || op->end < lost->first_end)
			lost->first_end = op->end;
		if (op->begin > lost->last_begin)
			lost->last_begin = op->begin;
	}
}

static void
check_bounds(struct cuts *c, const struct lost *lost)
{
	const struct durability *d = &c->options.durability;
	uint64_t us = lost->last_begin > lost->first_end
			  ? lost->last_begin - lost->first_end
			  : 0;

	if (lost->ops == 0)
		return;
	c->loss.lost += lost->ops;
	if (lost->ops > c->loss.ops)
		c->loss.ops = lost->ops;
	if (us > c->loss.us)
		c->loss.us = us;
	if (d->policy == DURABILITY_SYNC)
		broken(c, "sync: an acknowledged operation is lost", NULL);
	if (d->policy == DURABILITY_BATCH && lost->ops > d->batch_ops)
		broken(c, "batch: more operations are lost", NULL);
	if (d->policy == DURABILITY_BATCH && us > d->batch_ms * 1000)
		broken(c, "batch: older operations are lost", NULL);
	if (d->policy == DURABILITY_ADAPTIVE && us > d->adaptive_ms * 1000)
		broken(c, "adaptive: older operations are lost", NULL);
}

static void
check_survivors(struct cuts *c)
{
	uint64_t last[WRITERS], seq;
	struct lost lost = {0};

	for (unsigned i = 0; i < WRITERS; i++)
		last[i] = found_last(c, &c->writers[i]);
	seq = found_seq(c, last);
	for (unsigned i = 0; i < WRITERS; i++)
		count_lost(c, &c->writers[i], last[i], seq, &lost);
	check_bounds(c, &lost);
	for (unsigned i = 0; i < WRITERS; i++) {
		struct writer *w = &c->writers[i];

		c->loss.acknowledged += w->count;
		w->base = w->issued = w->synced = last[i];
		w->count = 0;
	}
	c->loss.cuts++;
}

/* --- a life --------------------------------------------------------------- */

static void
cuts_open(struct cuts *c)
{
	int err = lsm_open(c->dir, &c->options, &c->db);

	if (err)
		broken(c, "the store does not open", NULL);
	if (err)
		c->db = NULL;
}

static void
cuts_close(struct cuts *c)
{
	(void)lsm_close(c->db); /* fails: the disk is gone */
	c->db = NULL;
}

static struct env_forget_how
random_how(struct cuts *c)
{
	return (struct env_forget_how){
	    .keep = (enum env_forget_keep)check_rand_below(&c->rand, 3),
	    .seed = check_rand(&c->rand),
	};
}

/* Writers run until the power is cut. */
static void
cuts_live(struct cuts *c)
{
	struct env_forget_how how = random_how(c);
	bool timed = check_rand_one_in(&c->rand, 4);
	uint64_t n = 1 + check_rand_below(&c->rand, 600);

	env_forget_set_sync_delay(
	    c->forget, check_rand_below(&c->rand, 3) * 150);
	if (!timed)
		env_forget_arm(c->forget, n, &how, NULL, NULL);
	for (unsigned i = 0; i < WRITERS; i++) {
		struct writer *w = &c->writers[i];

		w->rand = check_rand_of(check_rand(&c->rand));
		check_ok(pthread_create(&w->thread, NULL, writer_run, w));
	}
	if (timed)
		usleep((unsigned)check_rand_below(&c->rand, 8000));
	if (timed)
		env_forget_cut(c->forget, &how);
	for (unsigned i = 0; i < WRITERS; i++)
		check_ok(pthread_join(c->writers[i].thread, NULL));
	env_forget_cut(c->forget, &how); /* if they ended before */
}

/* Opening is cut too, now and then. */
static void
cuts_reopen(struct cuts *c)
{
	while (check_rand_one_in(&c->rand, 4)) {
		struct env_forget_how how = random_how(c);

		env_forget_arm(c->forget, 1 + check_rand_below(&c->rand, 30),
		    &how, NULL, NULL);
		if (lsm_open(c->dir, &c->options, &c->db) == 0)
			cuts_close(c);
		env_forget_arm(c->forget, 0, NULL, NULL, NULL);
		env_forget_cut(c->forget, &how);
		check_ok(env_forget_restart(c->forget, NULL));
	}
	cuts_open(c);
}

static void
cuts_one(struct cuts *c)
{
	c->seed = c->rand.state;
	cuts_live(c);
	cuts_close(c);
	check_ok(env_forget_restart(c->forget, NULL));
	cuts_reopen(c);
	if (c->broken)
		return;
	check_survivors(c);
}

static void
say(void *ctx, enum err_level level, const char *text)
{
	(void)ctx;
	(void)level;
	(void)text;
}

static void
cuts_init(struct cuts *c, const char *policy, void (*plant)(void))
{
	const struct env_forget_options o = {.no_device_sync = true};

	*c = (struct cuts){.rand = check_rand_of(check_seed())};
	c->dir = check_tmpdir();
	env_posix_init(&c->posix, (struct err_sink){say, NULL});
	check_ok(env_forget_new(&c->posix, &o, &c->forget));
	forget_ops = env_forget_env(c->forget)->ops;
	if (plant) {
		planted = *forget_ops;
		plant();
		env_forget_env(c->forget)->ops = &planted;
		c->expect_broken = true;
	}
	lsm_options_init(&c->options);
	c->options.create = true;
	c->options.env = env_forget_env(c->forget);
	c->options.memtable_bytes = 16u << 10;
	c->options.table_bytes = 8u << 10;
	c->options.level_base_bytes = 32u << 10;
	c->options.block_bytes = 512;
	/* Most of the log, or hardly any of it, is large values. */
	c->options.value_log_bytes = check_rand_one_in(&c->rand, 2) ? 50 : 700;
	check_ok(
	    durability_parse(bytes_str(policy), &c->options.durability, NULL));
	c->writers = calloc(WRITERS, sizeof(*c->writers));
	check_true(c->writers != NULL);
	for (unsigned i = 0; i < WRITERS; i++) {
		c->writers[i].cuts = c;
		c->writers[i].id = i;
	}
	cuts_open(c);
}

static void
cuts_fini(struct cuts *c)
{
	if (c->db)
		cuts_close(c);
	env_forget_free(c->forget);
	free(c->writers);
}

/* --- the policies --------------------------------------------------------- */

static void
run_policy(const char *policy)
{
	unsigned cuts = check_long() ? 1000 : 60;
	struct cuts c;

	cuts_init(&c, policy, NULL);
	for (unsigned i = 0; i < cuts; i++)
		cuts_one(&c);
	printf("%-32s %llu cuts, %llu acknowledged, %llu lost; at most %llu"
	       " operations and %.3f ms in one cut\n",
	    policy, (unsigned long long)c.loss.cuts,
	    (unsigned long long)c.loss.acknowledged,
	    (unsigned long long)c.loss.lost, (unsigned long long)c.loss.ops,
	    (double)c.loss.us / 1000);
	if (c.options.durability.policy == DURABILITY_NONE)
		check_true(c.loss.lost > 0); /* the cuts do cut */
	check_true(c.loss.acknowledged > cuts);
	cuts_fini(&c);
}

static void
cuts__under_sync_lose_nothing(void **state)
{
	(void)state;
	run_policy("sync");
}

static void
cuts__under_batch_keep_its_bounds(void **state)
{
	(void)state;
	run_policy("batch batch_ops=20 batch_ms=5");
}

static void
cuts__under_adaptive_keep_its_bound(void **state)
{
	(void)state;
	run_policy("adaptive adaptive_ms=5");
}

static void
cuts__under_none_keep_what_was_synced(void **state)
{
	(void)state;
	run_policy("none");
}

/* --- planted bugs --------------------------------------------------------- */

static bool
is_kind(const struct env_file *f, const char *ending)
{
	size_t n = strlen(f->path), e = strlen(ending);

	return n >= e && strcmp(f->path + n - e, ending) == 0;
}

/* The log is called durable before it is. */
static int
skip_log_sync(struct env_file *f)
{
	return is_kind(f, ".log") ? 0 : forget_ops->sync(f);
}

/* The manifest names tables that are not on the disk yet. */
static int
skip_table_sync(struct env_file *f)
{
	return is_kind(f, ".sst") ? 0 : forget_ops->sync(f);
}

static int
skip_dir_sync(struct env *env, const char *path)
{
	(void)env;
	(void)path;
	return 0;
}

/* A store with the bug is found out within some cuts. */
static void
run_planted(void (*plant)(void))
{
	struct cuts c;
	unsigned i;

	cuts_init(&c, "sync", plant);
	for (i = 0; i < 1000 && !c.broken; i++)
		cuts_one(&c);
	printf("found after %u cuts: %s\n", i, c.broken ? c.broken : "nothing");
	check_true(c.broken != NULL);
	cuts_fini(&c);
}

static void
plant_log(void)
{
	planted.sync = skip_log_sync;
}

static void
plant_table(void)
{
	planted.sync = skip_table_sync;
}

static void
plant_dir(void)
{
	planted.sync_dir = skip_dir_sync;
}

static void
cuts__find_an_acknowledgement_before_the_sync(void **state)
{
	(void)state;
	run_planted(plant_log);
}

static void
cuts__find_a_manifest_before_its_table(void **state)
{
	(void)state;
	run_planted(plant_table);
}

static void
cuts__find_a_directory_that_is_not_synced(void **state)
{
	(void)state;
	run_planted(plant_dir);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(cuts__under_sync_lose_nothing),
	    cmocka_unit_test(cuts__under_batch_keep_its_bounds),
	    cmocka_unit_test(cuts__under_adaptive_keep_its_bound),
	    cmocka_unit_test(cuts__under_none_keep_what_was_synced),
	    cmocka_unit_test(cuts__find_an_acknowledgement_before_the_sync),
	    cmocka_unit_test(cuts__find_a_manifest_before_its_table),
	    cmocka_unit_test(cuts__find_a_directory_that_is_not_synced),
	};

	return cmocka_run_group_tests_name("lsm_cuts", tests, NULL, NULL);
}
