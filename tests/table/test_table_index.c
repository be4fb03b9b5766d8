/* The index: a search finds what going through the keys finds, and with leaves
 * a table reads as without. */
#include <stdio.h>
#include <stdlib.h>

#include "engine/base/hash.h"
#include "engine/table/table_format.h"
#include "tests/support/place.h"

/* --- searching ----------------------------------------------------------- */

struct made {
	struct sorted s;
	struct block_builder b;
	uint8_t *piece;
	struct table_index ix;
};

/* An index of the keys of s; frames of 100 bytes from 8 on. */
static void
made_init(struct made *m)
{
	struct table_index_bounds bounds = {.begin = 8, .end = 8};
	struct frame_handle h = {8, 100};
	struct buf value = {0};
	struct bytes block;
	const char *why = "";
	size_t size;

	block_builder_init(&m->b, TABLE_INDEX_INTERVAL);
	for (size_t i = 0; i < m->s.count; i++) {
		buf_clear(&value);
		check_ok(frame_handle_append(&value, h));
		check_ok(block_builder_add(
		    &m->b, m->s.entries[i].key, buf_bytes(&value)));
		h.offset += frame_handle_bytes(h);
	}
	bounds.end = h.offset;
	if (m->s.count > 0) {
		bounds.smallest = m->s.entries[0].key;
		bounds.largest = m->s.entries[m->s.count - 1].key;
	}
	check_ok(block_builder_finish(&m->b, &block));
	if (table_index_make(block, &bounds, &m->piece, &size, &why))
		check_fail("%s", why);
	m->ix = table_index_of(m->piece);
	check_eq(m->ix.count, m->s.count);
	buf_fini(&value);
}

static void
made_fini(struct made *m)
{
	block_builder_fini(&m->b);
	free(m->piece);
	sorted_fini(&m->s);
}

static size_t
linear_find(const struct sorted *s, struct bytes target)
{
	size_t i = 0;

	while (i < s->count && ikey_cmp(s->entries[i].key, target) < 0)
		i++;
	return i;
}

static void
check_find(const struct made *m, struct bytes user, uint64_t seq)
{
	struct buf target = {0};

	check_ok(ikey_append(&target, user, seq, IKEY_KIND_SEEK));
	check_eq(table_index_find(&m->ix, buf_bytes(&target)),
	    linear_find(&m->s, buf_bytes(&target)));
	buf_fini(&target);
}

static void
table_index__finds_as_a_walk_does(void **state)
{
	struct check_rand r = check_rand_of(check_seed());
	struct buf target = {0};

	(void)state;
	for (size_t round = 0; round < 100; round++) {
		struct made m = {0};

		sorted_random(&m.s, &r, 1 + check_rand_below(&r, 200));
		made_init(&m);
		for (int i = 0; i < 100; i++) {
			sorted_target(&m.s, &r, &target);
			check_eq(table_index_find(&m.ix, buf_bytes(&target)),
			    linear_find(&m.s, buf_bytes(&target)));
		}
		for (size_t i = 0; i < m.s.count; i++) {
			check_eq(
			    table_index_find(&m.ix, m.s.entries[i].key), i);
			check_bytes_eq(
			    table_index_key(&m.ix, i), m.s.entries[i].key);
			check_eq(table_index_handle(&m.ix, i).offset,
			    8 + i * (100 + FRAME_TRAILER));
			check_eq(table_index_handle(&m.ix, i).size, 100);
		}
		made_fini(&m);
	}
	buf_fini(&target);
}

/* Keys with more than 8 bytes in common behind the prefix, and many versions
 * of one: digests do not tell them apart. */
static void
table_index__equal_digests(void **state)
{
	struct made m = {0};
	char user[64];

	(void)state;
	sorted_add(&m.s, bytes_str("dir"), 9, IKEY_KIND_PUT, bytes_str(""));
	for (unsigned i = 0; i < 50; i++) {
		snprintf(user, sizeof(user), "dir/something-long/%03u", i);
		sorted_add(
		    &m.s, bytes_str(user), 7, IKEY_KIND_PUT, bytes_str(""));
	}
	for (uint64_t seq = 20; seq > 2; seq--)
		sorted_add(&m.s, bytes_str("dir/something-long/050"), seq,
		    IKEY_KIND_PUT, bytes_str(""));
	sorted_add(&m.s,
	    bytes_of("dir\xff\xff\xff\xff\xff\xff\xff\xff\xff", 12), 7,
	    IKEY_KIND_PUT, bytes_str(""));
	made_init(&m);
	check_eq(m.ix.prefix.size, 3);
	for (unsigned i = 0; i < 52; i++) {
		snprintf(user, sizeof(user), "dir/something-long/%03u", i);
		for (uint64_t seq = 0; seq < 22; seq++)
			check_find(&m, bytes_str(user), seq);
		snprintf(user, sizeof(user), "dir/something-long/%03u+", i);
		check_find(&m, bytes_str(user), 5);
	}
	check_find(&m, bytes_str("dir/somethi"), 5);
	check_find(&m, bytes_str("dir/something"), 5);
	check_find(&m, bytes_str("dir/something-lonf/100"), 5);
	check_find(&m, bytes_str("dir/something-lonh/100"), 5);
	check_find(&m, bytes_str("dir/something-long/"), 5);
	check_find(&m, bytes_str("di"), 5);
	check_find(&m, bytes_str("dir"), 5);
	check_find(&m, bytes_str("dis"), 5);
	check_find(&m, bytes_of("dir\xff\xff\xff\xff\xff\xff\xff\xff", 11), 5);
	check_find(
	    &m, bytes_of("dir\xff\xff\xff\xff\xff\xff\xff\xff\xff", 12), 5);
	check_find(
	    &m, bytes_of("dir\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", 13), 5);
	made_fini(&m);
}

