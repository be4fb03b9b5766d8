/*
 * bench_lsm: how fast the engine is, with every answer verified.
 *
 * Loads keys of 16 bytes in random order, reads them back, lists them in both
 * directions, deletes half of them, compacts, reopens, and loads a second
 * store in key order.  Prints operations a second, resident memory and the
 * size of the store; exits 1 if anything is wrong, and if memory or size pass
 * what is promised: 256 MiB, and 1.3 times the live data.
 *
 *	bench_lsm [--keys N] [--value N] [--dir D]
 */
#include <dirent.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "engine/base/wire.h"
#include "engine/lsm.h"

#define KEY_SIZE     16
#define RESIDENT_MAX (256u << 20)
#define SIZE_RATIO   1.3

struct bench {
	uint64_t keys;
	size_t value_size;
	const char *dir;
	struct lsm *db;
	struct lsm_batch *batch;
	uint8_t *value;
	double begin; /* of the phase */
};

/* --- what is right -----------------------------------------------------------
 */

static _Noreturn void
wrong(const char *what, uint64_t i)
{
	fprintf(stderr, "bench_lsm: wrong: %s (key %" PRIu64 ")\n", what, i);
	exit(1);
}

static void
must_be_0(int rc, const char *what)
{
	if (rc == 0)
		return;
	fprintf(stderr, "bench_lsm: %s: %s\n", what, strerror(-rc));
	exit(1);
}

/* The i-th number below n of a fixed order that looks random. */
static uint64_t
shuffled(uint64_t i, uint64_t n, uint64_t step)
{
	static const uint64_t primes[] = {
	    2654435761, 2246822519, 3266489917, 668265263};
	uint64_t prime = primes[step % 4];

	/* Larger than n and prime: every number comes once. */
	return n % prime == 0 ? i : (i * (prime % n) + step) % n;
}

/* i in decimal, so that key order is number order. */
static struct bytes
make_key(uint8_t key[KEY_SIZE], uint64_t i)
{
	for (int at = KEY_SIZE - 1; at >= 0; at--, i /= 10)
		key[at] = (uint8_t)('0' + i % 10);
	return bytes_of(key, KEY_SIZE);
}

/* Half of it can be compressed. */
static struct bytes
make_value(struct bench *b, uint64_t i)
{
	uint64_t x = i * 0x9e3779b97f4a7c15u + 1;

	memset(b->value, 'v', b->value_size);
	for (size_t at = 0; at + 8 <= b->value_size / 2; at += 8) {
		x ^= x >> 30;
		x *= 0xbf58476d1ce4e5b9u;
		wire_put_le64(b->value + at, x);
	}
	return bytes_of(b->value, b->value_size);
}

/* --- figures
 * ------------------------------------------------------------------ */

static double
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* A line of /proc/self/status in bytes. */
static uint64_t
memory(const char *field)
{
	FILE *f = fopen("/proc/self/status", "r");
	unsigned long long kib = 0;
	char line[256];

	while (f && fgets(line, sizeof(line), f))
		if (strncmp(line, field, strlen(field)) == 0)
			kib = strtoull(line + strlen(field) + 1, NULL, 10);
	if (f)
		fclose(f);
	return kib * 1024;
}

static uint64_t
store_bytes(const char *path)
{
	DIR *dir = opendir(path);
	struct dirent *e;
	struct stat st;
	uint64_t sum = 0;

	while (dir && (e = readdir(dir)))
		if (fstatat(dirfd(dir), e->d_name, &st, 0) == 0 &&
		    S_ISREG(st.st_mode))
			sum += (uint64_t)st.st_size;
	if (dir)
		closedir(dir);
	return sum;
}

static void
phase(struct bench *b)
{
	b->begin = now();
}

static void
report(struct bench *b, const char *name, uint64_t ops, const char *path)
{
	double took = now() - b->begin;
	double mib = 1024 * 1024;

	printf("%-12s %9" PRIu64 " ops %8.2f s %10.0f ops/s  resident %5.0f"
	       " MiB  store %6.0f MiB\n",
	    name, ops, took, (double)ops / took, (double)memory("VmRSS:") / mib,
	    (double)store_bytes(path) / mib);
	fflush(stdout);
}

/* --- operations
 * --------------------------------------------------------------- */

