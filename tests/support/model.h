/*
 * model: a store beside what it must hold, for tests that do anything in any
 * order.
 *
 * The keys are a universe; what somebody sees is an array with a cell for each
 * of them.  A value follows from its key and version.  The clock is the
 * test's.  A model's options are drawn at random, and again at reopens; its
 * durability at any time.
 * Use: model_init; then model_* operations in any order, each of which changes
 * both or compares both; model_check_all; model_fini.  A difference ends the
 * test case.
 * To add an operation: a function here, and a line in the table of
 * tests/lsm/test_model.c.
 * Threads: one; the store may have its own.
 */
#ifndef TESTS_SUPPORT_MODEL_H
#define TESTS_SUPPORT_MODEL_H

#include "tests/support/lsm_store.h"
#include "tests/support/universe.h"

#define MODEL_SNAPSHOTS 6
#define MODEL_CURSORS   4
#define MODEL_HELD      3
#define MODEL_STYLES    2 /* of enum lsm_compaction_style */

struct model_cell {
	uint32_t version;    /* 0: there is none */
	uint64_t expires_ms; /* 0: never */
};

struct model_snapshot {
	struct lsm_snapshot *handle; /* NULL: free */
	bool is_named;               /* it is in the store, too */
	struct model_cell *cells;    /* always there */
};

/*
 * An iterator reads the clock once, at a moment of its own choice: so a key
 * that expired since it was opened may be shown or not, but what it shows has
 * to be of one moment, between clock_min and clock_max.
 */
struct model_cursor {
	struct lsm_iter *it; /* NULL: closed */
	struct model_cell *cells;
	size_t lower, upper; /* of the keys; upper exclusive */
	size_t at;           /* the number of keys: nowhere */
	uint64_t clock_min, clock_max;
	bool clock_read; /* clock_max is not the present time any more */
	bool keys_only;
};

/* A value that is kept for a while. */
struct model_held {
	struct lsm_value value;
	size_t key;
	uint32_t version; /* 0: none is held */
};

/* How keys are chosen for writing. */
enum model_pattern {
	MODEL_ANYWHERE,
	MODEL_CLOSE,    /* mostly in a small range, that moves now and then */
	MODEL_NARROW,   /* only there: tables that meet few others */
	MODEL_IN_ORDER, /* each behind the one before */
	MODEL_PATTERNS,
};

struct model {
	struct lsm_store s;
	struct check_rand r;
	struct universe keys;
	struct model_cell *now;
	uint64_t clock_ms;
	uint32_t last_version;
	size_t value_max; /* most are below */
	size_t large_max; /* few are that large */
	enum model_pattern pattern;
	size_t pattern_at;
	struct model_snapshot snapshots[MODEL_SNAPSHOTS];
	struct model_cursor cursors[MODEL_CURSORS];
	struct model_held held[MODEL_HELD];
	struct lsm_batch *batch; /* for all writes, one after the other */

	/* of the stores that were closed */
	struct lsm_stats sum;
	uint64_t compactions[MODEL_STYLES]; /* under each style */
};

/* Adds what the mechanisms did. */
void model_add_stats(struct lsm_stats *sum, const struct lsm_stats *s);

/* may_thread: work in the background is one of the options drawn. */
void model_init(struct model *m, uint64_t seed, bool may_thread);
void model_fini(struct model *m);

/* Everything that anybody can see, in both directions. */
void model_check_all(struct model *m);

/* --- for the operations ------------------------------------------------- */

struct bytes model_key(const struct model *m, size_t i);
size_t model_pick(struct model *m);
struct model_cell *model_cells_new(const struct model *m);
void model_cells_copy(const struct model *m, struct model_cell *to,
    const struct model_cell *from);
bool model_is_there(const struct model_cell *c, uint64_t clock_ms);

/* Appends the value of a key's version. */
void model_value(
    const struct model *m, size_t i, uint32_t version, struct buf *out);
void model_check_value(
    const struct model *m, size_t i, uint32_t version, struct bytes found);

/* A snapshot, or NULL for now; *cells is what it must show. */
const struct lsm_snapshot *model_some_snapshot(
    struct model *m, const struct model_cell **cells);

/* All that reads from the store lets go of it, but for the snapshots. */
void model_let_go(struct model *m);
void model_set_clock(struct model *m, uint64_t ms);
void model_draw_options(struct model *m);
struct durability model_draw_durability(struct model *m);

/* --- operations --------------------------------------------------------- */

void model_write_put(struct model *m);
void model_write_put_until(struct model *m);
void model_write_delete(struct model *m);
void model_write_delete_run(struct model *m);
void model_write_delete_range(struct model *m);
void model_write_delete_all(struct model *m);
void model_write_batch(struct model *m);
void model_write_large_batch(struct model *m);

/* A batch of some operations of any kind, into a batch of the caller's. */
void model_write_some(struct model *m, struct lsm_batch *b, size_t count);

void model_read_get(struct model *m);
void model_read_part(struct model *m);
void model_read_missing(struct model *m);
void model_read_hold(struct model *m);
void model_read_move(struct model *m); /* an iterator, some steps */
void model_read_scan(struct model *m);

void model_life_snapshot(struct model *m);
void model_life_named_snapshot(struct model *m);
void model_life_list_snapshots(struct model *m);
void model_life_clock(struct model *m);
void model_life_clock_back(struct model *m);
void model_life_pattern(struct model *m);
void model_life_flush(struct model *m);
void model_life_compact(struct model *m);
void model_life_sync(struct model *m);
void model_life_durability(struct model *m);
void model_life_check(struct model *m);
void model_life_reopen(struct model *m);
void model_life_kill(struct model *m);
void model_life_torn(struct model *m);
void model_life_checkpoint(struct model *m);

#endif
