/* A block: a byte, so many bytes of a key to look for, the block. */
#include <stdlib.h>
#include <string.h>

#include "engine/base/must.h"
#include "engine/table/block.h"
#include "engine/table/ikey.h"
#include "tests/fuzz/fuzz.h"

/* Entries on the way from one end to the other; <0: an error. */
static long
count(struct block_iter *it, int (*begin)(struct block_iter *),
    int (*move)(struct block_iter *))
{
	long n = 0;
	int rc;

	for (rc = begin(it); rc > 0; rc = move(it))
		n++;
	return rc < 0 ? rc : n;
}

/* In a block that is as it should be everything is found. */
static void
find_all(struct bytes block, struct block_iter *it)
{
	struct buf key = {0};
	struct block_entry e;
	int rc;

	for (rc = block_iter_first(it); rc > 0; rc = block_iter_next(it)) {
		must(buf_assign(&key, it->iter.key) == 0);
		must(block_find(block, buf_bytes(&key), &e) == 1);
		must(e.trailer == ikey_trailer(it->iter.key));
		must(bytes_eq(e.value, it->iter.value));
	}
	must(rc == 0);
	buf_fini(&key);
}

static void
look_around(struct bytes block, struct bytes target, struct block_iter *it)
{
	struct block_entry e;
	const char *why;
	long forward = count(it, block_iter_first, block_iter_next);
	long back = count(it, block_iter_last, block_iter_prev);
	int rc = block_find(block, target, &e);

	if (rc > 0)
		must(e.value.size == 0 || e.value.data >= block.data);
	if (block_iter_seek(it, target) > 0)
		(void)(block_iter_prev(it) > 0 && block_iter_next(it));
	if (block_check(block, &why) != 0)
		return;
	must(forward >= 0 && back == forward);
	find_all(block, it);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t target[255 + IKEY_TRAILER];
	struct block_iter it = {0};
	struct bytes block;
	size_t n;

	if (size < 1 || data[0] > size - 1)
		return 0;
	n = data[0];
	memset(target, 0, sizeof(target));
	memcpy(target, data + 1, n);
	if (n < IKEY_TRAILER)
		n = IKEY_TRAILER;
	block = bytes_of(data + 1 + data[0], size - 1 - data[0]);
	if (block_iter_set(&it, block) == 0)
		look_around(block, bytes_of(target, n), &it);
	block_iter_fini(&it);
	return 0;
}
