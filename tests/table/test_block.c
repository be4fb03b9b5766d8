#include "engine/table/block.h"

#include <stdlib.h>

#include "tests/support/sorted.h"

/* A copy that ends where the memory ends, so that sanitizers see overruns. */
static struct bytes
exact(struct bytes b)
{
	uint8_t *p = malloc(b.size ? b.size : 1);

	check_true(p != NULL);
	if (b.size > 0)
		memcpy(p, b.data, b.size);
	return bytes_of(p, b.size);
}

static void
drop(struct bytes b)
{
	free((void *)(uintptr_t)b.data);
}

/* The entries as a block, which the caller drops. */
static struct bytes
build(const struct sorted *s, unsigned interval)
{
	struct block_builder b;
	struct bytes out;

	block_builder_init(&b, interval);
	for (size_t i = 0; i < s->count; i++) {
		check_ok(block_builder_add(
		    &b, s->entries[i].key, s->entries[i].value));
		check_eq(b.count, i + 1);
	}
	size_t size = block_builder_size(&b);
	check_ok(block_builder_finish(&b, &out));
	check_eq(out.size, size);
	out = exact(out);
	block_builder_fini(&b);
	return out;
}

/* What block_find must say. */
static void
check_find(const struct sorted *s, struct bytes block, struct bytes target)
{
	size_t at = sorted_seek(s, target);
	bool want = at < s->count &&
		    bytes_eq(ikey_user(s->entries[at].key), ikey_user(target));
	struct block_entry e;

	check_eq(block_find(block, target, &e), want);
	if (want) {
		check_eq(e.trailer, ikey_trailer(s->entries[at].key));
		check_bytes_eq(e.value, s->entries[at].value);
	}
}

static void
block__random_against_array(void **state)
{
	struct check_rand r = check_rand_of(check_seed());
	static const unsigned intervals[] = {1, 2, 3, 16, 1000};
	struct block_iter it = {0};
	struct buf target = {0};
	const char *why;

	(void)state;
	for (int round = 0; round < 200; round++) {
		struct sorted s = {0};
		struct bytes block;

		sorted_random(&s, &r, check_rand_below(&r, 200));
		block = build(&s, intervals[round % 5]);
		check_ok(block_check(block, &why));
		check_ok(block_iter_set(&it, block));
		sorted_walk(&s, &it.iter, &r, 500);
		for (int i = 0; i < 200; i++) {
			sorted_target(&s, &r, &target);
			check_find(&s, block, buf_bytes(&target));
		}
		sorted_fini(&s);
		drop(block);
	}
	iter_close(&it.iter);
	buf_fini(&target);
}

static void
block__builder_is_reusable(void **state)
{
	struct block_builder b;
	struct sorted s = {0};
	struct bytes first, out;

	(void)state;
	sorted_add(&s, bytes_str("abc"), 1, IKEY_KIND_PUT, bytes_str("x"));
	sorted_add(&s, bytes_str("abd"), 2, IKEY_KIND_PUT, bytes_str("y"));
	first = build(&s, 16);
	block_builder_init(&b, 16);
	for (int round = 0; round < 3; round++) {
		block_builder_clear(&b);
		check_eq(block_builder_size(&b), 4);
		for (size_t i = 0; i < s.count; i++)
			check_ok(block_builder_add(
			    &b, s.entries[i].key, s.entries[i].value));
		check_ok(block_builder_finish(&b, &out));
		check_bytes_eq(out, first);
	}
	block_builder_fini(&b);
	drop(first);
	sorted_fini(&s);
}

static void
block__large_numbers(void **state)
{
	struct block_iter it = {0};
	struct sorted s = {0};
	struct bytes block, big;
	uint8_t *p = calloc(1, 70000);

	(void)state;
	check_true(p != NULL);
	big = bytes_of(p, 70000);
	sorted_add(&s, bytes_of(p, 65536), 1, IKEY_KIND_PUT, big);
	sorted_add(&s, bytes_of(p, 65535), 2, IKEY_KIND_PUT, big);
	sorted_add(&s, bytes_of(p, 200), 3, IKEY_KIND_PUT, big);
	sorted_sort(&s);
	block = build(&s, 16);
	check_ok(block_iter_set(&it, block));
	check_eq(iter_last(&it.iter), 1);
	check_eq(it.iter.key.size, 65536 + IKEY_TRAILER);
	check_eq(iter_prev(&it.iter), 1);
	check_bytes_eq(it.iter.key, s.entries[1].key);
	check_bytes_eq(it.iter.value, big);
	check_find(&s, block, s.entries[2].key);
	check_find(&s, block, s.entries[0].key);
	block_iter_fini(&it);
	drop(block);
	free(p);
	sorted_fini(&s);
}

static void
block__too_large_is_refused(void **state)
{
	struct block_builder b;
	uint8_t key[IKEY_TRAILER] = {0};
	/* Never read: the size alone is too much. */
	struct bytes big = bytes_of(key, (size_t)BLOCK_BYTES_MAX);

	(void)state;
	block_builder_init(&b, 16);
	check_err(
	    block_builder_add(&b, bytes_of(key, sizeof(key)), big), -EFBIG);
	check_eq(b.count, 0);
	check_eq(block_builder_size(&b), 4);
	block_builder_fini(&b);
}

/* --- damage ------------------------------------------------------------ */

/*
 * A block has no checksum of its own, so damage may give wrong entries; it
 * must give no overrun, no endless loop and no key too short for an ikey.
 */
