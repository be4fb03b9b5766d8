/*
 * bench_soak: does the store stay as fast and as small as it is?
 *
 * One thread overwrites random keys as fast as it can while another reads
 * random keys, for a long time.  Prints a line per interval: what came through,
 * how long the slowest writes took, memory, files, and the size of the store
 * over that of its live data.  Exits 1 if over the whole run one write in a
 * thousand took more than 10 ms, or if in its last third memory or space grew
 * by more than a tenth over the second third.
 *
 *	bench_soak [--seconds N] [--every N] [--keys N] [--value N] [--dir D]
 */
#include <dirent.h>
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "engine/base/histogram.h"
#include "engine/base/wire.h"
#include "engine/lsm.h"

#define KEY_SIZE     16
#define WRITE_NS_MAX 10000000
#define GROWTH_MAX   1.1

struct soak {
	uint64_t seconds, every, keys;
	size_t value_size;
	char dir[4096];
	struct lsm *db;
	atomic_bool stop;
	struct histogram *all;       /* write times of the whole run */
	struct histogram *intervals; /* one each */
	_Atomic uint64_t interval;   /* the present one */
	struct counter puts, gets;
};

/* What an interval showed. */
struct soak_line {
	uint64_t puts, gets;
	struct histogram_figures writes;
	double resident_mib, store_mib;
	unsigned files;
};

static void
must_be_0(int rc, const char *what)
{
	if (rc == 0)
		return;
	fprintf(stderr, "bench_soak: %s: %s\n", what, strerror(-rc));
	exit(1);
}

static uint64_t
now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static uint64_t
next_random(uint64_t *x)
{
	*x ^= *x << 13;
	*x ^= *x >> 7;
	*x ^= *x << 17;
	return *x;
}

static struct bytes
make_key(uint8_t key[KEY_SIZE], uint64_t i)
{
	for (int at = KEY_SIZE - 1; at >= 0; at--, i /= 10)
		key[at] = (uint8_t)('0' + i % 10);
	return bytes_of(key, KEY_SIZE);
}

/* Half of it can be compressed; begins with the key's number. */
static void
fill_value(uint8_t *value, size_t size, uint64_t i, uint64_t x)
{
	memset(value, 'v', size);
	for (size_t at = 8; at + 8 <= size / 2; at += 8)
		wire_put_le64(value + at, next_random(&x));
	wire_put_le64(value, i);
}

/* --- the two threads --------------------------------------------------- */

static void
put_one(struct soak *s, struct lsm_batch *b, uint8_t *value, uint64_t i)
{
	uint8_t key[KEY_SIZE];
	uint64_t begin;

	fill_value(value, s->value_size, i, i * 0x9e3779b97f4a7c15u + 1);
	lsm_batch_clear(b);
	must_be_0(
	    lsm_batch_put(b, make_key(key, i), bytes_of(value, s->value_size)),
	    "put");
	begin = now_ns();
	must_be_0(lsm_write(s->db, b, NULL), "write");
	begin = now_ns() - begin;
	histogram_add(s->all, begin);
	/* Relaxed: one that belongs to the interval before may come along. */
	i = atomic_load_explicit(&s->interval, memory_order_relaxed);
	histogram_add(&s->intervals[i], begin);
	counter_add(&s->puts, 1);
}

static void *
write_on(void *ctx)
{
	struct soak *s = ctx;
	struct lsm_batch *b = lsm_batch_new();
	uint8_t *value = malloc(s->value_size);
	uint64_t x = 88172645463325252;

	must_be_0(b && value ? 0 : -ENOMEM, "memory");
	while (!atomic_load_explicit(&s->stop, memory_order_relaxed))
		put_one(s, b, value, next_random(&x) % s->keys);
	free(value);
	lsm_batch_free(b);
	return NULL;
}

