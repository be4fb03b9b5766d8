/*
 * What range tombstones hide, in a view of memtables of which some have been
 * flushed while the view still has them: between a flush and the view without
 * its memtable a compaction may make one.
 */
#include "engine/db/cover.h"

#include <stdio.h>

#include "engine/db/batch.h"
#include "engine/table/merge.h"
#include "tests/check.h"
#include "tests/support/picture.h"
#include "tests/support/sorted.h"

#define KEYS      24
#define MEMTABLES 3
#define FLUSHED   MEMTABLES /* the child behind them */

struct world {
	struct view *view;
	struct sorted flushed;
	struct check_rand rand;
	uint64_t seq;
	/* by number: what was put, or deleted from first on */
	struct {
		unsigned first, end;
		bool is_delete;
	} writes[400];
};

static struct bytes
key_of(unsigned i)
{
	static char keys[KEYS + 1][4];

	snprintf(keys[i], sizeof(keys[i]), "k%02u", i);
	return bytes_str(keys[i]);
}

static void
put(struct world *w, struct memtable *m, bool is_flushed, unsigned key)
{
	check_ok(memtable_add(
	    m, ++w->seq, IKEY_KIND_PUT, key_of(key), bytes_str("v")));
	if (is_flushed)
		sorted_add(&w->flushed, key_of(key), w->seq, IKEY_KIND_PUT,
		    bytes_str("v"));
	w->writes[w->seq].first = key;
	w->writes[w->seq].end = key + 1;
}

static void
delete_range(struct world *w, struct memtable *m, unsigned first, unsigned end)
{
	static const struct memtable_place nowhere;
	const struct batch_op op = {
	    .kind = IKEY_KIND_RANGE,
	    .key = key_of(first),
	    .value = key_of(end),
	};

	check_ok(memtable_add_op(m, ++w->seq, &op, &nowhere));
	memtable_settle(m);
	w->writes[w->seq].first = first;
	w->writes[w->seq].end = end;
	w->writes[w->seq].is_delete = true;
}

static struct memtable *
fill(struct world *w, bool is_flushed)
{
	struct memtable *m = memtable_new(NULL);
	size_t writes = 5 + check_rand_below(&w->rand, 60);

	check_true(m != NULL);
	while (writes-- > 0) {
		unsigned first = (unsigned)check_rand_below(&w->rand, KEYS);
		unsigned many = (unsigned)check_rand_below(&w->rand, 12);

		if (check_rand_one_in(&w->rand, 8))
			delete_range(w, m, first,
			    first + 1 + many > KEYS ? KEYS : first + 1 + many);
		else
			put(w, m, is_flushed, first);
	}
	return m;
}

/* The oldest ones are flushed, none to all but the active one. */
static void
world_init(struct world *w, uint64_t seed)
{
	unsigned flushed;

	*w = (struct world){.rand = check_rand_of(seed)};
	flushed = (unsigned)check_rand_below(&w->rand, MEMTABLES);
	w->view = view_new(MEMTABLES);
	check_true(w->view != NULL);
	w->view->version = picture_version("");
	w->view->full_count = MEMTABLES - 1;
	for (unsigned i = MEMTABLES - 1; i > 0; i--)
		w->view->full[i - 1] = fill(w, i >= MEMTABLES - flushed);
	w->view->active = fill(w, false);
	sorted_sort(&w->flushed);
}

static void
world_fini(struct world *w)
{
	view_unref(w->view);
	sorted_fini(&w->flushed);
}

/* The number of what stands at the key at a number; 0: nothing. */
static uint64_t
there(const struct world *w, unsigned key, uint64_t seq)
{
	for (; seq > 0; seq--)
		if (w->writes[seq].first <= key && key < w->writes[seq].end)
			return w->writes[seq].is_delete ? 0 : seq;
	return 0;
}

static struct iter *
open_iter(const struct world *w, struct cover *c)
{
	struct iter *children[MEMTABLES + 1], *it;

	check_ok(memtable_iter_open(w->view->active, &children[0]));
	for (size_t i = 0; i < w->view->full_count; i++)
		check_ok(
		    memtable_iter_open(w->view->full[i], &children[1 + i]));
	children[FLUSHED] = sorted_iter(&w->flushed, NULL);
	for (size_t i = 0; c && i <= FLUSHED; i++)
		check_ok(cover_iter_open(c, i, &children[i]));
	check_ok(merge_open(children, FLUSHED + 1, &it));
	return it;
}

/* The newest entry up to seq of each key, and no other key. */
static void
check_all(const struct world *w, struct iter *it, uint64_t seq, bool back)
{
	uint64_t found[KEYS] = {0};
	int rc = back ? iter_last(it) : iter_first(it);

	for (; rc > 0; rc = back ? iter_prev(it) : iter_next(it)) {
		uint64_t number = ikey_trailer(it->key) >> 8;

		for (unsigned i = 0; i < KEYS && number <= seq; i++)
			if (bytes_eq(ikey_user(it->key), key_of(i)) &&
			    number > found[i])
				found[i] = number;
	}
	check_ok(rc);
	for (unsigned i = 0; i < KEYS; i++)
		check_eq(found[i], there(w, i, seq));
}

static void
cover__hides_what_is_deleted(void **state)
{
	uint64_t seed = check_seed();
	unsigned worlds = check_long() ? 20000 : 1000;

	(void)state;
	for (unsigned i = 0; i < worlds; i++) {
		struct world w;
		struct cover *c;
		struct iter *it;
		uint64_t seq;

		world_init(&w, seed + i);
		seq = w.seq - check_rand_below(&w.rand, w.seq / 2);
		check_ok(cover_open(w.view, seq, &c));
		it = open_iter(&w, c);
		check_all(&w, it, seq, false);
		check_all(&w, it, seq, true);
		iter_close(it);
		cover_free(c);
		world_fini(&w);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(cover__hides_what_is_deleted),
	};

	return cmocka_run_group_tests_name("db_cover", tests, NULL, NULL);
}
