#include "engine/base/hash.h"

#include "tests/check.h"

/* Checksums are on disk: these may never change. */
static void
hash__is_xxh3_64(void **state)
{
	(void)state;
	check_eq(hash_64(bytes_of(NULL, 0), 0), 0x2d06800538d394c2);
	check_eq(hash_64(bytes_str("keyfs"), 0), 0x0fdf1b14cf841b94);
	check_eq(hash_64(bytes_str("keyfs"), 1), 0xed95e4a908732dfb);
}

static void
hash__two_pieces_hash_as_one(void **state)
{
	static const size_t sizes[] = {
	    0, 1, 5, 17, 128, 241, 511, 512, 513, 1024, 5000};
	struct check_rand r = check_rand_of(check_seed());
	uint8_t data[5000];

	(void)state;
	check_rand_fill(&r, data, sizeof(data));
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		size_t size = sizes[i];
		struct bytes all = bytes_of(data, size);

		for (size_t k = 0; k < 20; k++) {
			size_t cut = (size_t)check_rand_below(&r, size + 1);
			struct bytes a = bytes_of(data, cut);
			struct bytes b = bytes_of(data + cut, size - cut);

			if (cut == 0)
				a.data = NULL;
			check_eq(hash_64_two(a, b, 77), hash_64(all, 77));
		}
	}
}

static void
hash__seed_and_content_matter(void **state)
{
	(void)state;
	check_ne(hash_64(bytes_str("abc"), 1), hash_64(bytes_str("abc"), 2));
	check_ne(hash_64(bytes_str("abc"), 1), hash_64(bytes_str("abd"), 1));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(hash__is_xxh3_64),
	    cmocka_unit_test(hash__two_pieces_hash_as_one),
	    cmocka_unit_test(hash__seed_and_content_matter),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
