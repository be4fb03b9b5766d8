/*
 * bench_values: from what size on is a value better kept in the log?
 *
 * For each size of value two stores with the same content, one with all values
 * in tables and one with all of them in the log: every key is put once,
 * shuffled, and compacted, then puts of random keys, twice as many; then random
 * gets, a scan, and a scan of keys only.  Prints CPU time (of all threads) per
 * operation, bytes written over bytes given, and the store's size over that of
 * the live data.  Half of each value can be compressed; values in the log are
 * not.
 *
 *	bench_values [--bytes N] [--dir D] SIZE...
 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "engine/base/wire.h"
#include "engine/lsm.h"
#include "engine/lsm_stats.h"

#define KEY_SIZE    16 /* digits */
#define KEY_ROOM    24
#define VALUE_MAX   (1u << 20)
#define CACHE_BYTES (64u << 20)
#define GETS_MAX    200000
#define OVERWRITES  2

struct values {
	char dir[4096];
	uint64_t bytes; /* of live data, about */
	size_t size;    /* of a value */
	bool in_log;
	uint64_t keys;
	uint64_t random;
	struct lsm *db;
	struct lsm_batch *batch;
	uint8_t *value;
	uint64_t given;
};

static void
must_be_0(int rc, const char *what)
{
	if (rc == 0)
		return;
	fprintf(stderr, "bench_values: %s: %s\n", what, strerror(-rc));
	exit(1);
}