static void
message(void *ctx, int level, const char *text)
{
	(void)ctx;
	if (level > 0)
		fprintf(stderr, "bench_lsm: %s\n", text);
}

static void
open_store(struct bench *b, const char *path)
{
	struct lsm_options o;

	lsm_options_init(&o);
	o.create = true;
	o.message = message;
	must_be_0(lsm_open(path, &o, &b->db), path);
}

static void
close_store(struct bench *b)
{
	must_be_0(lsm_close(b->db), "close");
	b->db = NULL;
}

static void
put(struct bench *b, uint64_t i)
{
	uint8_t key[KEY_SIZE];

	lsm_batch_clear(b->batch);
	must_be_0(lsm_batch_put(b->batch, make_key(key, i), make_value(b, i)),
	    "batch");
	must_be_0(lsm_write(b->db, b->batch, NULL), "write");
}

static void delete (struct bench *b, uint64_t i)
{
	uint8_t key[KEY_SIZE];

	lsm_batch_clear(b->batch);
	must_be_0(lsm_batch_delete(b->batch, make_key(key, i)), "batch");
	must_be_0(lsm_write(b->db, b->batch, NULL), "write");
}

static void
get(struct bench *b, uint64_t i, bool there)
{
	uint8_t key[KEY_SIZE];
	struct lsm_value value;
	int rc = lsm_get(b->db, NULL, make_key(key, i), &value);

	if (rc < 0)
		must_be_0(rc, "get");
	if (rc != there)
		wrong(there ? "not found" : "found, but deleted", i);
	if (!there)
		return;
	if (!bytes_eq(value.bytes, make_value(b, i)))
		wrong("another value", i);
	lsm_value_release(&value);
}

/* A key that sorts right behind the i-th, so that only filters can tell. */
static void
get_missing(struct bench *b, uint64_t i)
{
	uint8_t key[KEY_SIZE];
	struct lsm_value value;
	int rc;

	make_key(key, i);
	key[KEY_SIZE - 1] = (uint8_t)(key[KEY_SIZE - 1] + 'A' - '0');
	rc = lsm_get(b->db, NULL, bytes_of(key, KEY_SIZE), &value);
	if (rc < 0)
		must_be_0(rc, "get");
	if (rc > 0)
		wrong("found, but never written", i);
}

/* Every step-th key is there, and nothing else. */
static void
list(struct bench *b, uint64_t step, bool back)
{
	uint64_t count = (b->keys + step - 1) / step;
	uint8_t key[KEY_SIZE];
	struct lsm_iter *it;
	int rc;

	must_be_0(lsm_iter_open(b->db, NULL, &it), "iterator");
	rc = back ? lsm_iter_last(it) : lsm_iter_first(it);
	for (uint64_t n = 0; n < count; n++) {
		uint64_t i = (back ? count - 1 - n : n) * step;

		if (rc != 1 || !bytes_eq(lsm_iter_key(it), make_key(key, i)))
			wrong("listing", i);
		if (!bytes_eq(lsm_iter_value(it), make_value(b, i)))
			wrong("another value in the listing", i);
		rc = back ? lsm_iter_prev(it) : lsm_iter_next(it);
	}
	if (rc != 0)
		wrong("listing does not end", count);
	lsm_iter_close(it);
}

/* --- the runs
 * ------------------------------------------------------------------- */

static void
load_and_read(struct bench *b, const char *path)
{
	phase(b);
	for (uint64_t i = 0; i < b->keys; i++)
		put(b, shuffled(i, b->keys, 0));
	report(b, "fillrandom", b->keys, path);
	phase(b);
	must_be_0(lsm_sync(b->db, lsm_seq(b->db)), "sync");
	report(b, "sync", 1, path);
	for (int round = 1; round <= 2; round++) {
		phase(b);
		for (uint64_t i = 0; i < b->keys; i++)
			get(b, shuffled(i, b->keys, (uint64_t)round), true);
		report(b, "readrandom", b->keys, path);
	}
	phase(b);
	for (uint64_t i = 0; i < b->keys; i++)
		get_missing(b, shuffled(i, b->keys, 3));
	report(b, "readmissing", b->keys, path);
	phase(b);
	list(b, 1, false);
	report(b, "list", b->keys, path);
	phase(b);
	list(b, 1, true);
	report(b, "listback", b->keys, path);
}

