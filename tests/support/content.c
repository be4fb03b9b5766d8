#include "tests/support/content.h"

#include <stdlib.h>

#include "fs/record/key.h"
#include "tests/check.h"

struct bytes
content_pattern(size_t size)
{
	static uint8_t all[CONTENT_MAX];

	check_le(size, sizeof(all));
	if (all[0] == 0)
		for (size_t i = 0; i < sizeof(all); i++)
			all[i] = (uint8_t)(1 + i % 255);
	return bytes_of(all, size);
}

struct bytes
content_zeros(size_t size)
{
	static const uint8_t all[CONTENT_MAX];

	check_le(size, sizeof(all));
	return bytes_of(all, size);
}

int
content_write(
    struct volume *t, uint64_t ino, uint64_t offset, struct bytes data)
{
	return vol_write(t->v, &t->ctx, ino, offset, data);
}

int
content_truncate(struct volume *t, uint64_t ino, uint64_t size)
{
	const struct vol_set set = {.mask = VOL_SET_SIZE, .size = size};
	struct vol_attr a;

	return vol_setattr(t->v, &t->ctx, ino, &set, &a);
}

uint64_t
content_size(struct volume *t, uint64_t ino)
{
	struct vol_attr a = {0};

	check_ok(vol_getattr(t->v, ino, &a));
	return a.size;
}

void
content_check_read(
    struct volume *t, uint64_t ino, uint64_t offset, struct bytes want)
{
	/* Exactly so much room that a read of too much is seen, and filled,
	 * so that what is not written is not what is wanted. */
	uint8_t *data = malloc(want.size + 1);
	size_t got = SIZE_MAX;
	int err;

	check_true(data != NULL);
	memset(data, 0xa5, want.size + 1);
	err = vol_read(t->v, ino, offset, data, want.size, &got);
	if (err || got != want.size || !bytes_eq(bytes_of(data, got), want))
		print_message("read of %zu bytes at %llu\n", want.size,
		    (unsigned long long)offset);
	check_ok(err);
	check_eq(got, want.size);
	check_bytes_eq(bytes_of(data, got), want);
	free(data);
}

void
content_check(struct volume *t, uint64_t ino, struct bytes want)
{
	uint8_t beyond;
	size_t got = SIZE_MAX;

	check_eq(content_size(t, ino), want.size);
	content_check_read(t, ino, 0, want);
	check_ok(vol_read(t->v, ino, want.size, &beyond, 1, &got));
	check_eq(got, 0);
}

size_t
content_blocks(struct volume *t)
{
	return store_mem_count_tag(t->s, KEY_BLOCK);
}

size_t
content_xattrs(struct volume *t)
{
	return store_mem_count_tag(t->s, KEY_XATTR);
}

size_t
content_orphans(struct volume *t)
{
	return store_mem_count_tag(t->s, KEY_ORPHAN);
}

void
content_open_crashed(struct volume *out, struct volume *t)
{
	*out = (struct volume){
	    .s = store_mem_clone(t->s), .ctx = t->ctx, .options = t->options};
	out->options.sink.ctx = out;
	check_ok(vol_open(out->s, &out->options, &out->v));
}