static void
exercise(struct bytes block, struct bytes target)
{
	struct block_iter it = {0};
	struct block_entry e;
	const char *why = NULL;
	size_t n = 0;
	int rc;

	if (block_check(block, &why))
		check_true(why != NULL);
	block_find(block, target, &e);
	if (block_iter_set(&it, block))
		goto out;
	for (rc = iter_first(&it.iter); rc == 1; rc = iter_next(&it.iter)) {
		check_true(it.iter.key.size >= IKEY_TRAILER);
		check_true(n++ <= block.size);
	}
	n = 0;
	for (rc = iter_last(&it.iter); rc == 1; rc = iter_prev(&it.iter)) {
		check_true(it.iter.key.size >= IKEY_TRAILER);
		check_true(n++ <= block.size);
	}
	if (iter_seek(&it.iter, target) == 1 && iter_prev(&it.iter) == 1)
		iter_next(&it.iter);
out:
	block_iter_fini(&it);
}

static void
block__every_byte_flipped(void **state)
{
	struct check_rand r = check_rand_of(check_seed());
	struct buf target = {0};

	(void)state;
	for (unsigned interval = 1; interval <= 16; interval += 5) {
		struct sorted s = {0};
		struct bytes block;
		uint8_t *p;

		sorted_random(&s, &r, 40);
		block = build(&s, interval);
		p = (uint8_t *)(uintptr_t)block.data;
		for (size_t i = 0; i < block.size; i++) {
			uint8_t was = p[i];

			for (int bit = 0; bit < 8; bit++) {
				p[i] = (uint8_t)(was ^ 1 << bit);
				sorted_target(&s, &r, &target);
				exercise(block, buf_bytes(&target));
			}
			p[i] = 0xff;
			exercise(block, buf_bytes(&target));
			p[i] = was;
		}
		drop(block);
		sorted_fini(&s);
	}
	buf_fini(&target);
}

static void
block__noise_and_cuts(void **state)
{
	struct check_rand r = check_rand_of(check_seed());
	struct sorted s = {0};
	struct buf target = {0};
	struct bytes block;
	uint8_t noise[64];

	(void)state;
	sorted_random(&s, &r, 60);
	block = build(&s, 4);
	for (size_t size = 0; size <= block.size; size++) {
		struct bytes cut = exact(bytes_of(block.data, size));

		sorted_target(&s, &r, &target);
		exercise(cut, buf_bytes(&target));
		drop(cut);
	}
	for (int i = 0; i < 20000; i++) {
		size_t size = check_rand_below(&r, sizeof(noise));
		struct bytes b;

		check_rand_fill(&r, noise, size);
		if (size >= 8) /* a plausible restart array */
			memset(noise + size - 8, 0, 8);
		if (size >= 8)
			noise[size - 4] = 1;
		b = exact(bytes_of(noise, size));
		exercise(b, buf_bytes(&target));
		drop(b);
	}
	drop(block);
	sorted_fini(&s);
	buf_fini(&target);
}

/* Hand-made blocks that must be refused, and why. */
static void
block__malformed(void **state)
{
	static const struct {
		const char *bytes;
		size_t size;
		const char *why;
	} cases[] = {
	    {"", 0, "restart array"},
	    {"\0\0\0", 3, "restart array"},
	    {"\x01\0\0\0", 4, "restart array"},
	    {"\0\0\0\0\x01\0\0\0", 8, "restart array"},
	    {"\xff\xff\xff\xff", 4, "restart array"},
	    /* no restarts but bytes */
	    {"abc\0\0\0\0", 7, "restart array"},
	    /* key shorter than a trailer */
	    {"\0\x07\0aaaaaaa\0\0\0\0\x01\0\0\0", 18, "malformed"},
	    /* value beyond the end */
	    {"\0\x08\x01"
	     "aaaaaaaa\0\0\0\0\x01\0\0\0",
		19, "malformed"},
	    /* the first entry shares */
	    {"\x01\x08\0"
	     "aaaaaaaa\0\0\0\0\x01\0\0\0",
		19, "malformed"},
	    /* shared of 64 bits */
	    {"\0\x08\0"
	     "aaaaaaaa"
	     "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\x08\0"
	     "aaaaaaaa\0\0\0\0\x01\0\0\0",
		39, "malformed"},
	    /* the same key twice */
	    {"\0\x08\0"
	     "aaaaaaaa"
	     "\0\x08\0"
	     "aaaaaaaa\0\0\0\0\x01\0\0\0",
		30, "order"},
	    /* shares nothing where it could share one byte */
	    {"\0\x09\0"
	     "aaaaaaaaa"
	     "\0\x0a\0"
	     "abaaaaaaaa\0\0\0\0\x01\0\0\0",
		33, "shares less"},
	    /* a restart within an entry */
	    {"\0\x08\0"
	     "aaaaaaaa\0\0\0\0\x02\0\0\0\x02\0\0\0",
		23, "not at an entry"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct bytes b = exact(bytes_of(cases[i].bytes, cases[i].size));
		const char *why = NULL;

		check_err(block_check(b, &why), ERR_DAMAGED);
		check_contains(why, cases[i].why);
		exercise(b, bytes_str("aaaaaaaaaa"));
		drop(b);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(block__random_against_array),
	    cmocka_unit_test(block__builder_is_reusable),
	    cmocka_unit_test(block__large_numbers),
	    cmocka_unit_test(block__too_large_is_refused),
	    cmocka_unit_test(block__every_byte_flipped),
	    cmocka_unit_test(block__noise_and_cuts),
	    cmocka_unit_test(block__malformed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
