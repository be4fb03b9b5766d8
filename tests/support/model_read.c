/* The operations of a model that read. */
#include "tests/support/model.h"

void
model_read_get(struct model *m)
{
	size_t i = check_rand_below(&m->r, m->keys.count);
	const struct model_cell *cells;
	const struct lsm_snapshot *at = model_some_snapshot(m, &cells);
	bool there = model_is_there(&cells[i], m->clock_ms);
	struct lsm_value value;

	check_eq(lsm_get(m->s.db, at, model_key(m, i), &value), there);
	if (!there)
		return;
	check_eq(value.expires_ms, cells[i].expires_ms);
	model_check_value(m, i, cells[i].version, value.bytes);
	lsm_value_release(&value);
}

void
model_read_part(struct model *m)
{
	size_t i = check_rand_below(&m->r, m->keys.count);
	const struct model_cell *cells;
	const struct lsm_snapshot *at = model_some_snapshot(m, &cells);
	bool there = model_is_there(&cells[i], m->clock_ms);
	size_t offset = check_rand_below(&m->r, m->value_max * 2);
	size_t length = check_rand_below(&m->r, m->value_max * 2);
	struct lsm_value value;
	struct buf whole = {0};

	check_eq(
	    lsm_get_part(m->s.db, at, model_key(m, i), offset, length, &value),
	    there);
	if (!there)
		return;
	model_value(m, i, cells[i].version, &whole);
	if (offset > whole.size)
		offset = whole.size;
	if (length > whole.size - offset)
		length = whole.size - offset;
	check_eq(value.bytes.size, length);
	if (length > 0)
		check_bytes_eq(
		    value.bytes, bytes_of(whole.data + offset, length));
	check_eq(value.expires_ms, cells[i].expires_ms);
	lsm_value_release(&value);
	buf_fini(&whole);
}

/* A key that is close to others, but not one of them. */
void
model_read_missing(struct model *m)
{
	struct lsm_value value;
	struct buf key = {0};
	size_t i;

	universe_near(&m->keys, &m->r, &key);
	i = universe_find(&m->keys, buf_bytes(&key));
	if (i == m->keys.count || !bytes_eq(model_key(m, i), buf_bytes(&key)))
		check_eq(lsm_get(m->s.db, NULL, buf_bytes(&key), &value), 0);
	buf_fini(&key);
}

/* A value stays as it was, whatever happens to its key. */
void
model_read_hold(struct model *m)
{
	struct model_held *h = &m->held[check_rand_below(&m->r, MODEL_HELD)];
	size_t i = check_rand_below(&m->r, m->keys.count);
	bool there = model_is_there(&m->now[i], m->clock_ms);

	if (h->version > 0) {
		model_check_value(m, h->key, h->version, h->value.bytes);
		lsm_value_release(&h->value);
		h->version = 0;
		return;
	}
	check_eq(lsm_get(m->s.db, NULL, model_key(m, i), &h->value), there);
	if (there) {
		h->key = i;
		h->version = m->now[i].version;
	}
}

void
model_read_scan(struct model *m)
{
	model_check_all(m);
}

/* --- iterators -------------------------------------------------------------
 */

static void
cursor_bounds(struct model *m, struct model_cursor *c,
    struct lsm_iter_options *o, struct buf bounds[2])
{
	c->lower = 0;
	c->upper = m->keys.count;
	if (check_rand_one_in(&m->r, 2)) {
		universe_near(&m->keys, &m->r, &bounds[0]);
		o->lower = buf_bytes(&bounds[0]);
		c->lower = universe_find(&m->keys, o->lower);
	}
	if (check_rand_one_in(&m->r, 2)) {
		universe_near(&m->keys, &m->r, &bounds[1]);
		/* The empty key is a bound, too. */
		check_ok(buf_reserve(&bounds[1], 1));
		o->upper = buf_bytes(&bounds[1]);
		c->upper = universe_find(&m->keys, o->upper);
	}
}

static void
cursor_open(struct model *m, struct model_cursor *c)
{
	struct lsm_iter_options o = {0};
	struct buf bounds[2] = {{0}, {0}};
	const struct model_cell *cells;

	cursor_bounds(m, c, &o, bounds);
	o.snapshot = model_some_snapshot(m, &cells);
	o.no_fill = check_rand_one_in(&m->r, 2);
	c->keys_only = o.keys_only = check_rand_one_in(&m->r, 4);
	model_cells_copy(m, c->cells, cells);
	c->at = m->keys.count;
	c->clock_min = c->clock_max = m->clock_ms;
	c->clock_read = false;
	check_ok(lsm_iter_open(m->s.db, &o, &c->it));
	buf_fini(&bounds[0]);
	buf_fini(&bounds[1]);
}

