/* Content of files: reads, writes, sizes, mappings. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <sys/wait.h>

#include "tests/support/file.h"
#include "tests/support/mount.h"

#define TIB (UINT64_C(1) << 40)

static const size_t sizes[] = {0, 1, 100, 4095, 4096, 4097, 16384, 65535, 65536,
    65537, 131071, 131072, 131073, 1 << 20, (1 << 20) + 1, 3000005};

static void
data__stays_as_written(void **state)
{
	char name[32];

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		int fd;

		snprintf(name, sizeof(name), "f%zu", i);
		fd = file_open(name, O_RDWR | O_CREAT | O_EXCL);
		file_fill(fd, 0, sizes[i], (unsigned)i);
		check_eq(file_fstat(fd).st_size, sizes[i]);
		file_holds(fd, 0, sizes[i], (unsigned)i);
		file_close(fd);
	}
	mount_again(mount_now());
	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		int fd;

		snprintf(name, sizeof(name), "f%zu", i);
		fd = file_open(name, O_RDONLY);
		check_eq(file_fstat(fd).st_size, sizes[i]);
		file_holds(fd, 0, sizes[i], (unsigned)i);
		file_close(fd);
	}
}

static void
data__read_ends_at_the_size(void **state)
{
	char text[16];
	int fd = file_open("f", O_RDWR | O_CREAT);

	(void)state;
	check_eq(call(read(fd, text, sizeof(text))), 0);
	check_eq(call(write(fd, "abcdef", 6)), 6);
	check_eq(call(pread(fd, text, sizeof(text), 4)), 2);
	check_eq(call(pread(fd, text, sizeof(text), 6)), 0);
	check_eq(call(pread(fd, text, sizeof(text), 1 << 20)), 0);
	check_eq(call(lseek(fd, 0, SEEK_END)), 6);
	file_close(fd);
}

static void
data__excl_refuses_what_exists(void **state)
{
	(void)state;
	file_put("f", "old");
	check_err(call(open("f", O_RDWR | O_CREAT | O_EXCL, 0644)), -EEXIST);
	check_ok(call(symlink("nowhere", "l")));
	check_err(call(open("l", O_RDWR | O_CREAT | O_EXCL, 0644)), -EEXIST);
	file_is("f", "old");
	check_err(call(open("missing", O_RDWR)), -ENOENT);
	check_ok(call(mkdir("d", 0755)));
	check_err(call(open("d", O_RDWR)), -EISDIR);
	check_err(call(open("f/x", O_RDWR)), -ENOTDIR);
}

static void
data__trunc_empties(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		int fd = file_open("f", O_RDWR | O_CREAT);

		file_fill(fd, 0, sizes[i], 1);
		file_close(fd);
		fd = file_open("f", O_RDWR | O_TRUNC);
		check_eq(file_fstat(fd).st_size, 0);
		check_eq(call(write(fd, "x", 1)), 1);
		file_fd_is(fd, "x");
		file_close(fd);
		check_ok(call(unlink("f")));
	}
}

#define APPENDERS 4
#define APPENDS   200

static void
append_lines(int who)
{
	int fd = file_open("log", O_WRONLY | O_APPEND);
	char line[32];

	for (int i = 0; i < APPENDS; i++) {
		int n = snprintf(line, sizeof(line), "%d %04d %.*s\n", who, i,
		    i % 16, "................");

		check_eq(call(write(fd, line, (size_t)n)), n);
	}
	_exit(0);
}

/* Every line once, and those of each process in their order. */
static void
check_lines(void)
{
	FILE *f = fopen("log", "r");
	int next[APPENDERS] = {0};
	char line[64];
	int who, i;

	check_true(f != NULL);
	while (fgets(line, sizeof(line), f)) {
		check_eq(sscanf(line, "%d %d", &who, &i), 2);
		check_true(who >= 0 && who < APPENDERS);
		check_eq(i, next[who]);
		next[who]++;
	}
	fclose(f);
	for (who = 0; who < APPENDERS; who++)
		check_eq(next[who], APPENDS);
}

