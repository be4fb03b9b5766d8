#include "tests/support/model.h"

#include <stdio.h>
#include <stdlib.h>

#define START_MS UINT64_C(1700000000000)

/* --- keys, values, cells -------------------------------------------------- */

struct bytes
model_key(const struct model *m, size_t i)
{
	return universe_key(&m->keys, i);
}

size_t
model_pick(struct model *m)
{
	size_t count = m->keys.count;

	switch (m->pattern) {
	case MODEL_CLOSE:
		if (!check_rand_one_in(&m->r, 8))
			return (m->pattern_at +
				   check_rand_below(&m->r, count / 20 + 1)) %
			       count;
		break;
	case MODEL_NARROW:
		if (check_rand_one_in(&m->r, 200))
			m->pattern_at = check_rand_below(&m->r, count);
		return (m->pattern_at +
			   check_rand_below(&m->r, count / 40 + 1)) %
		       count;
	case MODEL_IN_ORDER:
		m->pattern_at = (m->pattern_at + 1) % count;
		return m->pattern_at;
	default:
		break;
	}
	return check_rand_below(&m->r, count);
}

void
model_value(const struct model *m, size_t i, uint32_t version, struct buf *out)
{
	struct check_rand r = check_rand_of((uint64_t)version << 20 | i);
	size_t size = check_rand_below(&r, m->value_max);

	if (check_rand_one_in(&r, 200))
		size = check_rand_below(&r, m->large_max);
	check_ok(buf_reserve(out, size));
	check_rand_fill(&r, out->data + out->size, size);
	/* So that there is something to compress. */
	if (size > 64)
		memset(out->data + out->size + 16, 'v', size / 2);
	out->size += size;
}

void
model_check_value(
    const struct model *m, size_t i, uint32_t version, struct bytes found)
{
	struct buf want = {0};

	model_value(m, i, version, &want);
	check_bytes_eq(found, buf_bytes(&want));
	buf_fini(&want);
}

struct model_cell *
model_cells_new(const struct model *m)
{
	struct model_cell *cells = calloc(m->keys.count, sizeof(*cells));

	check_true(cells != NULL);
	return cells;
}

void
model_cells_copy(
    const struct model *m, struct model_cell *to, const struct model_cell *from)
{
	memcpy(to, from, m->keys.count * sizeof(*to));
}

bool
model_is_there(const struct model_cell *c, uint64_t clock_ms)
{
	return c->version > 0 &&
	       (c->expires_ms == 0 || c->expires_ms > clock_ms);
}

const struct lsm_snapshot *
model_some_snapshot(struct model *m, const struct model_cell **cells)
{
	size_t i = check_rand_below(&m->r, MODEL_SNAPSHOTS * 2);

	*cells = m->now;
	if (i >= MODEL_SNAPSHOTS || !m->snapshots[i].handle)
		return NULL;
	*cells = m->snapshots[i].cells;
	return m->snapshots[i].handle;
}

/* --- comparing ------------------------------------------------------------ */

static void
check_shown(const struct model *m, const struct lsm_iter *it, size_t i,
    const struct model_cell *cell)
{
	check_bytes_eq(lsm_iter_key(it), model_key(m, i));
	check_eq(lsm_iter_expires(it), cell->expires_ms);
	model_check_value(m, i, cell->version, lsm_iter_value(it));
}

static void
check_view(struct model *m, const struct lsm_snapshot *snapshot,
    const struct model_cell *cells)
{
	const struct lsm_iter_options o = {.snapshot = snapshot};
	size_t count = m->keys.count;
	struct lsm_iter *it;
	int rc;

	check_ok(lsm_iter_open(m->s.db, &o, &it));
	rc = lsm_iter_first(it);
	for (size_t i = 0; i < count; i++) {
		if (!model_is_there(&cells[i], m->clock_ms))
			continue;
		check_eq(rc, 1);
		check_shown(m, it, i, &cells[i]);
		rc = lsm_iter_next(it);
	}
	check_eq(rc, 0);
	rc = lsm_iter_last(it);
	for (size_t i = count; i-- > 0;) {
		if (!model_is_there(&cells[i], m->clock_ms))
			continue;
		check_eq(rc, 1);
		check_shown(m, it, i, &cells[i]);
		rc = lsm_iter_prev(it);
	}
	check_eq(rc, 0);
	lsm_iter_close(it);
}

void
model_check_all(struct model *m)
{
	check_view(m, NULL, m->now);
	for (size_t i = 0; i < MODEL_SNAPSHOTS; i++)
		if (m->snapshots[i].handle)
			check_view(
			    m, m->snapshots[i].handle, m->snapshots[i].cells);
}

/* --- options ---------------------------------------------------------------
 */

/* One of the numbers, up to the first 0 behind the first. */
static size_t
one_of(struct model *m, const size_t *numbers)
{
	size_t count = 1;

	while (numbers[count] > 0)
		count++;
	return numbers[check_rand_below(&m->r, count)];
}

#define ONE_OF(m, ...) one_of((m), (const size_t[]){__VA_ARGS__, 0})