static void
delete_half(struct bench *b, const char *path)
{
	uint64_t half = b->keys / 2;

	phase(b);
	for (uint64_t i = 0; i < half; i++)
		delete (b, shuffled(i, half, 3) * 2 + 1);
	report(b, "deletehalf", half, path);
	phase(b);
	for (uint64_t n = 0; n < b->keys; n++) {
		uint64_t i = shuffled(n, b->keys, 2);

		get(b, i, i % 2 == 0);
	}
	report(b, "readrandom", b->keys, path);
	phase(b);
	must_be_0(lsm_compact(b->db, NULL, NULL), "compact");
	report(b, "compact", 1, path);
	phase(b);
	list(b, 2, false);
	report(b, "list", b->keys - half, path);
}

static void
check_size(struct bench *b, const char *path)
{
	uint64_t left = b->keys - b->keys / 2;
	double live = (double)(left * (KEY_SIZE + b->value_size));
	double ratio = (double)store_bytes(path) / live;

	printf("store / live data: %.2f\n", ratio);
	/* What every store has, whatever is in it, is not counted. */
	if (ratio > SIZE_RATIO && live > 1e6)
		wrong("the store is too large", left);
}

static void
random_run(struct bench *b, const char *path)
{
	open_store(b, path);
	load_and_read(b, path);
	delete_half(b, path);
	close_store(b);
	check_size(b, path);
	phase(b);
	open_store(b, path);
	report(b, "reopen", 1, path);
	list(b, 2, true);
	close_store(b);
}

static void
sequential_run(struct bench *b, const char *path)
{
	open_store(b, path);
	phase(b);
	for (uint64_t i = 0; i < b->keys; i++)
		put(b, i);
	report(b, "fillseq", b->keys, path);
	phase(b);
	list(b, 1, false);
	report(b, "list", b->keys, path);
	close_store(b);
}

/* --- main
 * ------------------------------------------------------------------------ */

static int
usage(void)
{
	fprintf(stderr, "usage: bench_lsm [--keys N] [--value N] [--dir D]\n");
	return 2;
}

static int
remove_file(void *ctx, const char *path)
{
	(void)ctx;
	return unlink(path);
}

static void
remove_store(const char *path)
{
	static const char *const others[] = {"LOCK", "CURRENT"};
	char *file;

	(void)lsm_list_files(path, remove_file, NULL);
	for (int i = 0; i < 2; i++)
		if (asprintf(&file, "%s/%s", path, others[i]) >= 0) {
			(void)unlink(file);
			free(file);
		}
	(void)rmdir(path);
}

static void
run(struct bench *b, const char *name, void (*f)(struct bench *, const char *))
{
	char *path;

	if (asprintf(&path, "%s/bench-%s-%d", b->dir, name, (int)getpid()) < 0)
		must_be_0(-ENOMEM, "path");
	f(b, path);
	remove_store(path);
	free(path);
}

static int
bench(struct bench *b)
{
	uint64_t peak;

	b->batch = lsm_batch_new();
	b->value = malloc(b->value_size + 1);
	if (!b->batch || !b->value)
		must_be_0(-ENOMEM, "memory");
	run(b, "random", random_run);
	run(b, "sequential", sequential_run);
	lsm_batch_free(b->batch);
	free(b->value);
	peak = memory("VmHWM:");
	printf("peak resident memory: %.0f MiB\n", (double)peak / 1048576);
	if (peak > RESIDENT_MAX)
		wrong("too much memory", b->keys);
	return 0;
}

int
main(int argc, char **argv)
{
	static const struct option options[] = {
	    {"keys", required_argument, NULL, 'k'},
	    {"value", required_argument, NULL, 'v'},
	    {"dir", required_argument, NULL, 'd'},
	    {NULL, 0, NULL, 0},
	};
	const char *tmp = getenv("TMPDIR");
	struct bench b = {
	    .keys = 1000000, .value_size = 100, .dir = tmp ? tmp : "/tmp"};
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (c == 'k')
			b.keys = strtoull(optarg, NULL, 10);
		else if (c == 'v')
			b.value_size = strtoull(optarg, NULL, 10);
		else if (c == 'd')
			b.dir = optarg;
		else
			return usage();
	}
	if (optind != argc || b.keys == 0 || b.keys > 1000000000 ||
	    b.value_size > LSM_VALUE_MAX)
		return usage();
	return bench(&b);
}
