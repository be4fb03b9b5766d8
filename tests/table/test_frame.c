#include "engine/table/frame.h"

#include <stdio.h>
#include <stdlib.h>

#include "engine/base/hash.h"
#include "engine/os/env_fault.h"
#include "engine/os/thread.h"
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
	for (size_t i = 0; i < 6 * sizeof(sizes) / sizeof(sizes[0]); i++) {
		size_t size = sizes[i / 6], got_size = 1;
		enum frame_compression compress = i % 3;
		bool compressible = i % 6 / 3;
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
	for (int compress = 0; compress < 3; compress++) {
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

/* --- ZSTD with a checksum that is right ---------------------------------- */

/* The frame that a writer would make of these stored bytes. */
static void
seal(struct buf *out, struct bytes stored, uint32_t plain_size)
{
	uint64_t seed = FILE_NO * UINT64_C(0x9e3779b97f4a7c15) ^ OFFSET;
	uint8_t tail[5] = {FRAME_ZSTD};

	wire_put_le32(tail + 1, plain_size);
	buf_clear(out);
	check_ok(buf_append_bytes(out, stored));
	check_ok(buf_append(out, tail, sizeof(tail)));
	check_ok(buf_append_le64(out, hash_64(buf_bytes(out), seed)));
}

/* What frame_decode says of them. */
static int
unseal(struct bytes stored, uint32_t plain_size)
{
	struct buf out = {0}, room = {0};
	const char *why = NULL;
	struct bytes block;
	int err;

	seal(&out, stored, plain_size);
	err =
	    frame_decode(FILE_NO, OFFSET, buf_bytes(&out), &room, &block, &why);
	if (err)
		check_true(why != NULL);
	else
		check_eq(block.size, plain_size);
	buf_fini(&out);
	buf_fini(&room);
	return err;
}

/* The ZSTD bytes of a block of size bytes. */
static struct bytes
zstd_bytes(struct buf *out, struct check_rand *r, size_t size)
{
	static uint8_t data[70000];
	struct frame_handle h;

	check_true(size <= sizeof(data));
	fill(r, data, size, true);
	buf_clear(out);
	check_ok(frame_encode(
	    out, bytes_of(data, size), FRAME_ZSTD, FILE_NO, OFFSET, &h));
	check_eq(out->data[h.size], FRAME_ZSTD);
	return bytes_of(out->data, (size_t)h.size);
}

static void
frame__zstd_size_must_be_the_declared(void **state)
{
	static const uint32_t sizes[] = {0, 1, 4095, 4097, 8192,
	    FRAME_BYTES_MAX, FRAME_BYTES_MAX + 1, UINT32_MAX};
	struct check_rand r = check_rand_of(check_seed());
	struct buf out = {0};
	struct bytes z = zstd_bytes(&out, &r, 4096);

	(void)state;
	check_ok(unseal(z, 4096));
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		check_err(unseal(z, sizes[i]), ERR_DAMAGED);
	for (size_t size = 0; size < z.size; size++)
		check_err(unseal(bytes_of(z.data, size), 4096), ERR_DAMAGED);
	buf_fini(&out);
}

/* More than one frame, or what ZSTD would pass over, is not ours. */
static void
frame__zstd_is_one_frame(void **state)
{
	/* RFC 8878, 3.1.2: a skippable frame of no bytes. */
	static const uint8_t skip[] = {0x50, 0x2a, 0x4d, 0x18, 0, 0, 0, 0};
	struct check_rand r = check_rand_of(check_seed());
	struct buf out = {0}, two = {0};
	struct bytes z = zstd_bytes(&out, &r, 4096);

	(void)state;
	check_ok(buf_append_bytes(&two, z));
	check_ok(buf_append(&two, skip, sizeof(skip)));
	check_err(unseal(buf_bytes(&two), 4096), ERR_DAMAGED);
	check_err(unseal(bytes_of(skip, sizeof(skip)), 4096), ERR_DAMAGED);
	two.size = z.size;
	check_ok(buf_append_bytes(&two, z));
	check_err(unseal(buf_bytes(&two), 4096), ERR_DAMAGED);
	check_err(unseal(buf_bytes(&two), 8192), ERR_DAMAGED);
	buf_fini(&out);
	buf_fini(&two);
}

/* Whatever the bytes are: an error, or a block of the size it should have. */
static void
frame__zstd_nonsense_is_survived(void **state)
{
	struct check_rand r = check_rand_of(check_seed());
	struct buf out = {0};
	size_t rounds = check_long() ? 200 : 4;

	(void)state;
	for (size_t round = 0; round < rounds; round++) {
		size_t size = 100 + check_rand_below(&r, 20000);
		struct bytes z = zstd_bytes(&out, &r, size);
		uint8_t *p = (uint8_t *)(uintptr_t)z.data;

		for (size_t bit = 0; bit < z.size * 8; bit++) {
			p[bit / 8] ^= (uint8_t)(1 << bit % 8);
			unseal(z, (uint32_t)size);
			p[bit / 8] ^= (uint8_t)(1 << bit % 8);
		}
		check_ok(unseal(z, (uint32_t)size));
		/* Behind an intact header. */
		check_rand_fill(&r, p + 8, z.size - 8);
		unseal(z, (uint32_t)size);
		check_rand_fill(&r, p, z.size);
		unseal(z, (uint32_t)size);
	}
	buf_fini(&out);
}

static void *
zstd_thread(void *arg)
{
	struct check_rand r = check_rand_of((uint64_t)(uintptr_t)arg);
	struct buf out = {0}, room = {0};
	uint8_t data[3000];

	for (int i = 0; i < 300; i++) {
		struct frame_handle h;
		struct bytes block;
		const char *why;

		buf_clear(&out);
		fill(&r, data, sizeof(data), true);
		check_ok(frame_encode(&out, bytes_of(data, sizeof(data)),
		    FRAME_ZSTD, FILE_NO, OFFSET, &h));
		check_ok(frame_decode(
		    FILE_NO, OFFSET, buf_bytes(&out), &room, &block, &why));
		check_bytes_eq(block, bytes_of(data, sizeof(data)));
	}
	buf_fini(&out);
	buf_fini(&room);
	return NULL;
}

/* Contexts are shared; more threads than there are places for them. */
static void
frame__zstd_by_many_threads(void **state)
{
	struct thread t[12];

	(void)state;
	for (uintptr_t i = 0; i < 12; i++)
		check_ok(
		    thread_start(&t[i], "zstd", zstd_thread, (void *)(i + 1)));
	for (size_t i = 0; i < 12; i++)
		thread_join(&t[i]);
}

/* --- reading ------------------------------------------------------------- */

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
	    cmocka_unit_test(frame__zstd_size_must_be_the_declared),
	    cmocka_unit_test(frame__zstd_is_one_frame),
	    cmocka_unit_test(frame__zstd_nonsense_is_survived),
	    cmocka_unit_test(frame__zstd_by_many_threads),
	    cmocka_unit_test(frame__damage_names_file_and_offset),
	    cmocka_unit_test(frame__handles_are_checked),
	    cmocka_unit_test(frame__handle_reads_back),
	    cmocka_unit_test(frame__read_error_is_passed_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
