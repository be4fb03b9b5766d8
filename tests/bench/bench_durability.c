/*
 * bench_durability: what each durability policy costs, and what it may lose.
 *
 * Puts values of 100 bytes under keys of 16, ascending for each writer, one put
 * a write, under every policy: with one writer and with eight.  Each put of the
 * first row of sync has its turn with a write and sync of a block that was
 * written before: what the device takes for it.  One line per row, with commas:
 *
 *	policy,writers,puts,seconds,rate,syncs,p50_us,p99_us,max_us,bound
 *
 * rate is puts a second; bound is what a power cut may take.  The row "device"
 * is pwrite and fdatasync of 132 bytes, one behind the other as in a log.
 *
 *	bench_durability [--puts N] [--sync-puts N] [--rounds N] [--dir D]
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "engine/base/wire.h"
#include "engine/lsm.h"

#define KEY_SIZE    16
#define VALUE_SIZE  100
#define RECORD_SIZE (KEY_SIZE + VALUE_SIZE + 16)
#define WRITERS_MAX 8

struct bench {
	uint64_t puts;
	uint64_t sync_puts; /* under sync: it takes long */
	unsigned rounds;
	char dir[4096];
	struct lsm *db;
};

struct writer {
	struct bench *bench;
	pthread_t thread;
	uint64_t from;
	uint64_t count;
	uint32_t *ns; /* what each put took */
};

static void
must_be_0(int rc, const char *what)
{
	if (rc == 0)
		return;
	fprintf(stderr, "bench_durability: %s: %s\n", what, strerror(-rc));
	exit(1);
}

static uint64_t
now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static void *
allocated(size_t size)
{
	void *p = malloc(size ? size : 1);

	must_be_0(p ? 0 : -ENOMEM, "memory");
	return p;
}

/* --- rows ----------------------------------------------------------------- */

