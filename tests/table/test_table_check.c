#include "engine/table/table_format.h"

#include <stdio.h>
#include <stdlib.h>

#include "engine/base/hash.h"
#include "tests/support/place.h"

/* A small file of each kind of frame, its model, and a copy of its bytes. */
struct victim {
	struct place p;
	struct sorted s;
	struct bytes file;
	uint8_t *bytes; /* the same, to be changed */
};

static void
victim_make(struct victim *v, const struct table_writer_options *o)
{
	struct check_rand r = check_rand_of(check_seed());

	*v = (struct victim){0};
	place_init(&v->p);
	place_make(&v->p, &r, &v->s, o->index_bytes ? 45 : 30, o);
	v->file = place_load(&v->p);
	v->bytes = (uint8_t *)(uintptr_t)v->file.data;
}

static void
victim_init(struct victim *v, bool compress)
{
	const struct table_writer_options o = {
	    .block_bytes = 128,
	    .filter_bits = 10,
	    .compress = compress,
	};

	victim_make(v, &o);
}

/* An entry in each block, and an index of two or three leaves. */
static void
victim_init_split(struct victim *v, bool compress)
{
	const struct table_writer_options o = {
	    .block_bytes = 1,
	    .filter_bits = 10,
	    .compress = compress,
	    .index_bytes = 1,
	};

	victim_make(v, &o);
}

static void
victim_fini(struct victim *v)
{
	free(v->bytes);
	sorted_fini(&v->s);
	place_fini(&v->p);
}

/* Opens what is on disk now; an error must come with a message. */
static int
victim_open(struct victim *v, struct table **t)
{
	int err;

	v->p.message[0] = 0;
	err = table_open(&v->p.fault.env, v->p.path, PLACE_FILE_NO, NULL, t);
	if (err)
		check_contains(v->p.message, v->p.path);
	return err;
}

/* Reads everything, each way: right entries, then the end or an error. */
static void
check_right_or_error(struct victim *v, struct table *t, bool fill)
{
	struct iter *it;
	size_t at = 0;
	int rc;

	check_ok(table_iter_open(t, fill, &it));
	for (rc = iter_first(it); rc == 1; rc = iter_next(it), at++) {
		check_bytes_eq(it->key, v->s.entries[at].key);
		check_bytes_eq(it->value, v->s.entries[at].value);
	}
	if (rc == 0)
		check_eq(at, v->s.count);
	else
		check_err(rc, ERR_DAMAGED);
	at = v->s.count;
	for (rc = iter_last(it); rc == 1; rc = iter_prev(it))
		check_bytes_eq(it->key, v->s.entries[--at].key);
	if (rc == 0)
		check_eq(at, 0);
	else
		check_err(rc, ERR_DAMAGED);
	iter_close(it);
	for (at = 0; at < v->s.count; at++)
		place_check_get(t, &v->s, v->s.entries[at].key, true);
}

/* Every byte of the file, changed before the table is opened: an error with
 * the file's name, or nothing but right answers. */
static void
table_check__every_byte_before_open(void **state)
{
	(void)state;
	for (int kind = 0; kind < 4; kind++) {
		struct victim v;
		struct table *t;
		size_t opened = 0;

		if (kind < 2)
			victim_init(&v, kind % 2);
		else
			victim_init_split(&v, kind % 2);
		for (size_t i = 0; i < v.file.size; i++) {
			v.bytes[i] ^= (uint8_t)(1 << i % 8);
			place_store(&v.p, v.file);
			v.bytes[i] ^= (uint8_t)(1 << i % 8);
			if (victim_open(&v, &t))
				continue;
			opened++;
			check_right_or_error(&v, t, i % 2);
			check_true(table_check(t, place_finding, &v.p) > 0);
			check_contains(v.p.finding, v.p.path);
			check_contains(v.p.finding, "offset");
			table_close(t);
		}
		/* Data is not read at open; the rest is. */
		check_true(opened > v.file.size / 4);
		check_true(opened < v.file.size);
		victim_fini(&v);
	}
}

/* Damage that comes while the table is open, in each byte of each frame. */
static void
finds_every_byte(struct victim *v)
{
	struct env_file *f;
	struct table *t;

	check_ok(victim_open(v, &t));
	check_eq(table_check(t, place_finding, &v->p), 0);
	check_ok(env_open(&v->p.posix, v->p.path, ENV_OPEN_WRITE, &f));
	for (size_t i = 0; i < v->file.size; i++) {
		uint8_t bad = (uint8_t)(v->bytes[i] ^ 0x10);

		check_ok(env_pwrite(f, &bad, 1, i));
		check_eq(table_check(t, place_finding, &v->p), 1);
		check_ok(env_pwrite(f, v->bytes + i, 1, i));
	}
	check_eq(table_check(t, place_finding, &v->p), 0);
	env_close(f);
	table_close(t);
}

