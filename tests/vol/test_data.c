#include "tests/check.h"

#include <errno.h>
#include <sys/stat.h>

#include "tests/support/content.h"

#define B(literal) bytes_of(literal, sizeof(literal) - 1)
#define COUNT(a)   (sizeof(a) / sizeof((a)[0]))

#define BLOCK  VOLUME_BLOCK
#define INLINE VOLUME_INLINE

static struct volume t;

/* Where behaviour changes. */
static const size_t edges[] = {
    0,
    1,
    INLINE - 1,
    INLINE,
    INLINE + 1,
    BLOCK - 1,
    BLOCK,
    BLOCK + 1,
    2 * BLOCK - 1,
    2 * BLOCK,
    2 * BLOCK + 1,
    3 * BLOCK,
};

/* --- the model ------------------------------------------------------------ */

#define MODEL_MAX (5 * BLOCK)

struct model {
	uint64_t ino;
	uint8_t bytes[MODEL_MAX];
	size_t size;
};

/* Often an edge, or near one. */
static size_t
place(struct check_rand *r, size_t inline_bytes)
{
	size_t at = (size_t)check_rand_below(r, MODEL_MAX);

	if (check_rand_one_in(r, 3))
		at = inline_bytes;
	else if (check_rand_one_in(r, 2))
		at = at / BLOCK * BLOCK;
	else
		return check_rand_one_in(r, 4) ? at % inline_bytes : at;
	at += (size_t)check_rand_below(r, 3);
	return at > 0 ? at - 1 : 0;
}

static void
model_write(struct model *f, struct check_rand *r, size_t inline_bytes)
{
	size_t from = place(r, inline_bytes), to = place(r, inline_bytes);
	static uint8_t data[MODEL_MAX];

	if (from > to) {
		size_t swap = from;

		from = to;
		to = swap;
	}
	check_rand_fill(r, data, to - from);
	check_ok(content_write(&t, f->ino, from, bytes_of(data, to - from)));
	if (to == from)
		return;
	if (from > f->size)
		memset(f->bytes + f->size, 0, from - f->size);
	memcpy(f->bytes + from, data, to - from);
	if (to > f->size)
		f->size = to;
}

static void
model_truncate(struct model *f, struct check_rand *r, size_t inline_bytes)
{
	size_t size = place(r, inline_bytes);

	check_ok(content_truncate(&t, f->ino, size));
	if (size > f->size)
		memset(f->bytes + f->size, 0, size - f->size);
	f->size = size;
}

static void
model_read(struct model *f, struct check_rand *r, size_t inline_bytes)
{
	size_t from = place(r, inline_bytes);
	size_t size = (size_t)check_rand_below(r, MODEL_MAX);

	if (from > f->size)
		from = f->size;
	if (size > f->size - from)
		size = f->size - from;
	content_check_read(&t, f->ino, from, bytes_of(f->bytes + from, size));
}

static void
model_check(struct model *f, size_t inline_bytes)
{
	content_check(&t, f->ino, bytes_of(f->bytes, f->size));
	if (f->size <= inline_bytes)
		check_eq(content_blocks(&t), 0);
	else
		check_le(content_blocks(&t), (f->size + BLOCK - 1) / BLOCK);
}

static void
model_run(struct check_rand *r, uint32_t inline_bytes)
{
	static struct model f;
	int steps = check_long() ? 100000 : 1500;

	volume_init_sizes(&t, BLOCK, inline_bytes);
	f = (struct model){.ino = volume_file(&t, "f", "")};
	for (int i = 0; i < steps; i++) {
		switch (check_rand_below(r, 8)) {
		case 0:
		case 1:
		case 2:
			model_write(&f, r, inline_bytes);
			break;
		case 3:
		case 4:
			model_truncate(&f, r, inline_bytes);
			break;
		case 5:
			if (check_rand_one_in(r, 10)) {
				volume_reopen(&t);
				check_eq(volume_at(&t, "f"), f.ino);
			}
			break;
		default:
			model_read(&f, r, inline_bytes);
		}
		model_check(&f, inline_bytes);
	}
	volume_fini(&t);
}

