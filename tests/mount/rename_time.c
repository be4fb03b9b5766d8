/*
 * rename_time: how long rename(2) takes.
 *
 *   rename_time TIMES DIRECTORY...
 *
 * Moves each directory away and back so many times, in turns, and prints the
 * median of each in microseconds, one per line.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define TIMES_MAX 1000

static double
microseconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static double
move(const char *from, const char *to)
{
	double begin = microseconds();

	if (rename(from, to) != 0) {
		perror(from);
		exit(1);
	}
	return microseconds() - begin;
}

static int
compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

int
main(int argc, char **argv)
{
	static double took[8][TIMES_MAX];
	int times = argc > 1 ? atoi(argv[1]) : 0;
	int dirs = argc - 2;
	char other[4096];

	if (times < 1 || times > TIMES_MAX || dirs < 1 || dirs > 8) {
		fprintf(stderr, "usage: rename_time TIMES DIRECTORY...\n");
		return 2;
	}
	for (int i = 0; i < times; i++)
		for (int d = 0; d < dirs; d++) {
			const char *dir = argv[d + 2];

			snprintf(other, sizeof(other), "%s.moved", dir);
			took[d][i] = move(dir, other);
			move(other, dir);
		}
	for (int d = 0; d < dirs; d++) {
		qsort(took[d], (size_t)times, sizeof(double), compare);
		printf("%.1f\n", took[d][times / 2]);
	}
	return 0;
}