/* In or near one of the directories. */
static struct bytes
random_path(struct check_rand *r, char *room, size_t size)
{
	int n = snprintf(room, size, "a/directory%u/%s%02u",
	    (unsigned)check_rand_below(r, 6),
	    check_rand_one_in(r, 9) ? "" : "name-of-a-file-",
	    (unsigned)check_rand_below(r, 99));

	return bytes_of(room, (size_t)n - check_rand_below(r, 3));
}

/* Runs of equal digests of many lengths, that have more or less in common. */
static void
table_index__directories(void **state)
{
	struct check_rand r = check_rand_of(check_seed());
	char room[64];

	(void)state;
	for (size_t round = 0; round < 200; round++) {
		struct made m = {0};
		size_t count = 1 + check_rand_below(&r, 60);

		for (size_t i = 0; i < count; i++)
			sorted_add(&m.s, random_path(&r, room, sizeof(room)),
			    1 + check_rand_below(&r, 3), IKEY_KIND_PUT,
			    bytes_str(""));
		sorted_sort(&m.s);
		made_init(&m);
		for (int i = 0; i < 100; i++)
			check_find(&m, random_path(&r, room, sizeof(room)),
			    check_rand_below(&r, 5));
		made_fini(&m);
	}
}

static void
table_index__of_nothing(void **state)
{
	struct made m = {0};

	(void)state;
	made_init(&m);
	check_eq(m.ix.count, 0);
	check_find(&m, bytes_str("k"), 1);
	made_fini(&m);
}

/* --- leaves ------------------------------------------------------------ */

/* Leaves come from the cache, and stay there only if they may. */
static void
table_index__leaves_are_cached(void **state)
{
	const struct table_writer_options o = {
	    .block_bytes = 256, .filter_bits = 10, .index_bytes = 1000};
	struct check_rand r = check_rand_of(check_seed());
	struct cache *c = cache_new(8 << 20);
	struct cache_figures f;
	struct sorted s = {0};
	uint64_t leaves;
	struct table *t;
	struct iter *it;
	struct place p;

	(void)state;
	place_init(&p);
	place_make(&p, &r, &s, 5000, &o);
	t = place_open(&p, c);
	leaves = table_properties(t)->index_leaves;
	check_le(20, leaves);
	check_ok(table_iter_open(t, false, &it));
	for (int rc = iter_first(it); rc != 0; rc = iter_next(it))
		check_eq(rc, 1);
	iter_close(it);
	cache_figures(c, &f);
	check_eq(f.bytes, 0);
	check_eq(f.misses, leaves);
	for (size_t i = 0; i < s.count; i++)
		place_check_get(t, &s, s.entries[i].key, false);
	cache_figures(c, &f);
	check_eq(f.misses, 2 * leaves + table_properties(t)->data_blocks);
	table_close(t);
	cache_free(c);
	sorted_fini(&s);
	place_fini(&p);
}

/* Together more than a frame may be. */
static void
table_index__of_the_largest_keys(void **state)
{
	const struct table_writer_options o = {
	    .block_bytes = 4096, .filter_bits = 10, .compress = true};
	const size_t count = 2100, size = 65536;
	struct table_entry found;
	struct table_info info;
	struct table_writer *w;
	struct buf key = {0};
	uint8_t *user = malloc(size);
	struct table *t;
	struct place p;

	(void)state;
	check_true(user != NULL);
	memset(user, 'k', size);
	place_init(&p);
	check_ok(table_writer_open(&p.posix, p.path, PLACE_FILE_NO, &o, &w));
	for (size_t i = 0; i < count; i++) {
		wire_put_be64(user + size - 8, i);
		buf_clear(&key);
		check_ok(
		    ikey_append(&key, bytes_of(user, size), 1, IKEY_KIND_PUT));
		check_ok(table_writer_add(w, buf_bytes(&key), bytes_str("v")));
	}
	check_ok(table_writer_finish(w, &info));
	table_info_fini(&info);
	t = place_open(&p, NULL);
	check_le(100, table_properties(t)->index_leaves);
	for (size_t i = 0; i < count; i += 50) {
		wire_put_be64(user + size - 8, i);
		buf_clear(&key);
		check_ok(
		    ikey_append(&key, bytes_of(user, size), 1, IKEY_KIND_SEEK));
		check_eq(table_get(t, buf_bytes(&key),
			     hash_64(bytes_of(user, size), 0), &found, NULL),
		    1);
		check_bytes_eq(found.value, bytes_str("v"));
		cache_unref(found.block);
	}
	table_close(t);
	buf_fini(&key);
	free(user);
	place_fini(&p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(table_index__finds_as_a_walk_does),
	    cmocka_unit_test(table_index__equal_digests),
	    cmocka_unit_test(table_index__directories),
	    cmocka_unit_test(table_index__of_nothing),
	    cmocka_unit_test(table_index__leaves_are_cached),
	    cmocka_unit_test(table_index__of_the_largest_keys),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
