#include "tests/support/wal_copy.h"

#include "tests/check.h"

void
wal_copy_init(struct wal_copy *c, unsigned n, uint64_t (*durable)(unsigned i))
{
	check_le(n, WAL_COPY_RECORDS);
	memset(c, 0, sizeof(*c));
	wal_file_init(&c->f);
	wal_file_fill(&c->f, n, durable, c->at);
	wal_file_load(&c->f, &c->bytes);
}

void
wal_copy_fini(struct wal_copy *c)
{
	buf_fini(&c->bytes);
	wal_file_fini(&c->f);
}

void
wal_copy_store(struct wal_copy *c)
{
	wal_copy_store_first(c, c->bytes.size);
}

void
wal_copy_store_first(struct wal_copy *c, size_t size)
{
	wal_file_store(&c->f, bytes_of(c->bytes.data, size));
}
