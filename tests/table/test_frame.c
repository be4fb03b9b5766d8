#include "engine/table/frame.h"

#include <stdio.h>
#include <stdlib.h>

#include "engine/os/env_fault.h"
#include "tests/check.h"

#define FILE_NO 12
#define OFFSET  100

/* The last message, and a file to read frames from. */
struct place {
	struct env env;
	char message[1024];
	char path[512];
};

static void
keep_message(void *ctx, enum err_level level, const char *text)
{
	struct place *p = ctx;

	(void)level;
	snprintf(p->message, sizeof(p->message), "%s", text);
}

static void
place_init(struct place *p)
{
	*p = (struct place){0};
	env_posix_init(&p->env, (struct err_sink){keep_message, p});
	snprintf(p->path, sizeof(p->path), "%s/frames", check_tmpdir());
}

/* A file that holds only these bytes, at OFFSET. */
static struct env_file *
place_file(struct place *p, struct env *env, struct bytes content)
{
	struct env_file *f;

	check_ok(env_open(env, p->path,
	    ENV_OPEN_WRITE | ENV_OPEN_CREATE | ENV_OPEN_TRUNC, &f));
	check_ok(env_pwrite(f, content.data, content.size, OFFSET));
	return f;
}

static void
fill(struct check_rand *r, uint8_t *p, size_t size, bool compressible)
{
	check_rand_fill(r, p, size);
	if (compressible)
		memset(p + size / 8, 'c', size - size / 8);
}

static void
frame__reads_back(void **state)
{
	static const size_t sizes[] = {0, 1, 7, 8, 9, 100, 4096, 70000};
	struct check_rand r = check_rand_of(check_seed());
	static uint8_t block[70000];
	struct place p;

	(void)state;
	place_init(&p);
	for (size_t i = 0; i < 4 * sizeof(sizes) / sizeof(sizes[0]); i++) {
		size_t size = sizes[i / 4], got_size = 1;
		bool compress = i % 2, compressible = i % 4 / 2;
		struct buf out = {0};
		struct frame_handle h;
		struct env_file *f;
		uint8_t *got;

		fill(&r, block, size, compressible);
		check_ok(buf_append(&out, "before", 6));
		check_ok(frame_encode(&out, bytes_of(block, size), compress,
		    FILE_NO, OFFSET, &h));
		check_eq(h.offset, OFFSET);
		check_eq(frame_handle_bytes(h), out.size - 6);
		if (compress && compressible && size >= 100)
			check_true(h.size < size / 2);
		else if (!compressible)
			check_eq(h.size, size);
		f = place_file(
		    &p, &p.env, bytes_of(out.data + 6, out.size - 6));
		check_ok(frame_read(
		    f, FILE_NO, OFFSET + out.size - 6, h, &got, &got_size));
		check_bytes_eq(bytes_of(got, got_size), bytes_of(block, size));
		free(got);
		env_close(f);
		buf_fini(&out);
	}
}

/* Every bit of a frame, and its place: nothing else passes. */
static void
frame__every_bit_is_covered(void **state)
{
	struct check_rand r = check_rand_of(check_seed());
	struct buf out = {0}, room = {0};
	struct frame_handle h;
	struct bytes block;
	const char *why;
	uint8_t data[300];

	(void)state;
	for (int compress = 0; compress < 2; compress++) {
		fill(&r, data, sizeof(data), true);
		buf_clear(&out);
		check_ok(frame_encode(&out, bytes_of(data, sizeof(data)),
		    compress, FILE_NO, OFFSET, &h));
		check_ok(frame_decode(
		    FILE_NO, OFFSET, buf_bytes(&out), &room, &block, &why));
		check_bytes_eq(block, bytes_of(data, sizeof(data)));
		for (size_t bit = 0; bit < out.size * 8; bit++) {
			out.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
			why = NULL;
			check_err(frame_decode(FILE_NO, OFFSET, buf_bytes(&out),
				      &room, &block, &why),
			    ERR_DAMAGED);
			check_true(why != NULL);
			out.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
		}
		check_err(frame_decode(FILE_NO + 1, OFFSET, buf_bytes(&out),
			      &room, &block, &why),
		    ERR_DAMAGED);
		check_err(frame_decode(FILE_NO, OFFSET + 1, buf_bytes(&out),
			      &room, &block, &why),
		    ERR_DAMAGED);
		for (size_t size = 0; size < out.size; size++)
			check_err(
			    frame_decode(FILE_NO, OFFSET,
				bytes_of(out.data, size), &room, &block, &why),
			    ERR_DAMAGED);
	}
	buf_fini(&out);
	buf_fini(&room);
}