static void *
read_on(void *ctx)
{
	struct soak *s = ctx;
	uint64_t x = 1181783497276652981;

	while (!atomic_load_explicit(&s->stop, memory_order_relaxed)) {
		uint64_t i = next_random(&x) % s->keys;
		struct lsm_value value;
		uint8_t key[KEY_SIZE];
		int rc = lsm_get(s->db, NULL, make_key(key, i), &value);

		if (rc != 1 || value.bytes.size != s->value_size ||
		    wire_get_le64(value.bytes.data) != i)
			must_be_0(rc < 0 ? rc : -EUCLEAN, "get");
		lsm_value_release(&value);
		counter_add(&s->gets, 1);
	}
	return NULL;
}

/* --- the series -------------------------------------------------------- */

static double
resident_mib(void)
{
	FILE *f = fopen("/proc/self/status", "r");
	unsigned long long kib = 0;
	char line[256];

	while (f && fgets(line, sizeof(line), f))
		if (strncmp(line, "RssAnon:", 8) == 0)
			kib = strtoull(line + 8, NULL, 10);
	if (f)
		fclose(f);
	return (double)kib / 1024;
}

static void
measure_store(const char *path, struct soak_line *l)
{
	DIR *dir = opendir(path);
	struct dirent *e;
	struct stat st;
	double bytes = 0;

	l->files = 0;
	while (dir && (e = readdir(dir)))
		if (fstatat(dirfd(dir), e->d_name, &st, 0) == 0 &&
		    S_ISREG(st.st_mode)) {
			l->files++;
			bytes += (double)st.st_blocks * 512;
		}
	if (dir)
		closedir(dir);
	l->store_mib = bytes / 1048576;
}

static void
print_line(const struct soak *s, uint64_t at, const struct soak_line *l)
{
	double live = (double)s->keys * (double)(KEY_SIZE + s->value_size);

	printf("%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%.1f,%.1f,%.1f,%.1f,%u,"
	       "%.1f,%.2f\n",
	    at, l->puts / s->every, l->gets / s->every,
	    (double)l->writes.p50 / 1e3, (double)l->writes.p999 / 1e3,
	    (double)l->writes.max / 1e3, l->resident_mib, l->files,
	    l->store_mib, l->store_mib * 1048576 / live);
	fflush(stdout);
}

static void
watch(struct soak *s, struct soak_line *lines, uint64_t count)
{
	uint64_t puts = 0, gets = 0;

	printf("seconds,puts_per_s,gets_per_s,write_p50_us,write_p999_us,"
	       "write_max_us,resident_mib,files,store_mib,store_over_live\n");
	for (uint64_t i = 0; i < count; i++) {
		struct soak_line *l = &lines[i];

		atomic_store_explicit(&s->interval, i, memory_order_relaxed);
		sleep((unsigned)s->every);
		l->puts = counter_sum(&s->puts) - puts;
		l->gets = counter_sum(&s->gets) - gets;
		puts += l->puts;
		gets += l->gets;
		histogram_read(&s->intervals[i], &l->writes);
		l->resident_mib = resident_mib();
		measure_store(s->dir, l);
		print_line(s, (i + 1) * s->every, l);
	}
}

/* The largest of a third of the run. */
static double
largest(
    const struct soak_line *lines, uint64_t count, uint64_t third, bool memory)
{
	double max = 0;

	for (uint64_t i = count * third / 3; i < count * (third + 1) / 3; i++) {
		double v = memory ? lines[i].resident_mib : lines[i].store_mib;

		if (v > max)
			max = v;
	}
	return max;
}

static bool
is_flat(const struct soak_line *lines, uint64_t count, bool memory)
{
	double before = largest(lines, count, 1, memory);
	double after = largest(lines, count, 2, memory);

	printf("%s: at most %.1f MiB in the second third, %.1f in the last\n",
	    memory ? "memory" : "space", before, after);
	return after <= before * GROWTH_MAX;
}

/* --- the run ----------------------------------------------------------- */

