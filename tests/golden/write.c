/*
 * Writes a golden store: compiled by make.sh against the engine of the version
 * whose store it is to be, and no part of the build.
 *
 *	write DIR
 */
#include <stdlib.h>

#include "engine/lsm.h"
#include "tests/golden/golden.h"

static void
expect(int err, const char *what)
{
	if (!err)
		return;
	fprintf(stderr, "%s: %d\n", what, err);
	exit(1);
}

static void
write_key(struct lsm *db, unsigned i, unsigned round)
{
	struct lsm_batch *b = lsm_batch_new();
	enum golden_change change = golden_change(i, round);
	uint8_t value[GOLDEN_VALUE_MAX];
	char key[GOLDEN_KEY_SIZE];
	struct bytes k = bytes_of(key, golden_key(i, key));

	if (!b)
		expect(-1, "no memory");
	if (change == GOLDEN_PUT)
		expect(lsm_batch_put(b, k,
			   bytes_of(value, golden_value(i, round, value))),
		    "put");
	if (change == GOLDEN_DELETE)
		expect(lsm_batch_delete(b, k), "delete");
	expect(lsm_write(db, b, NULL), "write");
	lsm_batch_free(b);
}

static void
write_round(struct lsm *db, unsigned round)
{
	for (unsigned i = 0; i < GOLDEN_KEYS; i++)
		if (golden_change(i, round) != GOLDEN_NONE)
			write_key(db, i, round);
}

#if GOLDEN_FORMAT >= 2
static void
write_batch(struct lsm *db, struct lsm_batch *b)
{
	expect(lsm_write(db, b, NULL), "write");
	lsm_batch_free(b);
}

static struct bytes
ranged_key(unsigned i, char key[GOLDEN_KEY_SIZE])
{
	return bytes_of(key, golden_ranged_key(i, key));
}

static void
write_ranged(struct lsm *db)
{
	struct lsm_batch *b = lsm_batch_new();
	char key[GOLDEN_KEY_SIZE];

	for (unsigned i = 0; i < GOLDEN_RANGED; i++)
		expect(lsm_batch_put(b, ranged_key(i, key), bytes_str("v")),
		    "put");
	write_batch(db, b);
}

static void
delete_ranged(struct lsm *db, unsigned from, unsigned to)
{
	struct lsm_batch *b = lsm_batch_new();
	char begin[GOLDEN_KEY_SIZE], end[GOLDEN_KEY_SIZE];

	expect(lsm_batch_delete_range(
		   b, ranged_key(from, begin), ranged_key(to, end)),
	    "delete range");
	write_batch(db, b);
}

static void
write_large(struct lsm *db)
{
	uint8_t value[GOLDEN_LARGE_SIZE];
	char key[GOLDEN_KEY_SIZE];

	for (unsigned i = 0; i < GOLDEN_LARGE; i++) {
		struct lsm_batch *b = lsm_batch_new();

		golden_large_value(i, value);
		expect(lsm_batch_put(b, bytes_of(key, golden_large_key(i, key)),
			   bytes_of(value, sizeof(value))),
		    "put");
		write_batch(db, b);
	}
	expect(lsm_flush(db), "flush");
}

static void
write_until(struct lsm *db)
{
	struct lsm_batch *b = lsm_batch_new();

	expect(lsm_batch_put_until(
		   b, bytes_str("x/past"), bytes_str("v"), GOLDEN_PAST_MS),
	    "put");
	expect(lsm_batch_put_until(
		   b, bytes_str("x/future"), bytes_str("v"), GOLDEN_FUTURE_MS),
	    "put");
	write_batch(db, b);
}
#endif

int
main(int argc, char **argv)
{
	struct lsm_options o;
	struct lsm *db;

	if (argc != 2)
		return 2;
	lsm_options_init(&o);
	o.create = true;
	o.must_create = true;
	o.no_background = true;
	o.table_bytes = 8192;
	o.level_base_bytes = 16384;
	o.block_bytes = 1024;
	expect(lsm_open(argv[1], &o, &db), "open");
	write_round(db, 0);
#if GOLDEN_FORMAT >= 2
	write_ranged(db);
	expect(lsm_compact(db, NULL, NULL), "compact");
	write_large(db);
	delete_ranged(db, 16, 18);
	write_until(db);
#else
	expect(lsm_compact(db, NULL, NULL), "compact");
#endif
	write_round(db, 1);
	expect(lsm_flush(db), "flush");
#if GOLDEN_FORMAT >= 2
	expect(lsm_snapshot_create(db, GOLDEN_SNAPSHOT), "snapshot");
	delete_ranged(db, 5, 15);
#endif
	write_round(db, 2);
	expect(lsm_close(db), "close");
	return 0;
}