static void
table_check__finds_every_byte(void **state)
{
	struct victim v;

	(void)state;
	victim_init(&v, true);
	finds_every_byte(&v);
	victim_fini(&v);
	victim_init_split(&v, true);
	finds_every_byte(&v);
	victim_fini(&v);
}

/* Damage in each kind of frame is called by its name. */
static void
table_check__names_the_frame(void **state)
{
	struct table_footer footer;
	struct env_file *f;
	struct victim v;
	struct table *t;

	(void)state;
	victim_init(&v, true);
	check_ok(table_format_footer_decode(
	    v.bytes + v.file.size - TABLE_FOOTER, &footer));
	const struct {
		uint64_t offset;
		const char *name;
	} places[] = {
	    {0, "beginning"},
	    {TABLE_MAGIC_SIZE, "data block"},
	    {footer.filter.offset, "filter"},
	    {footer.index.offset, "index"},
	    {footer.properties.offset, "properties"},
	    {v.file.size - TABLE_FOOTER, "footer"},
	};
	check_ok(victim_open(&v, &t));
	check_ok(env_open(&v.p.posix, v.p.path, ENV_OPEN_WRITE, &f));
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		uint64_t at = places[i].offset;
		uint8_t bad = (uint8_t)~v.bytes[at];
		char text[32];

		snprintf(
		    text, sizeof(text), "offset %llu", (unsigned long long)at);
		check_ok(env_pwrite(f, &bad, 1, at));
		check_eq(table_check(t, place_finding, &v.p), 1);
		check_contains(v.p.finding, places[i].name);
		check_contains(v.p.finding, text);
		check_ok(env_pwrite(f, v.bytes + at, 1, at));
	}
	env_close(f);
	table_close(t);
	victim_fini(&v);
}

/* --- files that are no tables, or not this one -------------------------- */

static void
table_check__cut_short(void **state)
{
	struct victim v;
	struct table *t;

	(void)state;
	victim_init(&v, true);
	for (size_t size = 0; size < v.file.size; size++) {
		place_store(&v.p, bytes_of(v.bytes, size));
		check_err(victim_open(&v, &t), ERR_DAMAGED);
		check_contains(v.p.message, "cut short");
		check_contains(v.p.message, "backup");
	}
	victim_fini(&v);
}

static void
table_check__foreign(void **state)
{
	struct victim v;
	struct table *t;

	(void)state;
	victim_init(&v, true);
	memset(v.bytes, '#', v.file.size);
	for (size_t size = 1; size < v.file.size; size += 37) {
		place_store(&v.p, bytes_of(v.bytes, size));
		check_err(victim_open(&v, &t), ERR_FORMAT);
		check_contains(v.p.message, "offset 0: not a table");
	}
	victim_fini(&v);
}

static void
table_check__newer_version(void **state)
{
	struct table_footer footer;
	struct victim v;
	struct table *t;
	uint8_t *raw;

	(void)state;
	victim_init(&v, true);
	raw = v.bytes + v.file.size - TABLE_FOOTER;
	check_ok(table_format_footer_decode(raw, &footer));
	raw[56] = TABLE_VERSION + 1;
	wire_put_le64(raw + 64, hash_64(bytes_of(raw, 64), 0));
	place_store(&v.p, v.file);
	check_err(victim_open(&v, &t), ERR_FORMAT);
	check_contains(v.p.message, "version 3");
	check_contains(v.p.message, "newer keyfs");
	victim_fini(&v);
}

/* As version 1 had it: it knew no fields. */
static void
drop_fields(struct buf *block)
{
	struct table_properties p;
	struct buf b = {0};

	check_ok(table_format_properties_decode(
	    buf_bytes(block), TABLE_VERSION, &p));
	p.hidden = (struct hidden){0};
	check_ok(table_format_properties_encode(&b, &p));
	buf_fini(block);
	*block = b;
}

/* The file's end is written anew: properties with `more` behind them, and a
 * footer of that version. */
static void
rewrite_end(struct victim *v, struct bytes more, uint8_t version)
{
	struct buf file = {0}, block = {0};
	struct table_footer footer;
	struct frame_handle *h = &footer.properties;
	uint8_t *raw = v->bytes + v->file.size - TABLE_FOOTER;

	check_ok(table_format_footer_decode(raw, &footer));
	check_ok(buf_append(&file, v->bytes, (size_t)h->offset));
	check_ok(buf_append(&block, v->bytes + h->offset, (size_t)h->size));
	if (version == 1)
		drop_fields(&block);
	check_ok(buf_append_bytes(&block, more));
	check_ok(frame_encode(
	    &file, buf_bytes(&block), false, PLACE_FILE_NO, h->offset, h));
	check_ok(buf_reserve(&file, TABLE_FOOTER));
	raw = file.data + file.size;
	table_format_footer_encode(raw, &footer);
	raw[56] = version;
	wire_put_le64(raw + 64, hash_64(bytes_of(raw, 64), 0));
	file.size += TABLE_FOOTER;
	place_store(&v->p, buf_bytes(&file));
	buf_fini(&file);
	buf_fini(&block);
}