static void
data__append_from_several_processes_loses_nothing(void **state)
{
	int status;

	(void)state;
	file_put("log", "");
	for (int who = 0; who < APPENDERS; who++) {
		pid_t pid = fork();

		check_true(pid >= 0);
		if (pid == 0) {
			setenv("CMOCKA_TEST_ABORT", "1", 1);
			append_lines(who);
		}
	}
	for (int who = 0; who < APPENDERS; who++) {
		check_true(wait(&status) > 0);
		check_eq(status, 0);
	}
	check_lines();
	mount_again(mount_now());
	check_lines();
}

/* Cut and grown from each size to each other one. */
static void
resize(size_t from, size_t to)
{
	int fd = file_open("f", O_RDWR | O_CREAT | O_EXCL);
	size_t kept = from < to ? from : to;

	file_fill(fd, 0, from, 3);
	check_ok(call(ftruncate(fd, (off_t)to)));
	check_eq(file_fstat(fd).st_size, to);
	file_holds(fd, 0, kept, 3);
	file_is_zero(fd, kept, to - kept);
	/* What was cut off does not come back. */
	check_ok(call(truncate("f", (off_t)kept / 2)));
	check_ok(call(truncate("f", (off_t)from + 5)));
	file_holds(fd, 0, kept / 2, 3);
	file_is_zero(fd, kept / 2, from + 5 - kept / 2);
	file_close(fd);
	check_ok(call(unlink("f")));
}

static void
data__truncate_cuts_and_grows(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++)
		for (size_t j = 0; j < sizeof(sizes) / sizeof(*sizes); j += 3)
			resize(sizes[i], sizes[j]);
	check_err(call(truncate("missing", 1)), -ENOENT);
	check_ok(call(mkdir("d", 0755)));
	check_err(call(truncate("d", 1)), -EISDIR);
}

static void
data__a_hole_of_a_tebibyte_costs_nothing(void **state)
{
	int fd = file_open("f", O_RDWR | O_CREAT);

	(void)state;
	file_fill(fd, TIB, 5000, 4);
	file_fill(fd, 100, 50, 4);
	check_eq(file_fstat(fd).st_size, TIB + 5000);
	file_close(fd);
	mount_again(mount_now());
	fd = file_open("f", O_RDWR);
	file_is_zero(fd, 0, 100);
	file_holds(fd, 100, 50, 4);
	file_is_zero(fd, 150, 300000);
	file_is_zero(fd, TIB / 2 - 7, 100000);
	file_is_zero(fd, TIB - 70000, 70000);
	file_holds(fd, TIB, 5000, 4);
	check_ok(call(ftruncate(fd, (off_t)(TIB + 9))));
	check_ok(call(ftruncate(fd, (off_t)(TIB * 2))));
	file_holds(fd, TIB, 9, 4);
	file_is_zero(fd, TIB + 9, 10000);
	check_eq(file_fstat(fd).st_size, TIB * 2);
	check_ok(call(ftruncate(fd, 120)));
	file_holds(fd, 100, 20, 4);
	file_close(fd);
}

#define SHADOW_BYTES 600000

/* A place that is often near the edge of a block. */
static size_t
place(struct check_rand *r)
{
	size_t edge = check_rand_below(r, 2) ? 4096 : 65536;
	size_t at = check_rand_below(r, SHADOW_BYTES);

	if (check_rand_one_in(r, 3))
		at = check_rand_below(r, 10000);
	if (check_rand_one_in(r, 2))
		at = at / edge * edge + check_rand_below(r, 5);
	return at > 2 && check_rand_one_in(r, 2) ? at - 2 : at;
}

static void
check_shadow(int fd, const uint8_t *shadow, size_t size)
{
	uint8_t *got = malloc(SHADOW_BYTES + 8);

	check_true(got != NULL);
	check_eq(file_fstat(fd).st_size, size);
	check_eq(call(pread(fd, got, SHADOW_BYTES + 8, 0)), size);
	check_bytes_eq(bytes_of(got, size), bytes_of(shadow, size));
	free(got);
}

