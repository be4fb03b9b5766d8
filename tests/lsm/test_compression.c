/* Which tables are compressed how; and whatever it was, they are read. */
#include <stdio.h>
#include <stdlib.h>

#include "engine/table/table_format.h"
#include "tests/support/lsm_store.h"

/* Of the first block of the newest table. */
static enum frame_compression
stored_as(struct lsm_store *s)
{
	const char *path = lsm_store_file(s, ".sst");
	struct frame_handle h;
	struct env_file *f;
	struct table *t;
	uint8_t kind;
	size_t got;

	check_true(path != NULL);
	check_ok(table_open(&s->posix, path,
	    strtoull(strrchr(path, '/') + 1, NULL, 10), NULL, &t));
	h = table_index_handle(&t->index, 0);
	table_close(t);
	check_ok(env_open(&s->posix, path, ENV_OPEN_READ, &f));
	check_ok(env_pread(f, &kind, 1, h.offset + h.size, &got));
	check_eq(got, 1);
	env_close(f);
	return (enum frame_compression)kind;
}

static void
put_compressible(struct lsm_store *s, unsigned from, unsigned to)
{
	char key[16], value[200];

	for (unsigned i = from; i < to; i++) {
		snprintf(key, sizeof(key), "k%06u", i);
		memset(value, 'a' + (int)(i % 7), sizeof(value) - 1);
		value[sizeof(value) - 1] = 0;
		lsm_store_put(s, key, value);
	}
}

static void
compression__by_level(void **state)
{
	static const struct {
		enum lsm_compression all, bottom;
		enum frame_compression flushed, last;
	} cases[] = {
	    {LSM_COMPRESSION_NONE, LSM_COMPRESSION_SAME, FRAME_PLAIN,
		FRAME_PLAIN},
	    {LSM_COMPRESSION_LZ4, LSM_COMPRESSION_SAME, FRAME_LZ4, FRAME_LZ4},
	    {LSM_COMPRESSION_ZSTD, LSM_COMPRESSION_SAME, FRAME_ZSTD,
		FRAME_ZSTD},
	    {LSM_COMPRESSION_LZ4, LSM_COMPRESSION_ZSTD, FRAME_LZ4, FRAME_ZSTD},
	    {LSM_COMPRESSION_ZSTD, LSM_COMPRESSION_NONE, FRAME_ZSTD,
		FRAME_PLAIN},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct lsm_store s;

		lsm_store_init(&s);
		s.options.memtable_bytes = 1u << 20;
		s.options.table_bytes = 1u << 20;
		s.options.compression = cases[i].all;
		s.options.bottom_compression = cases[i].bottom;
		lsm_store_open(&s);
		put_compressible(&s, 0, 500);
		check_ok(lsm_flush(s.db));
		check_eq(stored_as(&s), cases[i].flushed);
		put_compressible(&s, 250, 750);
		check_ok(lsm_compact(s.db, NULL, NULL));
		check_eq(stored_as(&s), cases[i].last);
		check_str(lsm_store_get(&s, "k000007") + 198, "a");
		check_str(lsm_store_get(&s, "k000748") + 198, "g");
		check_true(lsm_store_get(&s, "k000750") == NULL);
		lsm_store_check(&s);
		lsm_store_fini(&s);
	}
}

/* Options change between opens; tables stay as they are. */
static void
compression__changes_between_opens(void **state)
{
	static const enum lsm_compression kinds[] = {LSM_COMPRESSION_ZSTD,
	    LSM_COMPRESSION_NONE, LSM_COMPRESSION_LZ4, LSM_COMPRESSION_ZSTD};
	struct lsm_store s;

	(void)state;
	lsm_store_init(&s);
	lsm_store_open(&s);
	for (unsigned i = 0; i < 4; i++) {
		lsm_store_close(&s);
		s.options.compression = kinds[i];
		lsm_store_open(&s);
		lsm_store_fill(&s, i * 200, (i + 1) * 200, 100, 'a');
	}
	lsm_store_expect(&s, 0, 800, 100, 'a');
	lsm_store_check(&s);
	lsm_store_fini(&s);
}

static void
compression__of_no_kind_is_refused(void **state)
{
	struct lsm_store s;

	(void)state;
	lsm_store_init(&s);
	s.options.compression = LSM_COMPRESSION_SAME;
	check_err(lsm_store_try_open(&s), -EINVAL);
	s.options.compression = LSM_COMPRESSION_LZ4;
	s.options.bottom_compression = (enum lsm_compression)4;
	check_err(lsm_store_try_open(&s), -EINVAL);
	lsm_store_fini(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(compression__by_level),
	    cmocka_unit_test(compression__changes_between_opens),
	    cmocka_unit_test(compression__of_no_kind_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