static void
table_check__version_1_is_read(void **state)
{
	struct victim v;
	struct table *t;

	(void)state;
	victim_init(&v, true);
	rewrite_end(&v, bytes_str(""), 1);
	check_ok(victim_open(&v, &t));
	check_eq(table_check(t, place_finding, &v.p), 0);
	check_right_or_error(&v, t, true);
	table_close(t);
	/* It had no fields at the end. */
	rewrite_end(&v, bytes_of("\177\0", 2), 1);
	check_err(victim_open(&v, &t), ERR_DAMAGED);
	check_contains(v.p.message, "malformed properties");
	victim_fini(&v);
}

static void
table_check__properties_of_a_newer_program(void **state)
{
	static const struct {
		const char *bytes;
		int err;
	} ends[] = {
	    {"\177\1x", ERR_FORMAT},
	    {"\177\2x", ERR_DAMAGED}, /* cut short */
	    {"\177", ERR_DAMAGED},
	};
	struct victim v;
	struct table *t;

	(void)state;
	victim_init(&v, true);
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		rewrite_end(&v, bytes_str(ends[i].bytes), TABLE_VERSION);
		check_err(victim_open(&v, &t), ends[i].err);
		if (ends[i].err == ERR_FORMAT)
			check_contains(v.p.message, "newer keyfs");
	}
	victim_fini(&v);
}

static void
table_check__another_table(void **state)
{
	struct victim v;
	struct table *t;

	(void)state;
	victim_init(&v, true);
	check_err(
	    table_open(&v.p.fault.env, v.p.path, 13, NULL, &t), ERR_DAMAGED);
	check_contains(v.p.message, "table 12, not table 13");
	check_err(
	    table_open(&v.p.fault.env, "/nonexistent/x", 1, NULL, &t), -ENOENT);
	victim_fini(&v);
}

/* --- wrong bytes under right checksums ---------------------------------- */

/* Changes one byte of the block in an uncompressed frame and seals it anew. */
static void
reseal(struct victim *v, struct frame_handle h, size_t at, uint8_t with)
{
	struct buf block = {0}, out = {0};
	struct frame_handle got;

	check_ok(buf_append(&block, v->bytes + h.offset, (size_t)h.size));
	block.data[at] ^= with;
	check_ok(frame_encode(
	    &out, buf_bytes(&block), false, PLACE_FILE_NO, h.offset, &got));
	check_eq(out.size, frame_handle_bytes(h));
	memcpy(v->bytes + h.offset, out.data, out.size);
	buf_fini(&block);
	buf_fini(&out);
}

/* Everything once; what comes out does not matter, only that it does. */
static void
exercise(struct victim *v, struct table *t, bool fill)
{
	struct table_entry e;
	struct iter *it;
	size_t n = 0;
	int rc;

	check_ok(table_iter_open(t, fill, &it));
	for (rc = iter_first(it); rc == 1; rc = iter_next(it))
		check_true(n++ < v->file.size);
	for (rc = iter_last(it); rc == 1; rc = iter_prev(it))
		check_true(n++ < 2 * v->file.size);
	for (size_t i = 0; i < v->s.count; i++) {
		struct bytes key = v->s.entries[i].key;

		iter_seek(it, key);
		rc = table_get(t, key, hash_64(ikey_user(key), 0), &e, NULL);
		if (rc == 1)
			cache_unref(e.block);
	}
	iter_close(it);
	table_check(t, place_finding, &v->p);
}

static void
survives_sealed_nonsense(struct victim *v)
{
	struct table_footer footer;
	struct table *t;

	check_ok(table_format_footer_decode(
	    v->bytes + v->file.size - TABLE_FOOTER, &footer));
	check_ok(victim_open(v, &t));
	/* Blocks of data, or leaves of the index. */
	const struct frame_handle frames[] = {
	    table_index_handle(&t->index, 0),
	    table_index_handle(&t->index, t->index.count - 1),
	    footer.filter,
	    footer.index,
	    footer.properties,
	};
	table_close(t);
	for (size_t i = 0; i < sizeof(frames) / sizeof(frames[0]); i++) {
		for (size_t bit = 0; bit < frames[i].size * 8; bit++) {
			uint8_t with = (uint8_t)(1 << bit % 8);

			reseal(v, frames[i], bit / 8, with);
			place_store(&v->p, v->file);
			if (victim_open(v, &t) == 0) {
				exercise(v, t, bit % 2);
				table_close(t);
			}
			reseal(v, frames[i], bit / 8, with);
		}
	}
}