static void
data__random_operations_match_a_flat_array(void **state)
{
	static const uint32_t limits[] = {64, 100, 1024, 4095, 4096};
	struct check_rand r = check_rand_of(check_seed());

	(void)state;
	for (size_t i = 0; i < COUNT(limits); i++)
		model_run(&r, limits[i]);
}

/* --- edges ---------------------------------------------------------------- */

static void
data__growing_after_a_cut_shows_zeros(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(edges); i++)
		for (size_t j = 0; j < COUNT(edges); j++) {
			size_t written = edges[i], cut = edges[j];
			size_t kept = written < cut ? written : cut;
			uint64_t ino = volume_file(&t, "f", "");

			check_ok(content_write(
			    &t, ino, 0, content_pattern(written)));
			check_ok(content_truncate(&t, ino, cut));
			check_ok(content_truncate(&t, ino, 4 * BLOCK));
			content_check_read(&t, ino, 0, content_pattern(kept));
			content_check_read(
			    &t, ino, kept, content_zeros(4 * BLOCK - kept));
			check_ok(content_truncate(&t, ino, 0));
			check_eq(content_blocks(&t), 0);
			check_ok(volume_rm(&t, "f"));
			vol_forget(t.v, ino, 1);
		}
}

static void
data__write_behind_the_end_leaves_a_hole(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(edges); i++)
		for (size_t j = i; j < COUNT(edges); j++) {
			size_t size = edges[i], at = edges[j];
			uint64_t ino = volume_file(&t, "f", "");

			check_ok(
			    content_write(&t, ino, 0, content_pattern(size)));
			check_ok(content_write(&t, ino, at, B("xyz")));
			check_eq(content_size(&t, ino), at + 3);
			content_check_read(&t, ino, 0, content_pattern(size));
			content_check_read(
			    &t, ino, size, content_zeros(at - size));
			content_check_read(&t, ino, at, B("xyz"));
			check_ok(volume_rm(&t, "f"));
			vol_forget(t.v, ino, 1);
		}
}

static void
data__overwrite_keeps_what_is_around_it(void **state)
{
	static uint8_t want[4 * BLOCK];

	(void)state;
	for (size_t i = 0; i < COUNT(edges); i++)
		for (size_t j = 0; j < COUNT(edges); j++) {
			size_t at = edges[i], size = edges[j];
			uint64_t ino = volume_file(&t, "f", "");

			if (at + size > sizeof(want))
				size = sizeof(want) - at;
			memcpy(want, content_pattern(sizeof(want)).data,
			    sizeof(want));
			memset(want + at, 'x', size);
			check_ok(content_write(
			    &t, ino, 0, content_pattern(sizeof(want))));
			check_ok(content_write(
			    &t, ino, at, bytes_of(want + at, size)));
			content_check(&t, ino, bytes_of(want, sizeof(want)));
			check_ok(volume_rm(&t, "f"));
			vol_forget(t.v, ino, 1);
		}
}

static void
data__small_content_stands_in_the_entry(void **state)
{
	uint64_t ino = volume_file(&t, "f", "");

	(void)state;
	check_ok(content_write(&t, ino, 0, content_pattern(INLINE)));
	check_eq(content_blocks(&t), 0);
	check_ok(content_write(&t, ino, INLINE, B("x")));
	check_eq(content_blocks(&t), 1);
	check_ok(content_truncate(&t, ino, INLINE));
	check_eq(content_blocks(&t), 0);
	content_check(&t, ino, content_pattern(INLINE));
	/* Far away: block 0 takes the content, the other what is written. */
	check_ok(content_write(&t, ino, 7 * BLOCK, B("x")));
	check_eq(content_blocks(&t), 2);
	content_check_read(&t, ino, 0, content_pattern(INLINE));
	check_ok(content_truncate(&t, ino, 0));
	check_eq(content_blocks(&t), 0);
	/* Nothing to move: nothing but the new block. */
	check_ok(content_write(&t, ino, 7 * BLOCK, B("x")));
	check_eq(content_blocks(&t), 1);
}