static void
frame__damage_names_file_and_offset(void **state)
{
	struct frame_handle h;
	struct buf out = {0};
	struct env_file *f;
	struct place p;
	uint8_t *got = NULL;
	size_t size;

	(void)state;
	place_init(&p);
	check_ok(frame_encode(
	    &out, bytes_str("some block"), false, FILE_NO, OFFSET, &h));
	out.data[3] ^= 1;
	f = place_file(&p, &p.env, buf_bytes(&out));
	check_err(frame_read(f, FILE_NO, OFFSET + out.size, h, &got, &size),
	    ERR_DAMAGED);
	check_true(got == NULL);
	check_contains(p.message, p.path);
	check_contains(p.message, "offset 100");
	check_contains(p.message, "checksum");
	env_close(f);
	buf_fini(&out);
}

static void
frame__handles_are_checked(void **state)
{
	static const struct frame_handle bad[] = {
	    {OFFSET, 11},
	    {OFFSET + 1, 10},
	    {UINT64_MAX, 10},
	    {UINT64_MAX - 20, 10},
	    {0, UINT64_MAX},
	    {0, UINT64_MAX - FRAME_TRAILER},
	    {0, (uint64_t)FRAME_BYTES_MAX + 1},
	};
	struct place p;
	struct frame_handle h;
	struct buf out = {0};
	struct env_file *f;
	uint8_t *got;
	size_t size;

	(void)state;
	place_init(&p);
	check_ok(frame_encode(
	    &out, bytes_str("some block"), false, FILE_NO, OFFSET, &h));
	f = place_file(&p, &p.env, buf_bytes(&out));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		p.message[0] = 0;
		check_err(frame_read(f, FILE_NO, OFFSET + out.size, bad[i],
			      &got, &size),
		    ERR_DAMAGED);
		check_contains(p.message, "does not fit");
	}
	/* The file is shorter than it was said to be. */
	check_err(frame_read(f, FILE_NO, 1 << 20,
		      (struct frame_handle){OFFSET, 500}, &got, &size),
	    ERR_DAMAGED);
	check_contains(p.message, p.path);
	env_close(f);
	buf_fini(&out);
}

static void
frame__handle_reads_back(void **state)
{
	struct frame_handle h = {UINT64_MAX, 300}, got = {0};
	struct buf b = {0};
	struct wire_in in;

	(void)state;
	check_ok(frame_handle_append(&b, h));
	in = wire_in_of(buf_bytes(&b));
	check_ok(frame_handle_decode(&in, &got));
	check_eq(got.offset, h.offset);
	check_eq(got.size, h.size);
	check_eq(wire_in_left(&in), 0);
	b.size--;
	in = wire_in_of(buf_bytes(&b));
	check_err(frame_handle_decode(&in, &got), ERR_DAMAGED);
	check_eq(wire_in_left(&in), b.size);
	buf_fini(&b);
}

static void
frame__read_error_is_passed_on(void **state)
{
	struct env_fault fault;
	struct frame_handle h;
	struct buf out = {0};
	struct env_file *f;
	struct place p;
	uint8_t *got;
	size_t size;

	(void)state;
	place_init(&p);
	env_fault_init(&fault, &p.env);
	fault.env.sink = p.env.sink;
	check_ok(frame_encode(
	    &out, bytes_str("some block"), false, FILE_NO, OFFSET, &h));
	f = place_file(&p, &fault.env, buf_bytes(&out));
	fault.reads_fail_at = 1;
	fault.error = EIO;
	check_err(
	    frame_read(f, FILE_NO, OFFSET + out.size, h, &got, &size), -EIO);
	env_close(f);
	env_fault_fini(&fault);
	buf_fini(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(frame__reads_back),
	    cmocka_unit_test(frame__every_bit_is_covered),
	    cmocka_unit_test(frame__damage_names_file_and_offset),
	    cmocka_unit_test(frame__handles_are_checked),
	    cmocka_unit_test(frame__handle_reads_back),
	    cmocka_unit_test(frame__read_error_is_passed_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
