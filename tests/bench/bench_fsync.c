/*
 * bench_fsync: what fsync costs programs that keep their state in small files.
 *
 *   bench_fsync DIR create|replace WRITERS FILES
 *
 * Each writer works in a directory of its own below DIR:
 *   create   makes a file, writes 128 bytes, fsyncs it, closes it
 *   replace  the same under a temporary name, then renames it over one of 16
 *            files, and fsyncs the directory
 * One line, with commas: what, writers, files, seconds, files a second, and p50
 * and p99 of one file in us.  Everything is removed afterwards.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define WRITERS_MAX 64
#define FILE_BYTES  128
#define REPLACED    16

struct writer {
	pthread_t thread;
	int dir;
	bool replaces;
	unsigned files;
	uint32_t *us;
};

static _Noreturn void
fail(const char *what)
{
	fprintf(stderr, "bench_fsync: %s: %s\n", what, strerror(errno));
	exit(1);
}

static uint64_t
now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static void
write_synced(int dir, const char *name)
{
	char data[FILE_BYTES];
	int fd = openat(dir, name, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);

	if (fd < 0)
		fail(name);
	memset(data, 'x', sizeof(data));
	if (write(fd, data, sizeof(data)) != sizeof(data))
		fail("write");
	if (fsync(fd) != 0)
		fail("fsync");
	if (close(fd) != 0)
		fail("close");
}

static void
one_file(const struct writer *w, unsigned i)
{
	char name[32];

	if (!w->replaces) {
		(void)snprintf(name, sizeof(name), "f%u", i);
		write_synced(w->dir, name);
		return;
	}
	(void)snprintf(name, sizeof(name), "f%u", i % REPLACED);
	write_synced(w->dir, "tmp");
	if (renameat(w->dir, "tmp", w->dir, name) != 0)
		fail("rename");
	if (fsync(w->dir) != 0)
		fail("fsync of the directory");
}

static void *
run(void *arg)
{
	struct writer *w = arg;

	for (unsigned i = 0; i < w->files; i++) {
		uint64_t begin = now_ns();

		one_file(w, i);
		w->us[i] = (uint32_t)((now_ns() - begin) / 1000);
	}
	return NULL;
}

static void
clean(struct writer *w)
{
	char name[32];

	for (unsigned i = 0; i < w->files; i++) {
		(void)snprintf(name, sizeof(name), "f%u", i);
		(void)unlinkat(w->dir, name, 0);
	}
	close(w->dir);
}

static int
compare(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

static void
open_dir(struct writer *w, const char *top, unsigned i, bool make)
{
	char path[4200];

	(void)snprintf(path, sizeof(path), "%s/writer%u", top, i);
	if (!make) {
		(void)rmdir(path);
		return;
	}
	if (mkdir(path, 0755) != 0)
		fail(path);
	w->dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (w->dir < 0)
		fail(path);
}

static double
run_all(struct writer *all, unsigned writers)
{
	uint64_t begin = now_ns();

	for (unsigned i = 0; i < writers; i++) {
		errno = pthread_create(&all[i].thread, NULL, run, &all[i]);
		if (errno)
			fail("thread");
	}
	for (unsigned i = 0; i < writers; i++)
		pthread_join(all[i].thread, NULL);
	return (double)(now_ns() - begin) / 1e9;
}

int
main(int argc, char **argv)
{
	struct writer all[WRITERS_MAX] = {0};
	unsigned writers = argc == 5 ? (unsigned)atoi(argv[3]) : 0;
	unsigned files = argc == 5 ? (unsigned)atoi(argv[4]) : 0;
	unsigned share = writers ? files / writers : 0;
	size_t total;
	uint32_t *us;
	double s;

	if (writers == 0 || writers > WRITERS_MAX || share == 0) {
		fprintf(stderr, "usage: bench_fsync DIR create|replace"
				" WRITERS FILES\n");
		return 2;
	}
	total = (size_t)share * writers;
	us = calloc(total, sizeof(*us));
	if (!us)
		fail("memory");
	for (unsigned i = 0; i < writers; i++) {
		all[i].replaces = strcmp(argv[2], "replace") == 0;
		all[i].files = share;
		all[i].us = us + (size_t)i * share;
		open_dir(&all[i], argv[1], i, true);
	}
	s = run_all(all, writers);
	for (unsigned i = 0; i < writers; i++) {
		clean(&all[i]);
		open_dir(&all[i], argv[1], i, false);
	}
	qsort(us, total, sizeof(*us), compare);
	printf("%s,%u,%zu,%.3f,%.0f,%u,%u\n", argv[2], writers, total, s,
	    (double)total / s, us[total / 2], us[total - 1 - total / 100]);
	free(us);
	return 0;
}