static void
change_both(struct check_rand *r, int fd, uint8_t *shadow, size_t *size)
{
	size_t at = place(r), end = place(r), n;

	if (check_rand_one_in(r, 5)) {
		check_ok(call(ftruncate(fd, (off_t)at)));
		if (at < *size)
			memset(shadow + at, 0, *size - at);
		*size = at;
		return;
	}
	n = end > at ? end - at : 1 + (at - end) % 300;
	if (at + n > SHADOW_BYTES)
		n = SHADOW_BYTES - at;
	if (check_rand_one_in(r, 4) && n > 1000)
		n = 1000;
	check_rand_fill(r, shadow + at, n);
	check_eq(call(pwrite(fd, shadow + at, n, (off_t)at)), n);
	if (n > 0 && at + n > *size)
		*size = at + n;
}

static void
data__random_writes_and_cuts_agree_with_a_copy(void **state)
{
	struct check_rand r = check_rand_of(check_seed());
	uint8_t *shadow = calloc(1, SHADOW_BYTES);
	int rounds = check_long() ? 3000 : 200;
	size_t size = 0;
	int fd = file_open("f", O_RDWR | O_CREAT);

	(void)state;
	check_true(shadow != NULL);
	for (int i = 0; i < rounds; i++) {
		change_both(&r, fd, shadow, &size);
		if (i % 50 == 49) {
			file_close(fd);
			if (i % 100 == 99)
				mount_again(mount_now());
			fd = file_open("f", O_RDWR);
		}
		if (i % 10 == 9)
			check_shadow(fd, shadow, size);
	}
	file_close(fd);
	free(shadow);
}

static void
data__several_buffers_in_one_call(void **state)
{
	char a[] = "one ", b[] = "two ", c[] = "three";
	struct iovec v[] = {{a, 4}, {b, 4}, {c, 5}};
	char x[6], y[8];
	struct iovec w[] = {{x, 6}, {y, 7}};
	int fd = file_open("f", O_RDWR | O_CREAT);

	(void)state;
	check_eq(call(writev(fd, v, 3)), 13);
	file_fd_is(fd, "one two three");
	check_eq(call(preadv(fd, w, 2, 0)), 13);
	check_bytes_eq(bytes_of(x, 6), bytes_str("one tw"));
	check_bytes_eq(bytes_of(y, 7), bytes_str("o three"));
	file_close(fd);
}

static void
data__two_descriptors_see_one_file(void **state)
{
	int a = file_open("f", O_RDWR | O_CREAT);
	int b = file_open("f", O_RDWR);
	int c;

	(void)state;
	check_eq(call(pwrite(a, "hello", 5, 0)), 5);
	file_fd_is(b, "hello");
	check_eq(call(pwrite(b, "J", 1, 0)), 1);
	file_fd_is(a, "Jello");
	check_ok(call(ftruncate(b, 2)));
	check_eq(file_fstat(a).st_size, 2);
	file_fd_is(a, "Je");
	check_ok(call(rename("f", "g")));
	c = file_open("g", O_RDWR | O_APPEND);
	check_eq(call(write(c, "!", 1)), 1);
	file_fd_is(a, "Je!");
	check_ok(call(fchmod(b, 0600)));
	check_eq(file_stat("g").st_mode & 07777, 0600);
	file_close(a);
	file_close(b);
	file_close(c);
}

static void
data__mappings_read_and_write(void **state)
{
	size_t size = 300000;
	int fd = file_open("f", O_RDWR | O_CREAT);
	uint8_t *p;

	(void)state;
	file_fill(fd, 0, size, 5);
	p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	check_true(p != MAP_FAILED);
	/* A write through the descriptor is seen in the mapping ... */
	check_eq(call(pwrite(fd, "written", 7, 70000)), 7);
	check_bytes_eq(bytes_of(p + 70000, 7), bytes_str("written"));
	/* ... and the other way round. */
	memcpy(p + 4090, "across pages", 12);
	memcpy(p + size - 3, "end", 3);
	check_ok(call(msync(p, size, MS_SYNC)));
	check_ok(call(munmap(p, size)));
	file_close(fd);
	mount_again(mount_now());
	fd = file_open("f", O_RDONLY);
	file_holds(fd, 0, 4090, 5);
	p = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);
	check_true(p != MAP_FAILED);
	check_bytes_eq(bytes_of(p + 4090, 12), bytes_str("across pages"));
	check_bytes_eq(bytes_of(p + 70000, 7), bytes_str("written"));
	check_bytes_eq(bytes_of(p + size - 3, 3), bytes_str("end"));
	check_ok(call(munmap(p, size)));
	check_eq(file_fstat(fd).st_size, size);
	file_close(fd);
}