static void
data__sparse_file_costs_what_was_written(void **state)
{
	const uint64_t far = UINT64_C(1) << 40;
	uint64_t ino = volume_file(&t, "f", "");

	(void)state;
	check_ok(content_write(&t, ino, far - 1, B("abc")));
	check_eq(content_size(&t, ino), far + 2);
	check_eq(content_blocks(&t), 2);
	content_check_read(&t, ino, far - 1, B("abc"));
	content_check_read(&t, ino, far - 100, content_zeros(99));
	content_check_read(&t, ino, 0, content_zeros(2 * BLOCK));
	volume_reopen(&t);
	check_eq(volume_at(&t, "f"), ino);
	content_check_read(&t, ino, far - 1, B("abc"));
	check_ok(content_truncate(&t, ino, far));
	check_eq(content_blocks(&t), 1);
	check_ok(content_truncate(&t, ino, far + 2));
	content_check_read(&t, ino, far - 1, B("a\0\0"));
	check_ok(content_truncate(&t, ino, 5));
	check_eq(content_blocks(&t), 0);
	content_check(&t, ino, content_zeros(5));
}

static void
data__files_end_before_2_to_the_63(void **state)
{
	const uint64_t max = INT64_MAX;
	uint64_t ino = volume_file(&t, "f", "");
	struct store *before = store_mem_clone(t.s);
	char c;
	size_t got;

	(void)state;
	check_err(content_write(&t, ino, max, B("x")), -EFBIG);
	check_err(content_write(&t, ino, max - 1, B("xy")), -EFBIG);
	check_err(content_write(&t, ino, UINT64_MAX, B("x")), -EFBIG);
	check_err(content_write(&t, ino, UINT64_MAX, B("")), -EFBIG);
	check_err(content_truncate(&t, ino, max + 1), -EFBIG);
	check_err(content_truncate(&t, ino, UINT64_MAX), -EFBIG);
	check_true(store_mem_same(before, t.s));
	check_ok(store_close(before));

	check_ok(content_write(&t, ino, max - 1, B("x")));
	check_eq(content_size(&t, ino), max);
	content_check_read(&t, ino, max - 1, B("x"));
	check_ok(vol_read(t.v, ino, UINT64_MAX, &c, 1, &got));
	check_eq(got, 0);
	check_ok(content_truncate(&t, ino, max));
	check_ok(content_truncate(&t, ino, 0));
	check_eq(content_blocks(&t), 0);
}

static void
data__only_files_have_content(void **state)
{
	const struct vol_attr fifo = {.mode = S_IFIFO | 0644};
	struct vol_attr a;
	size_t got;
	char c;

	(void)state;
	check_ok(vol_mkdir(t.v, &t.ctx, VOL_INO_ROOT, "d", 0755, &a));
	check_err(vol_read(t.v, a.ino, 0, &c, 1, &got), -EISDIR);
	check_err(content_write(&t, a.ino, 0, B("x")), -EISDIR);
	check_err(content_truncate(&t, a.ino, 0), -EISDIR);
	check_ok(vol_mknod(t.v, &t.ctx, VOL_INO_ROOT, "p", &fifo, &a));
	check_err(vol_read(t.v, a.ino, 0, &c, 1, &got), -EINVAL);
	check_err(content_write(&t, a.ino, 0, B("x")), -EINVAL);
	check_err(content_truncate(&t, a.ino, 0), -EINVAL);
	check_err(vol_read(t.v, 999, 0, &c, 1, &got), -ESTALE);
	check_err(content_write(&t, 999, 0, B("x")), -ESTALE);
}

