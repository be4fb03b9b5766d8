/* A table file.  Flags: FUZZ_FIX. */
#include <stdlib.h>

#include "engine/base/hash.h"
#include "engine/base/must.h"
#include "engine/table/ranges.h"
#include "engine/table/table_format.h"
#include "tests/fuzz/fix.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/memory.h"

#define KEYS 16 /* looked for afterwards */

struct found {
	struct buf keys[KEYS];
	size_t keys_count;
	uint64_t count;
	int rc; /* 0, or the error that ended it */
};

static void
walk(struct iter *it, int (*begin)(struct iter *), int (*move)(struct iter *),
    struct found *f)
{
	for (f->rc = begin(it); f->rc > 0; f->rc = move(it)) {
		if (f->count++ % 7 != 0 || f->keys_count == KEYS)
			continue;
		must(buf_assign(&f->keys[f->keys_count++], it->key) == 0);
	}
}

static void
get_all(struct table *t, struct iter *it, const struct found *f)
{
	struct table_entry e;
	bool filtered;

	for (size_t i = 0; i < f->keys_count; i++) {
		struct bytes key = buf_bytes(&f->keys[i]);

		if (key.size < IKEY_TRAILER)
			continue;
		if (table_get(
			t, key, hash_64(ikey_user(key), 0), &e, &filtered) > 0)
			cache_unref(e.block);
		(void)iter_seek(it, key);
	}
}

static void
count_finding(void *ctx, const char *text)
{
	(void)text;
	++*(int *)ctx;
}

static void
read_all(struct table *t)
{
	struct found forward = {0}, back = {0};
	int findings = 0, rc;
	struct iter *it;

	must(table_iter_open(t, false, &it) == 0);
	walk(it, iter_first, iter_next, &forward);
	walk(it, iter_last, iter_prev, &back);
	get_all(t, it, &forward);
	rc = table_check(t, count_finding, &findings);
	must(rc < 0 || rc == findings);
	if (rc == 0) {
		must(forward.rc == 0 && back.rc == 0);
		must(forward.count == table_properties(t)->entries);
		must(back.count == forward.count);
	}
	iter_close(it);
	for (size_t i = 0; i < KEYS; i++) {
		buf_fini(&forward.keys[i]);
		buf_fini(&back.keys[i]);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct memory m;
	struct table *t;
	uint64_t file_no = 0;
	uint8_t *file;
	size_t n;

	if (size < 1)
		return 0;
	n = size - 1;
	file = memory_input(data, size, fix_table);
	if (n >= TABLE_FOOTER)
		file_no = wire_get_le64(file + n - TABLE_FOOTER + 48);
	memory_init(&m, bytes_of(file, n));
	if (table_open(&m.env, "table", file_no, NULL, &t) == 0) {
		read_all(t);
		table_close(t);
	}
	free(file);
	return 0;
}