static void
data__a_mapping_outlives_its_descriptor(void **state)
{
	int fd = file_open("f", O_RDWR | O_CREAT);
	char text[8];
	char *p;

	(void)state;
	check_ok(call(ftruncate(fd, 8192)));
	p = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	check_true(p != MAP_FAILED);
	file_close(fd);
	memcpy(p + 5000, "late", 4);
	check_ok(call(munmap(p, 8192)));
	fd = file_open("f", O_RDWR);
	check_ok(call(fsync(fd)));
	check_ok(call(ftruncate(fd, 5004)));
	file_is_zero(fd, 0, 5000);
	file_close(fd);
	mount_again(mount_now());
	fd = file_open("f", O_RDONLY);
	file_is_zero(fd, 0, 5000);
	check_eq(call(pread(fd, text, sizeof(text), 5000)), 4);
	check_bytes_eq(bytes_of(text, 4), bytes_str("late"));
	file_close(fd);
}

static void
data__every_way_to_sync_succeeds(void **state)
{
	const int flags[] = {O_SYNC, O_DSYNC, O_SYNC | O_APPEND};
	struct iovec v = {(char[]){"x"}, 1};
	int fd;

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		fd = file_open("f", O_RDWR | O_CREAT | flags[i]);
		for (int j = 0; j < 20; j++)
			check_eq(call(write(fd, "line\n", 5)), 5);
		check_eq(call(pwritev2(fd, &v, 1, 0, RWF_DSYNC)), 1);
		check_ok(call(fsync(fd)));
		check_ok(call(fdatasync(fd)));
		check_ok(call(fdatasync(fd))); /* nothing new */
		file_close(fd);
	}
	fd = file_open(".", O_RDONLY | O_DIRECTORY);
	check_ok(call(fsync(fd)));
	check_ok(call(syncfs(fd)));
	file_close(fd);
}

static void
data__direct_io_reads_what_was_written(void **state)
{
	uint8_t *data = aligned_alloc(4096, 65536);
	int fd = open("f", O_RDWR | O_CREAT | O_DIRECT | O_CLOEXEC, 0644);
	int other;

	(void)state;
	check_true(data != NULL);
	check_true(fd >= 0);
	memset(data, 'd', 65536);
	check_eq(call(pwrite(fd, data, 65536, 0)), 65536);
	memset(data, 'e', 4096);
	check_eq(call(pwrite(fd, data, 4096, 8192)), 4096);
	other = file_open("f", O_RDWR);
	check_eq(call(pread(other, data, 3, 12287)), 3);
	check_bytes_eq(bytes_of(data, 3), bytes_str("edd"));
	check_eq(call(pwrite(other, "buffered", 8, 100)), 8);
	check_eq(call(pread(fd, data, 4096, 0)), 4096);
	check_bytes_eq(bytes_of(data + 99, 10), bytes_str("dbufferedd"));
	file_close(fd);
	file_close(other);
	free(data);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(data__stays_as_written),
	    cmocka_unit_test(data__read_ends_at_the_size),
	    cmocka_unit_test(data__excl_refuses_what_exists),
	    cmocka_unit_test(data__trunc_empties),
	    cmocka_unit_test(data__append_from_several_processes_loses_nothing),
	    cmocka_unit_test(data__truncate_cuts_and_grows),
	    cmocka_unit_test(data__a_hole_of_a_tebibyte_costs_nothing),
	    cmocka_unit_test(data__random_writes_and_cuts_agree_with_a_copy),
	    cmocka_unit_test(data__several_buffers_in_one_call),
	    cmocka_unit_test(data__two_descriptors_see_one_file),
	    cmocka_unit_test(data__mappings_read_and_write),
	    cmocka_unit_test(data__a_mapping_outlives_its_descriptor),
	    cmocka_unit_test(data__every_way_to_sync_succeeds),
	    cmocka_unit_test(data__direct_io_reads_what_was_written),
	};

	return mount_run(tests, sizeof(tests) / sizeof(*tests));
}