void
model_draw_options(struct model *m)
{
	struct lsm_options *o = &m->s.options;

	o->memtable_bytes = ONE_OF(m, 4096, 8192, 16384, 65536);
	o->memtables_max = (unsigned)ONE_OF(m, 2, 3, 4);
	o->cache_bytes = ONE_OF(m, 0, 4096, 65536, 1u << 20);
	o->block_bytes = ONE_OF(m, 64, 256, 512, 1024, 4096);
	o->table_bytes = ONE_OF(m, 512, 2048, 8192, 32768);
	o->level_base_bytes = ONE_OF(m, 512, 2048, 8192, 65536);
	o->level0_tables = (unsigned)ONE_OF(m, 1, 2, 3, 4);
	o->compaction_style = (enum lsm_compaction_style)ONE_OF(
	    m, LSM_COMPACTION_LEVELED, LSM_COMPACTION_LAZY);
	o->compaction_threads = (unsigned)ONE_OF(m, 1, 2, 4);
	o->value_log_bytes = ONE_OF(m, 0, 20, 200, 2000);
	o->filter_bits = (unsigned)ONE_OF(m, 0, 3, 10, 20);
	o->compression = (enum lsm_compression)ONE_OF(
	    m, LSM_COMPRESSION_NONE, LSM_COMPRESSION_LZ4, LSM_COMPRESSION_ZSTD);
	o->bottom_compression = (enum lsm_compression)ONE_OF(m,
	    LSM_COMPRESSION_NONE, LSM_COMPRESSION_ZSTD, LSM_COMPRESSION_SAME);
	o->durability = model_draw_durability(m);
}

/* Bounds that come soon, or never. */
struct durability
model_draw_durability(struct model *m)
{
	struct durability d =
	    durability_of((enum durability_policy)ONE_OF(m, DURABILITY_NONE,
		DURABILITY_SYNC, DURABILITY_BATCH, DURABILITY_ADAPTIVE));

	d.batch_ops = (uint32_t)ONE_OF(m, 1, 5, 1000);
	d.batch_ms = d.adaptive_ms = (uint32_t)ONE_OF(m, 1, DURABILITY_MS_MAX);
	return d;
}

void
model_add_stats(struct lsm_stats *sum, const struct lsm_stats *s)
{
	sum->flushes += s->flushes;
	sum->compactions += s->compactions;
	sum->filter_skips += s->filter_skips;
	sum->expired += s->expired;
	sum->range_deletes += s->range_deletes;
	sum->range_hints += s->range_hints;
	sum->value_bytes_collected += s->value_bytes_collected;
	sum->syncs += s->syncs;
}

/* --- the model's life ------------------------------------------------------
 */

void
model_set_clock(struct model *m, uint64_t ms)
{
	m->clock_ms = ms;
	/* Relaxed: only the time itself is handed over. */
	atomic_store_explicit(
	    &m->s.fault.wall_ns, ms * 1000000, memory_order_relaxed);
}

void
model_let_go(struct model *m)
{
	for (size_t i = 0; i < MODEL_CURSORS; i++) {
		lsm_iter_close(m->cursors[i].it);
		m->cursors[i].it = NULL;
	}
	for (size_t i = 0; i < MODEL_HELD; i++) {
		if (m->held[i].version > 0)
			lsm_value_release(&m->held[i].value);
		m->held[i].version = 0;
	}
}

void
model_init(struct model *m, uint64_t seed, bool may_thread)
{
	*m = (struct model){.r = check_rand_of(seed)};
	m->batch = lsm_batch_new();
	check_true(m->batch != NULL);
	universe_init(&m->keys, &m->r);
	m->now = model_cells_new(m);
	for (size_t i = 0; i < MODEL_SNAPSHOTS; i++)
		m->snapshots[i].cells = model_cells_new(m);
	for (size_t i = 0; i < MODEL_CURSORS; i++)
		m->cursors[i].cells = model_cells_new(m);
	m->value_max = ONE_OF(m, 20, 60, 400);
	m->large_max = ONE_OF(m, 1000, 5000, 100000);
	lsm_store_init(&m->s);
	m->s.fault.syncs_kept = true;
	m->s.options.no_background = !may_thread || check_rand_one_in(&m->r, 2);
	model_draw_options(m);
	model_set_clock(m, START_MS);
	lsm_store_open(&m->s);
	printf("%s keys, values to %zu and %zu bytes, %s\n", m->keys.kind,
	    m->value_max, m->large_max,
	    m->s.options.no_background ? "on demand" : "with threads");
}

void
model_fini(struct model *m)
{
	model_let_go(m);
	for (size_t i = 0; i < MODEL_SNAPSHOTS; i++) {
		lsm_snapshot_close(m->s.db, m->snapshots[i].handle);
		free(m->snapshots[i].cells);
	}
	lsm_store_fini(&m->s);
	for (size_t i = 0; i < MODEL_CURSORS; i++)
		free(m->cursors[i].cells);
	free(m->now);
	lsm_batch_free(m->batch);
	universe_fini(&m->keys);
}
