#include "tests/support/small_store.h"

#include <stdio.h>

#include "tests/check.h"

void
small_store_init(struct small_store *s, enum small_disk_kind kind,
    uint64_t disk_bytes, size_t memtable_bytes)
{
	*s = (struct small_store){.count = 0};
	small_disk_init(&s->disk, kind, disk_bytes);
	lsm_options_init(&s->options);
	s->options.create = true;
	s->options.env = &s->disk.env;
	s->options.memtable_bytes = memtable_bytes;
	s->options.table_bytes = memtable_bytes / 2;
	s->options.level_base_bytes = 4 * memtable_bytes;
	s->options.cache_bytes = 1u << 20;
	s->batch = lsm_batch_new();
	check_true(s->batch != NULL);
	small_store_open(s);
}

void
small_store_fini(struct small_store *s)
{
	lsm_batch_free(s->batch);
	small_store_close(s);
	small_disk_fini(&s->disk);
}

void
small_store_close(struct small_store *s)
{
	check_ok(lsm_close(s->db));
	s->db = NULL;
}

void
small_store_open(struct small_store *s)
{
	check_ok(lsm_open(s->disk.dir, &s->options, &s->db));
}

void
small_store_reopen(struct small_store *s)
{
	small_store_close(s);
	small_store_open(s);
}

struct bytes
small_store_key(unsigned i)
{
	static char key[32];

	(void)snprintf(key, sizeof(key), "key%06u", i);
	return bytes_str(key);
}

uint64_t
small_store_held(const struct small_store *s)
{
	return small_disk_file_bytes(&s->disk, "RESERVE");
}