static void
data__writes_move_the_times_and_empty_ones_do_not(void **state)
{
	uint64_t ino = volume_file(&t, "f", "");
	const struct vol_set old = {
	    .mask = VOL_SET_ATIME | VOL_SET_MTIME | VOL_SET_CTIME,
	    .atime = 1,
	    .mtime = 2,
	    .ctime = 3,
	};
	struct vol_attr a;
	uint64_t writes;

	(void)state;
	check_ok(vol_setattr(t.v, &t.ctx, ino, &old, &a));
	writes = store_mem_calls(t.s, STORE_MEM_WRITE);
	t.ctx.seq = 0;
	check_ok(content_write(&t, ino, 77, B("")));
	check_eq(store_mem_calls(t.s, STORE_MEM_WRITE), writes);
	check_eq(t.ctx.seq, 0);
	check_ok(vol_getattr(t.v, ino, &a));
	check_eq(a.size, 0);
	check_eq(a.mtime, 2);
	check_ok(content_write(&t, ino, 0, B("x")));
	check_true(t.ctx.seq != 0);
	check_ok(vol_getattr(t.v, ino, &a));
	check_eq(a.atime, 1);
	check_true(a.mtime > 3 && a.ctime == a.mtime);
}

/* --- what it costs -------------------------------------------------------- */

static uint64_t
gets_of_write(uint64_t ino, uint64_t offset, size_t size)
{
	uint64_t before = store_mem_calls(t.s, STORE_MEM_GET);

	check_ok(content_write(&t, ino, offset, content_pattern(size)));
	return store_mem_calls(t.s, STORE_MEM_GET) - before;
}

static void
data__writes_read_only_what_they_leave(void **state)
{
	static const struct {
		uint64_t offset;
		size_t size;
		uint64_t gets;
	} rows[] = {
	    {0, 3 * BLOCK, 0},         /* all of it */
	    {BLOCK, BLOCK, 0},         /* one block */
	    {3 * BLOCK, 10, 0},        /* behind the end */
	    {3 * BLOCK + 10, 10, 1},   /* appended */
	    {3 * BLOCK, 20, 0},        /* to the end */
	    {3 * BLOCK, 30, 0},        /* over the end */
	    {3 * BLOCK, 29, 1},        /* not quite */
	    {1, BLOCK, 2},             /* neither block as a whole */
	    {BLOCK - 1, BLOCK + 2, 2}, /* one as a whole in the middle */
	    {9 * BLOCK + 5, 10, 0},    /* far behind the end */
	};
	uint64_t ino = volume_file(&t, "f", "");

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		print_message("row %zu\n", i);
		check_eq(gets_of_write(ino, rows[i].offset, rows[i].size),
		    rows[i].gets);
	}
}

static void
data__reading_a_small_file_is_one_get(void **state)
{
	uint64_t ino = volume_file(&t, "f", ""), before;

	(void)state;
	check_ok(content_write(&t, ino, 0, B("hello")));
	before = store_mem_calls(t.s, STORE_MEM_GET);
	content_check_read(&t, ino, 0, B("hello"));
	check_eq(store_mem_calls(t.s, STORE_MEM_GET), before + 1);
}

int
main(void)
{
#define CASE(name) volume_case_small(name, &t)
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(data__random_operations_match_a_flat_array),
	    CASE(data__growing_after_a_cut_shows_zeros),
	    CASE(data__write_behind_the_end_leaves_a_hole),
	    CASE(data__overwrite_keeps_what_is_around_it),
	    CASE(data__small_content_stands_in_the_entry),
	    CASE(data__sparse_file_costs_what_was_written),
	    CASE(data__files_end_before_2_to_the_63),
	    CASE(data__only_files_have_content),
	    CASE(data__writes_move_the_times_and_empty_ones_do_not),
	    CASE(data__writes_read_only_what_they_leave),
	    CASE(data__reading_a_small_file_is_one_get),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