static void
load(struct soak *s)
{
	struct lsm_batch *b = lsm_batch_new();
	uint8_t *value = malloc(s->value_size);

	must_be_0(b && value ? 0 : -ENOMEM, "memory");
	for (uint64_t i = 0; i < s->keys; i++)
		put_one(s, b, value, i);
	free(value);
	lsm_batch_free(b);
	memset(s->all, 0, sizeof(*s->all));
	memset(s->intervals, 0, sizeof(*s->intervals));
	memset(&s->puts, 0, sizeof(s->puts));
}

static bool
run(struct soak *s)
{
	uint64_t count = s->seconds / s->every;
	struct soak_line *lines = calloc(count, sizeof(*lines));
	struct histogram_figures f;
	pthread_t writer, reader;
	bool good;

	must_be_0(lines && count >= 3 ? 0 : -EINVAL, "--seconds / --every");
	load(s);
	must_be_0(-pthread_create(&writer, NULL, write_on, s), "thread");
	must_be_0(-pthread_create(&reader, NULL, read_on, s), "thread");
	watch(s, lines, count);
	atomic_store(&s->stop, true);
	pthread_join(writer, NULL);
	pthread_join(reader, NULL);
	histogram_read(s->all, &f);
	printf("writes: p50 %.1f us, p99 %.1f, p99.9 %.1f, max %.1f\n",
	    (double)f.p50 / 1e3, (double)f.p99 / 1e3, (double)f.p999 / 1e3,
	    (double)f.max / 1e3);
	good = f.p999 <= WRITE_NS_MAX;
	good &= is_flat(lines, count, true);
	good &= is_flat(lines, count, false);
	free(lines);
	return good;
}

static struct histogram *
new_histograms(uint64_t count)
{
	size_t size = count * sizeof(struct histogram);
	struct histogram *h = aligned_alloc(64, size);

	must_be_0(h ? 0 : -ENOMEM, "memory");
	memset(h, 0, size);
	return h;
}

static void
remove_store(const char *path)
{
	DIR *dir = opendir(path);
	struct dirent *e;

	while (dir && (e = readdir(dir)))
		if (e->d_name[0] != '.')
			unlinkat(dirfd(dir), e->d_name, 0);
	if (dir)
		closedir(dir);
	rmdir(path);
}

static void
parse(struct soak *s, int argc, char **argv)
{
	static const struct option options[] = {
	    {"seconds", required_argument, NULL, 's'},
	    {"every", required_argument, NULL, 'e'},
	    {"keys", required_argument, NULL, 'k'},
	    {"value", required_argument, NULL, 'v'},
	    {"dir", required_argument, NULL, 'd'}, {0}};
	const char *dir = ".";
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		uint64_t n = optarg ? strtoull(optarg, NULL, 10) : 0;

		if (c == 'd')
			dir = optarg;
		else if (n == 0)
			must_be_0(-EINVAL, "usage");
		else if (c == 's')
			s->seconds = n;
		else if (c == 'e')
			s->every = n;
		else if (c == 'k')
			s->keys = n;
		else
			s->value_size = (size_t)n;
	}
	must_be_0(s->value_size >= 8 ? 0 : -EINVAL, "--value");
	snprintf(s->dir, sizeof(s->dir), "%s/soak.XXXXXX", dir);
	must_be_0(mkdtemp(s->dir) ? 0 : -errno, dir);
}

int
main(int argc, char **argv)
{
	struct soak s = {
	    .seconds = 300, .every = 10, .keys = 5000000, .value_size = 100};
	struct lsm_options o;
	bool good;

	parse(&s, argc, argv);
	s.all = new_histograms(1);
	s.intervals = new_histograms(s.seconds / s.every + 1);
	lsm_options_init(&o);
	o.create = true;
	o.memtable_bytes = 64u << 20;
	o.cache_bytes = 256u << 20;
	must_be_0(lsm_open(s.dir, &o, &s.db), s.dir);
	good = run(&s);
	must_be_0(lsm_close(s.db), "close");
	remove_store(s.dir);
	free(s.all);
	free(s.intervals);
	return good ? 0 : 1;
}
