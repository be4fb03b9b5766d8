#include "engine/table/ikey.h"
#include "tests/check.h"

static struct bytes
encode(struct buf *b, const char *user, uint64_t seq, enum ikey_kind kind)
{
	buf_clear(b);
	check_ok(ikey_append(b, bytes_str(user), seq, kind));
	return buf_bytes(b);
}

static void
ikey__reads_back(void **state)
{
	struct buf b = {0};
	struct ikey k;

	(void)state;
	check_ok(ikey_decode(encode(&b, "key", 42, IKEY_KIND_DELETE), &k));
	check_bytes_eq(k.user, bytes_str("key"));
	check_eq(k.seq, 42);
	check_eq(k.kind, IKEY_KIND_DELETE);
	check_ok(ikey_decode(encode(&b, "", IKEY_SEQ_MAX, IKEY_KIND_PUT), &k));
	check_eq(k.user.size, 0);
	check_eq(k.seq, IKEY_SEQ_MAX);
	check_eq(k.kind, IKEY_KIND_PUT);
	buf_fini(&b);
}

static void
ikey__short_or_unknown_is_damage(void **state)
{
	struct buf b = {0};
	struct ikey k = {.seq = 7};
	struct bytes s = encode(&b, "", 1, IKEY_KIND_PUT);

	(void)state;
	check_err(ikey_decode(bytes_of(s.data, 7), &k), ERR_DAMAGED);
	check_err(ikey_decode(bytes_of(NULL, 0), &k), ERR_DAMAGED);
	check_err(
	    ikey_decode(encode(&b, "a", 1, IKEY_KIND_SEEK), &k), ERR_DAMAGED);
	b.data[1] = 6;
	check_err(ikey_decode(buf_bytes(&b), &k), ERR_DAMAGED);
	check_eq(k.seq, 7);
	buf_fini(&b);
}

/* In order; each is smaller than the next. */
static void
ikey__order(void **state)
{
	static const struct {
		const char *user;
		uint64_t seq;
		enum ikey_kind kind;
	} keys[] = {
	    {"", 5, IKEY_KIND_PUT},
	    {"", 0, IKEY_KIND_DELETE},
	    {"a", 300, IKEY_KIND_SEEK},
	    {"a", 300, IKEY_KIND_PUT},
	    {"a", 299, IKEY_KIND_SEEK},
	    {"a", 299, IKEY_KIND_PUT},
	    {"a", 299, IKEY_KIND_DELETE},
	    {"a", 2, IKEY_KIND_PUT},
	    {"a\x01", 9, IKEY_KIND_PUT},
	    {"a\x01\x01\x01\x01\x01\x01\x01\x01", 1, IKEY_KIND_PUT},
	    {"ab", IKEY_SEQ_MAX, IKEY_KIND_SEEK},
	    {"ab", 1, IKEY_KIND_PUT},
	    {"\xff", 1, IKEY_KIND_PUT},
	};
	size_t n = sizeof(keys) / sizeof(keys[0]);
	struct buf a = {0}, b = {0};

	(void)state;
	for (size_t i = 0; i < n; i++) {
		for (size_t j = 0; j < n; j++) {
			int c = ikey_cmp(
			    encode(&a, keys[i].user, keys[i].seq, keys[i].kind),
			    encode(
				&b, keys[j].user, keys[j].seq, keys[j].kind));

			check_eq((c > 0) - (c < 0), (i > j) - (i < j));
		}
	}
	buf_fini(&a);
	buf_fini(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(ikey__reads_back),
	    cmocka_unit_test(ikey__short_or_unknown_is_damage),
	    cmocka_unit_test(ikey__order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