static int
compare(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

static uint32_t
took_ns(uint64_t begin)
{
	uint64_t ns = now_ns() - begin;

	return ns < UINT32_MAX ? (uint32_t)ns : UINT32_MAX;
}

struct row {
	const char *policy;
	unsigned writers;
	uint64_t puts;
	uint64_t ns;
	uint64_t syncs;
	uint32_t *each; /* sorted here */
	const char *bound;
};

static void
print_row(struct row *r)
{
	double seconds = (double)r->ns / 1e9;

	qsort(r->each, r->puts, sizeof(*r->each), compare);
	printf("%s,%u,%" PRIu64 ",%.3f,%.0f,%" PRIu64 ",%.1f,%.1f,%.1f,%s\n",
	    r->policy, r->writers, r->puts, seconds, (double)r->puts / seconds,
	    r->syncs, r->each[r->puts / 2] / 1e3,
	    r->each[r->puts - 1 - r->puts / 100] / 1e3,
	    r->each[r->puts - 1] / 1e3, r->bound);
	fflush(stdout);
}

/* --- the device ----------------------------------------------------------- */

#define DEVICE_BYTES (16u << 20)

static int
device_file(const char *path)
{
	static const uint8_t zeros[1u << 16];
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	must_be_0(fd < 0 ? -errno : 0, path);
	for (size_t at = 0; at < DEVICE_BYTES; at += sizeof(zeros))
		must_be_0(pwrite(fd, zeros, sizeof(zeros), (off_t)at) < 0
			      ? -errno
			      : 0,
		    path);
	must_be_0(fsync(fd) ? -errno : 0, path);
	return fd;
}

/* A write and its sync; what they took. */
static uint32_t
device_write(int fd, uint64_t i, const char *path)
{
	uint64_t at = i * RECORD_SIZE % (DEVICE_BYTES - RECORD_SIZE);
	uint8_t record[RECORD_SIZE];
	uint64_t begin = now_ns();

	memset(record, 'd', sizeof(record));
	must_be_0(
	    pwrite(fd, record, sizeof(record), (off_t)at) < 0 ? -errno : 0,
	    path);
	must_be_0(fdatasync(fd) ? -errno : 0, path);
	return took_ns(begin);
}

/* --- the engine ----------------------------------------------------------- */

static void
put(struct bench *b, struct lsm_batch *batch, uint64_t i)
{
	uint8_t key[KEY_SIZE] = {0}, value[VALUE_SIZE];

	wire_put_be64(key + 8, i);
	memset(value, 'v', sizeof(value));
	wire_put_le64(value, i);
	lsm_batch_clear(batch);
	must_be_0(lsm_batch_put(batch, bytes_of(key, sizeof(key)),
		      bytes_of(value, sizeof(value))),
	    "batch");
	must_be_0(lsm_write(b->db, batch, NULL), "write");
}

static void *
writer_run(void *arg)
{
	struct writer *w = arg;
	struct lsm_batch *batch = lsm_batch_new();

	must_be_0(batch ? 0 : -ENOMEM, "batch");
	for (uint64_t i = 0; i < w->count; i++) {
		uint64_t begin = now_ns();

		put(w->bench, batch, w->from + i);
		w->ns[i] = took_ns(begin);
	}
	lsm_batch_free(batch);
	return NULL;
}

static void
run_writers(struct bench *b, struct row *r)
{
	struct writer all[WRITERS_MAX];
	uint64_t share = r->puts / r->writers;
	uint64_t begin = now_ns();

	for (unsigned i = 0; i < r->writers; i++) {
		struct writer *w = &all[i];

		*w = (struct writer){.bench = b,
		    .from = i * share,
		    .count = share,
		    .ns = r->each + i * share};
		must_be_0(
		    -pthread_create(&w->thread, NULL, writer_run, w), "thread");
	}
	for (unsigned i = 0; i < r->writers; i++)
		pthread_join(all[i].thread, NULL);
	r->ns = now_ns() - begin;
}

static void
remove_store(const char *path)
{
	char command[4300];

	(void)snprintf(command, sizeof(command), "rm -rf '%s'", path);
	must_be_0(system(command) == 0 ? 0 : -EIO, command);
}

static void
open_store(struct bench *b, const char *text, char path[4200])
{
	struct lsm_options o;

	(void)snprintf(path, 4200, "%s/store", b->dir);
	lsm_options_init(&o);
	o.create = true;
	must_be_0(durability_parse(bytes_str(text), &o.durability, NULL), text);
	must_be_0(lsm_open(path, &o, &b->db), path);
}

static void
close_store(struct bench *b, const char *path)
{
	must_be_0(lsm_close(b->db), "close");
	remove_store(path);
}

static uint64_t
syncs_so_far(struct bench *b)
{
	struct lsm_stats stats;

	lsm_stats(b->db, &stats);
	return stats.syncs;
}

static void
print_and_free(struct row *r)
{
	print_row(r);
	free(r->each);
}

/* The device and sync by turns: what is between them is not the noise of the
 * machine. */
static void
bench_pair(struct bench *b)
{
	uint64_t n = b->sync_puts, before;
	struct row device = {"device", 1, n, 0, n, NULL, "-"};
	struct row sync = {"sync", 1, n, 0, 0, NULL, "0"};
	struct lsm_batch *batch = lsm_batch_new();
	char path[4200], file[4200];
	int fd;

	(void)snprintf(file, sizeof(file), "%s/device", b->dir);
	fd = device_file(file);
	device.each = allocated(n * sizeof(*device.each));
	sync.each = allocated(n * sizeof(*sync.each));
	open_store(b, "sync", path);
	before = syncs_so_far(b);
	for (uint64_t i = 0; i < n; i++) {
		uint64_t begin;

		device.each[i] = device_write(fd, i, file);
		begin = now_ns();
		put(b, batch, i);
		sync.each[i] = took_ns(begin);
		device.ns += device.each[i];
		sync.ns += sync.each[i];
	}
	sync.syncs = syncs_so_far(b) - before;
	close_store(b, path);
	lsm_batch_free(batch);
	close(fd);
	(void)unlink(file);
	print_and_free(&device);
	print_and_free(&sync);
}

static void
bench_policy(
    struct bench *b, const char *text, unsigned writers, const char *bound)
{
	struct row r = {text, writers, 0, 0, 0, NULL, bound};
	char path[4200];
	uint64_t before;

	r.puts = strcmp(text, "sync") == 0 ? b->sync_puts : b->puts;
	r.puts -= r.puts % writers;
	r.each = allocated(r.puts * sizeof(*r.each));
	open_store(b, text, path);
	before = syncs_so_far(b);
	run_writers(b, &r);
	r.syncs = syncs_so_far(b) - before;
	close_store(b, path);
	print_and_free(&r);
}

static void
bench_round(struct bench *b)
{
	bench_pair(b);
	for (unsigned writers = 1; writers <= WRITERS_MAX; writers += 7) {
		if (writers > 1)
			bench_policy(b, "sync", writers, "0");
		bench_policy(b, "batch batch_ops=100 batch_ms=10", writers,
		    "100 puts or 10 ms");
		bench_policy(b, "adaptive adaptive_ms=1", writers, "1 ms");
		bench_policy(b, "adaptive adaptive_ms=10", writers, "10 ms");
		bench_policy(b, "none", writers, "all");
	}
}

static uint64_t
number(const char *text)
{
	char *end;
	unsigned long long n = strtoull(text, &end, 10);

	if (n >= 100 && n <= 100000000 && !*end && text[0] != '-')
		return n;
	fprintf(stderr, "bench_durability: '%s': 100 to 100000000\n", text);
	exit(2);
}

int
main(int argc, char **argv)
{
	static const struct option options[] = {
	    {"puts", required_argument, NULL, 'p'},
	    {"sync-puts", required_argument, NULL, 's'},
	    {"rounds", required_argument, NULL, 'r'},
	    {"dir", required_argument, NULL, 'd'},
	    {0},
	};
	struct bench b = {.puts = 500000, .sync_puts = 500000, .rounds = 1};
	const char *dir = ".";
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (c == 'p')
			b.puts = number(optarg);
		else if (c == 's')
			b.sync_puts = number(optarg);
		else if (c == 'r')
			b.rounds = (unsigned)atoi(optarg);
		else if (c == 'd')
			dir = optarg;
		else
			return 2;
	}
	(void)snprintf(b.dir, sizeof(b.dir), "%s/bench_durability.XXXXXX", dir);
	must_be_0(mkdtemp(b.dir) ? 0 : -errno, b.dir);
	printf("policy,writers,puts,seconds,rate,syncs,p50_us,p99_us,max_us,"
	       "bound\n");
	for (unsigned i = 0; i < b.rounds; i++)
		bench_round(&b);
	must_be_0(rmdir(b.dir) ? -errno : 0, b.dir);
	return 0;
}