static void
table_check__sealed_nonsense_is_survived(void **state)
{
	struct victim v;

	(void)state;
	victim_init(&v, false);
	survives_sealed_nonsense(&v);
	victim_fini(&v);
	victim_init_split(&v, false);
	survives_sealed_nonsense(&v);
	victim_fini(&v);
}

/* The check finds what checksums cannot: a filter that denies its keys,
 * properties that lie, entries that are not what the properties count. */
static void
table_check__sealed_lies_are_found(void **state)
{
	struct table_footer footer;
	struct victim v;
	struct table *t;

	(void)state;
	victim_init(&v, false);
	check_ok(table_format_footer_decode(
	    v.bytes + v.file.size - TABLE_FOOTER, &footer));

	/* Properties: the count of value bytes (the fourth number). */
	struct table_properties lie;
	struct bytes props = bytes_of(
	    v.bytes + footer.properties.offset, (size_t)footer.properties.size);
	check_ok(table_format_properties_decode(props, TABLE_VERSION, &lie));
	check_true(lie.entries < 128 && lie.deletes < 128);
	size_t at = 2 + wire_varint_size(lie.key_bytes);
	reseal(&v, footer.properties, at, 1);
	place_store(&v.p, v.file);
	check_ok(victim_open(&v, &t));
	check_eq(table_check(t, place_finding, &v.p), 1);
	check_contains(v.p.finding, "value bytes");
	table_close(t);
	reseal(&v, footer.properties, at, 1);

	/* Filter: no bit set any more. */
	for (size_t i = 0; i + 1 < footer.filter.size; i++)
		reseal(&v, footer.filter, i, v.bytes[footer.filter.offset + i]);
	place_store(&v.p, v.file);
	check_ok(victim_open(&v, &t));
	check_eq(table_check(t, place_finding, &v.p), 1);
	check_contains(v.p.finding, "filter: denies keys");
	table_close(t);
	victim_fini(&v);
}

/* The kind of the only entry becomes another one, with a right checksum. */
static void
change_kind(struct place *p, enum ikey_kind kind)
{
	struct bytes file = place_load(p);
	uint8_t *bytes = (uint8_t *)(uintptr_t)file.data;
	/* Three sizes and the key's letter are in front of the trailer. */
	uint8_t *block = bytes + TABLE_MAGIC_SIZE;
	const size_t size = 3 + 1 + IKEY_TRAILER + 5 + 8;
	struct frame_handle h;
	struct buf frame = {0};

	check_eq(block[4], IKEY_KIND_PUT);
	block[4] = (uint8_t)kind;
	check_ok(frame_encode(&frame, bytes_of(block, size), false,
	    PLACE_FILE_NO, TABLE_MAGIC_SIZE, &h));
	memcpy(block, frame.data, frame.size);
	place_store(p, file);
	buf_fini(&frame);
	free(bytes);
}

static void
table_check__value_that_does_not_fit_its_kind_is_found(void **state)
{
	struct table_writer_options o = place_options;
	struct sorted s = {0};
	struct table_entry e;
	struct table_info info;
	struct place p;
	struct table *t;
	struct buf target = {0};

	(void)state;
	place_init(&p);
	o.compress = false;
	sorted_add(&s, bytes_str("k"), 1, IKEY_KIND_PUT, bytes_str("short"));
	check_ok(place_write(&p, &s, &o, &info));
	table_info_fini(&info);
	change_kind(&p, IKEY_KIND_UNTIL);
	t = place_open(&p, NULL);
	check_eq(table_check(t, place_finding, &p), 1);
	check_contains(p.finding, "a value does not fit its kind");
	check_ok(ikey_append(&target, bytes_str("k"), 1, IKEY_KIND_SEEK));
	check_err(table_get(t, buf_bytes(&target), hash_64(bytes_str("k"), 0),
		      &e, NULL),
	    ERR_DAMAGED);
	check_contains(p.message, p.path);
	table_close(t);
	buf_fini(&target);
	sorted_fini(&s);
	place_fini(&p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(
		table_check__value_that_does_not_fit_its_kind_is_found),
	    cmocka_unit_test(table_check__every_byte_before_open),
	    cmocka_unit_test(table_check__finds_every_byte),
	    cmocka_unit_test(table_check__names_the_frame),
	    cmocka_unit_test(table_check__cut_short),
	    cmocka_unit_test(table_check__foreign),
	    cmocka_unit_test(table_check__newer_version),
	    cmocka_unit_test(table_check__version_1_is_read),
	    cmocka_unit_test(table_check__properties_of_a_newer_program),
	    cmocka_unit_test(table_check__another_table),
	    cmocka_unit_test(table_check__sealed_nonsense_is_survived),
	    cmocka_unit_test(table_check__sealed_lies_are_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
