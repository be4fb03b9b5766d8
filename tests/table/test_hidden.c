#include "engine/table/hidden.h"

#include <stdlib.h>

#include "engine/table/table_format.h"
#include "tests/support/place.h"

static void
note(struct hidden *h, const char *before, uint64_t seq, const char *key,
    enum ikey_kind kind)
{
	const struct ikey k = {.user = bytes_str(key), .seq = 1, .kind = kind};
	struct buf b = {0};

	if (before)
		check_ok(
		    ikey_append(&b, bytes_str(before), seq, IKEY_KIND_PUT));
	hidden_note(h, buf_bytes(&b), &k);
	buf_fini(&b);
}

static void
check_hidden(const struct hidden *h, uint64_t count, uint64_t by_seq)
{
	check_eq(h->count, count);
	check_eq(h->by_seq, by_seq);
}

static void
hidden__is_what_stands_behind_a_newer_one(void **state)
{
	struct hidden h = {0};

	(void)state;
	note(&h, NULL, 0, "", IKEY_KIND_PUT);
	note(&h, "a", 7, "", IKEY_KIND_PUT);
	note(&h, "a", 7, "b", IKEY_KIND_PUT);
	note(&h, "a", 7, "a1", IKEY_KIND_PUT);
	note(&h, "a", 7, "a", IKEY_KIND_DELETE);
	check_hidden(&h, 0, 0);
	note(&h, "", 3, "", IKEY_KIND_PUT);
	check_hidden(&h, 1, 3);
	note(&h, "a", IKEY_SEQ_MAX, "a", IKEY_KIND_REF_UNTIL);
	check_hidden(&h, 2, IKEY_SEQ_MAX);
	note(&h, "b", 9, "b", IKEY_KIND_UNTIL);
	check_hidden(&h, 3, IKEY_SEQ_MAX);
}

static void
hidden__comes_back_from_bytes(void **state)
{
	static const struct hidden some[] = {
	    {1, 1}, {300, 200}, {UINT64_MAX - 1, IKEY_SEQ_MAX}};
	/* Of a table of 7 entries up to number 200. */
	static const struct hidden absurd[] = {
	    {0, 0}, {0, 1}, {1, 0}, {7, 9}, {1, 201}};
	struct hidden got = {0};
	struct buf b = {0};

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		buf_clear(&b);
		check_ok(hidden_encode(&some[i], &b));
		check_ok(hidden_decode(
		    buf_bytes(&b), UINT64_MAX, IKEY_SEQ_MAX, &got));
		check_true(hidden_eq(&got, &some[i]));
		for (size_t size = 0; size < b.size; size++)
			check_err(hidden_decode(bytes_of(b.data, size),
				      UINT64_MAX, IKEY_SEQ_MAX, &got),
			    ERR_DAMAGED);
		check_ok(buf_append_u8(&b, 0));
		check_err(hidden_decode(
			      buf_bytes(&b), UINT64_MAX, IKEY_SEQ_MAX, &got),
		    ERR_DAMAGED);
	}
	for (size_t i = 0; i < 5; i++) {
		buf_clear(&b);
		check_ok(hidden_encode(&absurd[i], &b));
		check_err(
		    hidden_decode(buf_bytes(&b), 7, 200, &got), ERR_DAMAGED);
	}
	buf_fini(&b);
}

/* The count in the properties, their last number but one, becomes 1. */
static void
tell_one(struct place *p)
{
	struct bytes file = place_load(p);
	uint8_t *bytes = (uint8_t *)(uintptr_t)file.data, *block;
	struct table_footer footer;
	struct frame_handle *h = &footer.properties;
	struct buf frame = {0};

	check_ok(table_format_footer_decode(
	    bytes + file.size - TABLE_FOOTER, &footer));
	block = bytes + h->offset;
	check_eq(block[h->size - 2], 2);
	block[h->size - 2] = 1;
	check_ok(frame_encode(&frame, bytes_of(block, (size_t)h->size),
	    FRAME_PLAIN, PLACE_FILE_NO, h->offset, h));
	memcpy(block, frame.data, frame.size);
	place_store(p, file);
	buf_fini(&frame);
	free(bytes);
}

static void
hidden__a_table_that_tells_less_is_found(void **state)
{
	struct sorted s = {0};
	struct table_info info;
	struct place p;
	struct table *t;

	(void)state;
	place_init(&p);
	for (uint64_t seq = 9; seq > 6; seq--)
		sorted_add(
		    &s, bytes_str("k"), seq, IKEY_KIND_PUT, bytes_str("v"));
	check_ok(place_write(&p, &s, &place_options, &info));
	check_eq(info.hidden.count, 2);
	tell_one(&p);
	t = place_open(&p, NULL);
	check_eq(table_check(t, place_finding, &p), 1);
	check_contains(p.finding, "hidden entries");
	table_close(t);
	table_info_fini(&info);
	sorted_fini(&s);
	place_fini(&p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(hidden__is_what_stands_behind_a_newer_one),
	    cmocka_unit_test(hidden__comes_back_from_bytes),
	    cmocka_unit_test(hidden__a_table_that_tells_less_is_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