/* splitmix64 */
static uint64_t
next_random(struct values *v)
{
	uint64_t z = v->random += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

static double
cpu_us(void)
{
	struct rusage r;

	(void)getrusage(RUSAGE_SELF, &r);
	return (double)(r.ru_utime.tv_sec + r.ru_stime.tv_sec) * 1e6 +
	       (double)(r.ru_utime.tv_usec + r.ru_stime.tv_usec);
}

static struct bytes
key_of(uint64_t number, char room[KEY_ROOM])
{
	(void)snprintf(room, KEY_ROOM, "%016" PRIu64, number);
	return bytes_of(room, KEY_SIZE);
}

/* --- writing ------------------------------------------------------------- */

static void
put(struct values *v, uint64_t number)
{
	char room[KEY_ROOM];

	for (size_t i = 0; i + 8 <= v->size / 2; i += 8)
		wire_put_le64(v->value + i, next_random(v));
	lsm_batch_clear(v->batch);
	must_be_0(lsm_batch_put(v->batch, key_of(number, room),
		      bytes_of(v->value, v->size)),
	    "put");
	must_be_0(lsm_write(v->db, v->batch, NULL), "write");
	v->given += KEY_SIZE + v->size;
}

/* Until the background has had nothing to do for a moment. */
static void
settle(struct lsm *db)
{
	const struct timespec moment = {.tv_nsec = 500000000};
	struct lsm_stats before, now;

	must_be_0(lsm_flush(db), "flush");
	lsm_stats(db, &now);
	do {
		before = now;
		(void)nanosleep(&moment, NULL);
		lsm_stats(db, &now);
	} while (now.bytes_written_compact != before.bytes_written_compact ||
		 now.value_bytes_collected != before.value_bytes_collected);
}

/* An odd number and a power of two have no divisor in common: each once. */
static double
load(struct values *v)
{
	double begin = cpu_us();
	uint64_t round = 1;

	while (round < v->keys)
		round *= 2;
	for (uint64_t i = 0; i < round; i++) {
		uint64_t number = i * UINT64_C(0x9e3779b97f4a7c15) % round;

		if (number < v->keys)
			put(v, number);
	}
	must_be_0(lsm_flush(v->db), "flush");
	must_be_0(lsm_compact(v->db, NULL, NULL), "compact");
	return (cpu_us() - begin) / (double)v->keys;
}

static double
overwrite(struct values *v)
{
	double begin = cpu_us();

	for (uint64_t i = 0; i < OVERWRITES * v->keys; i++)
		put(v, next_random(v) % v->keys);
	settle(v->db);
	return (cpu_us() - begin) / (double)(OVERWRITES * v->keys);
}

/* --- reading ------------------------------------------------------------- */

static double
get(struct values *v)
{
	uint64_t gets = v->keys < GETS_MAX ? v->keys : GETS_MAX;
	double begin = cpu_us();

	for (uint64_t i = 0; i < gets; i++) {
		char room[KEY_ROOM];
		struct lsm_value value;
		int rc = lsm_get(v->db, NULL,
		    key_of(next_random(v) % v->keys, room), &value);

		must_be_0(rc == 1 ? 0 : -ENOENT, "get");
		lsm_value_release(&value);
	}
	return (cpu_us() - begin) / (double)gets;
}

static double
scan(struct values *v, bool keys_only)
{
	const struct lsm_iter_options o = {.keys_only = keys_only};
	double begin = cpu_us();
	struct lsm_iter *it;
	uint64_t count = 0;
	int rc;

	must_be_0(lsm_iter_open(v->db, &o, &it), "scan");
	for (rc = lsm_iter_first(it); rc > 0; rc = lsm_iter_next(it))
		count++;
	must_be_0(rc, "scan");
	lsm_iter_close(it);
	must_be_0(count == v->keys ? 0 : -ENOENT, "scan");
	return (cpu_us() - begin) / (double)count;
}

/* --- the whole ----------------------------------------------------------- */

static void
print_line(struct values *v)
{
	double load_us = load(v), overwrite_us = overwrite(v);
	double get_us = get(v), next_us = scan(v, false);
	double key_us = scan(v, true), written, size = 0;
	struct lsm_stats s;

	lsm_stats(v->db, &s);
	written = (double)(s.bytes_written_log + s.bytes_written_flush +
			   s.bytes_written_compact + s.value_bytes_collected);
	for (int i = 0; i < LSM_LEVELS; i++)
		size += (double)s.level_bytes[i];
	size += (double)s.value_bytes;
	printf("| %zu | %s | %.2f | %.2f | %.2f | %.2f | %.2f | %.2f | %.2f"
	       " |\n",
	    v->size, v->in_log ? "log" : "tables", load_us, overwrite_us,
	    get_us, next_us, key_us, written / (double)v->given,
	    size / (double)(v->keys * (KEY_SIZE + v->size)));
	(void)fflush(stdout);
}

static void
measure(const struct values *all, size_t size, bool in_log)
{
	struct values v = *all;
	struct lsm_options o;
	char command[4200];

	v.size = size;
	v.in_log = in_log;
	v.keys = v.bytes / (KEY_SIZE + size);
	lsm_options_init(&o);
	o.must_create = o.create = true;
	o.durability.policy = DURABILITY_NONE;
	o.cache_bytes = CACHE_BYTES;
	o.value_log_bytes = in_log ? size : 0;
	must_be_0(lsm_open(v.dir, &o, &v.db), v.dir);
	v.batch = lsm_batch_new();
	v.value = calloc(1, size);
	must_be_0(v.batch && v.value ? 0 : -ENOMEM, "memory");
	print_line(&v);
	free(v.value);
	lsm_batch_free(v.batch);
	must_be_0(lsm_close(v.db), "close");
	(void)snprintf(
	    command, sizeof(command), "rm -rf --one-file-system '%s'", v.dir);
	if (system(command) != 0)
		exit(1);
}

static _Noreturn void
usage(void)
{
	fprintf(stderr, "usage: bench_values [--bytes N] [--dir D] SIZE...\n");
	exit(2);
}

int
main(int argc, char **argv)
{
	static const struct option options[] = {
	    {"bytes", required_argument, NULL, 'b'},
	    {"dir", required_argument, NULL, 'd'},
	    {0},
	};
	struct values v = {.bytes = 400u << 20};
	const char *dir = ".";
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (c == 'b')
			v.bytes = strtoull(optarg, NULL, 10);
		else if (c == 'd')
			dir = optarg;
		else
			usage();
	}
	if (optind == argc)
		usage();
	(void)snprintf(
	    v.dir, sizeof(v.dir), "%s/bench_values.%ld", dir, (long)getpid());
	printf("| value | kept in | load us | overwrite us | get us | next us |"
	       " next key us | written | size |\n"
	       "|---:|---|---:|---:|---:|---:|---:|---:|---:|\n");
	for (; optind < argc; optind++) {
		size_t size = strtoull(argv[optind], NULL, 10);

		if (size == 0 || size > VALUE_MAX)
			usage();
		measure(&v, size, false);
		measure(&v, size, true);
	}
	return 0;
}