/* Whether key i is shown by c, which stands at `found` now. */
static bool
cursor_shows(struct model_cursor *c, size_t i, size_t found)
{
	uint64_t expires_ms = c->cells[i].expires_ms;

	if (!model_is_there(&c->cells[i], c->clock_min))
		return false;
	if (expires_ms == 0 || (expires_ms > c->clock_max && c->clock_read))
		return true;
	/* It has read the clock by now. */
	c->clock_read = true;
	if (expires_ms > c->clock_max)
		return true;
	if (i == found)
		c->clock_max = expires_ms - 1;
	else
		c->clock_min = expires_ms;
	return i == found;
}

/* The first key shown at index i or behind. */
static size_t
cursor_from(
    const struct model *m, struct model_cursor *c, size_t i, size_t found)
{
	if (i < c->lower)
		i = c->lower;
	while (i < c->upper && !cursor_shows(c, i, found))
		i++;
	return i < c->upper ? i : m->keys.count;
}

/* The last key shown before index i. */
static size_t
cursor_before(
    const struct model *m, struct model_cursor *c, size_t i, size_t found)
{
	if (i > c->upper)
		i = c->upper;
	while (i > c->lower && !cursor_shows(c, i - 1, found))
		i--;
	return i > c->lower ? i - 1 : m->keys.count;
}

/* A move: what the iterator does, and where it must come to: the first key
 * from an index on, or the last one before it. */
struct move {
	int rc;
	size_t index;
	bool back;
};

static struct move
cursor_seek(struct model *m, struct model_cursor *c, bool back)
{
	struct move move = {.back = back};
	struct buf key = {0};
	struct bytes k;

	universe_near(&m->keys, &m->r, &key);
	k = buf_bytes(&key);
	move.index = universe_find(&m->keys, k);
	if (back && move.index < m->keys.count &&
	    bytes_eq(model_key(m, move.index), k))
		move.index++;
	move.rc = back ? lsm_iter_seek_back(c->it, k) : lsm_iter_seek(c->it, k);
	buf_fini(&key);
	return move;
}

static struct move
cursor_move(struct model *m, struct model_cursor *c)
{
	size_t at = c->at, none = m->keys.count;

	switch (check_rand_below(&m->r, at < none ? 16 : 4)) {
	case 0:
		return (struct move){lsm_iter_first(c->it), 0, false};
	case 1:
		return (struct move){lsm_iter_last(c->it), none, true};
	case 2:
		return cursor_seek(m, c, false);
	case 3:
		return cursor_seek(m, c, true);
	case 4:
	case 5:
	case 6:
	case 7:
		return (struct move){lsm_iter_prev(c->it), at, true};
	default:
		return (struct move){lsm_iter_next(c->it), at + 1, false};
	}
}

/* Where the iterator stands; the number of keys: at one that it made up. */
static size_t
cursor_found(const struct model *m, const struct model_cursor *c, int rc)
{
	size_t i;

	if (rc == 0)
		return m->keys.count;
	i = universe_find(&m->keys, lsm_iter_key(c->it));
	check_true(i < m->keys.count);
	check_bytes_eq(lsm_iter_key(c->it), model_key(m, i));
	return i;
}

static void
cursor_step(struct model *m, struct model_cursor *c)
{
	struct move move;
	size_t found, want;

	if (!c->clock_read)
		c->clock_max = m->clock_ms;
	move = cursor_move(m, c);
	if (move.rc < 0)
		check_ok(move.rc);
	found = cursor_found(m, c, move.rc);
	want = move.back ? cursor_before(m, c, move.index, found)
			 : cursor_from(m, c, move.index, found);
	check_eq(found, want);
	c->at = found;
	if (found == m->keys.count)
		return;
	check_eq(lsm_iter_expires(c->it), c->cells[found].expires_ms);
	if (c->keys_only)
		check_eq(lsm_iter_value(c->it).size, 0);
	else
		model_check_value(
		    m, found, c->cells[found].version, lsm_iter_value(c->it));
}

void
model_read_move(struct model *m)
{
	struct model_cursor *c =
	    &m->cursors[check_rand_below(&m->r, MODEL_CURSORS)];

	if (c->it && check_rand_one_in(&m->r, 10)) {
		lsm_iter_close(c->it);
		c->it = NULL;
	}
	if (!c->it)
		cursor_open(m, c);
	for (size_t n = check_rand_below(&m->r, 30); n > 0; n--)
		cursor_step(m, c);
}
