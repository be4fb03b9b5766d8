/*
 * bench_engine: this engine beside others: the same workloads, comparable
 * settings, in turns.
 *
 *	bench_engine [--dir D] [--engines E,...] [--shapes S,...]
 *	    [--workloads W,...] [--rounds N] [--scale N] [--seconds S] [--cap S]
 *	bench_engine --list
 *
 * Prints a line with commas for each row of each round; on standard error what
 * it is doing.  --list prints what there is, a line each: "engine NAME",
 * "missing NAME" (an engine that was not installed), "shape NAME KEYS",
 * "workload NAME".  Stores are made in a directory of their own below --dir
 * ($TMPDIR) and removed, also after a failure or a signal.
 *
 * --scale divides the number of keys, the write buffer and the cache; --seconds
 * (5) is how long a timed row takes; --cap (60) ends a fill that is not done by
 * then, in its favour.  Both are divided by the scale too if they are not
 *given.
 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/bench/engine/lane.h"

#define LANES_MAX 8

/* From this scale on it is only tried whether everything works. */
#define SCALE_TRIAL 1000

struct bench {
	struct run_setup setup;
	const char *engines, *shapes, *workloads; /* NULL: all */
	unsigned rounds;
	char dir[PATH_MAX];
	/* of the group that runs */
	struct lane lanes[LANES_MAX];
	unsigned lane_count;
	unsigned round;
	bool failed;
};

static volatile sig_atomic_t signalled;

static void
on_signal(int number)
{
	signalled = number;
}

/* --- what was asked for -------------------------------------------------- */

/* Is the word in a list with commas? */
static bool
in_list(const char *list, const char *word)
{
	size_t size = strlen(word);
	const char *end;

	for (; list; list = *end ? end + 1 : NULL) {
		end = strchrnul(list, ',');
		if ((size_t)(end - list) == size &&
		    memcmp(list, word, size) == 0)
			return true;
	}
	return false;
}

static bool
wanted(const struct bench *b, const struct workload *w)
{
	return !b->workloads || in_list(b->workloads, w->name);
}

static bool
any_wanted(const struct bench *b, const struct workload_group *g)
{
	for (const struct workload *w = g->workloads; w->name; w++)
		if (wanted(b, w))
			return true;
	return false;
}

static const struct workload *
workload_find(const char *name)
{
	const struct workload_group *g;

	for (unsigned i = 0; (g = workload_group_at(i)); i++)
		for (const struct workload *w = g->workloads; w->name; w++)
			if (strcmp(w->name, name) == 0)
				return w;
	return NULL;
}

static bool
engine_known(const char *name)
{
	const struct peer_ops *ops;
	const char *known;

	for (unsigned i = 0; (known = peer_at(i, &ops)); i++)
		if (strcmp(known, name) == 0)
			return true;
	return false;
}

static bool
shape_known(const char *name)
{
	return shape_find(name);
}

static bool
workload_known(const char *name)
{
	return workload_find(name);
}

/* Every word of the list is known; says which is not. */
static bool
all_known(const char *list, bool (*known)(const char *name))
{
	char *copy = list ? strdup(list) : NULL, *rest = copy, *word;
	bool right = true;

	while (right && (word = strsep(&rest, ","))) {
		right = known(word);
		if (!right)
			fprintf(
			    stderr, "bench_engine: %s: what is that?\n", word);
	}
	free(copy);
	return right;
}

/* --- results ------------------------------------------------------------- */

static void
print_head(void)
{
	puts("round,shape,engine,workload,threads,ops,seconds,ops_s,p50_us,"
	     "p99_us,p999_us,max_us,cpu_us_op,written_bytes,given_bytes,"
	     "store_bytes,live_bytes,anon_peak,resident_peak,settle_s,capped");
}

static void
print_row(const struct bench *b, const char *shape, const char *engine,
    const struct row *r)
{
	double ops = r->ops ? (double)r->ops : 1;

	printf("%u,%s,%s,%s,%u,%" PRIu64 ",%.4f,%.1f,%.2f,%.2f,%.2f,%.1f,%.4f,",
	    b->round, shape, engine, r->name, r->threads, r->ops, r->seconds,
	    (double)r->ops / r->seconds, r->p50_us, r->p99_us, r->p999_us,
	    r->max_us, r->cpu_seconds / ops * 1e6);
	printf("%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64
	       ",%" PRIu64 ",%.2f,%d\n",
	    r->written_bytes, r->given_bytes, r->store_bytes, r->live_bytes,
	    r->anon_peak, r->resident_peak, r->settle_seconds, r->capped);
	(void)fflush(stdout);
}

/* --- running ------------------------------------------------------------- */

static void
lane_lost(struct bench *b, struct lane *l, const char *where)
{
	(void)lane_stop(l, true);
	if (signalled)
		return;
	fprintf(
	    stderr, "bench_engine: %s has failed in %s\n", l->ops->name, where);
	b->failed = true;
}

static void
say(const struct bench *b, const char *shape, const char *what,
    const struct lane *l)
{
	fprintf(stderr, "bench_engine: round %u: %s: %s: %s\n", b->round, shape,
	    what, l->ops->name);
}

static void
run_workload(struct bench *b, const struct lane_task *task, unsigned which)
{
	const struct workload *w = &task->group->workloads[which];
	struct row rows[WORKLOAD_ROWS_MAX];

	for (unsigned i = 0; i < b->lane_count && !signalled; i++) {
		struct lane *l = &b->lanes[i];

		if (l->pid <= 0)
			continue;
		say(b, task->shape->name, w->name, l);
		if (!lane_run(l, which, rows)) {
			lane_lost(b, l, w->name);
			continue;
		}
		for (unsigned row = 0; row < w->rows; row++)
			print_row(
			    b, task->shape->name, l->ops->name, &rows[row]);
	}
}

/* The first of the lanes is another one each round. */
static void
choose_lanes(struct bench *b)
{
	struct lane all[LANES_MAX];
	const struct peer_ops *ops;
	const char *name;
	unsigned n = 0;

	for (unsigned i = 0; n < LANES_MAX && (name = peer_at(i, &ops)); i++)
		if (ops && (!b->engines || in_list(b->engines, name)))
			all[n++] = (struct lane){.ops = ops};
	for (unsigned i = 0; i < n; i++)
		b->lanes[i] = all[(i + b->round - 1) % n];
	b->lane_count = n;
}

static void
run_group(
    struct bench *b, const struct shape *shape, const struct workload_group *g)
{
	struct lane_task task = {
	    .setup = b->setup,
	    .shape = shape,
	    .group = g,
	    .first = wanted(b, &g->workloads[0]),
	    .dir = b->dir,
	};

	choose_lanes(b);
	for (unsigned i = 0; i < b->lane_count && !signalled; i++) {
		struct lane *l = &b->lanes[i];

		if (g->prepare && !task.first)
			say(b, shape->name, "loading", l);
		if (!lane_start(l, &task) || !lane_prepare(l))
			lane_lost(b, l, "loading");
	}
	for (unsigned w = 0; g->workloads[w].name; w++)
		if (wanted(b, &g->workloads[w]))
			run_workload(b, &task, w);
	for (unsigned i = 0; i < b->lane_count; i++)
		if (b->lanes[i].pid > 0 &&
		    !lane_stop(&b->lanes[i], signalled != 0))
			lane_lost(b, &b->lanes[i], "closing");
}

static void
run_round(struct bench *b)
{
	const struct workload_group *g;
	const struct shape *shape;

	b->setup.seed = b->round;
	for (unsigned s = 0; (shape = shape_at(s)); s++)
		for (unsigned i = 0; (g = workload_group_at(i)); i++)
			if (!signalled &&
			    (!b->shapes || in_list(b->shapes, shape->name)) &&
			    any_wanted(b, g))
				run_group(b, shape, g);
}

static int
run_all(struct bench *b)
{
	const struct sigaction catch = {.sa_handler = on_signal};
	const struct sigaction ignore = {.sa_handler = SIG_IGN};
	const struct peer_ops *ops;
	const char *name;

	if (!mkdtemp(b->dir)) {
		fprintf(
		    stderr, "bench_engine: %s: %s\n", b->dir, strerror(errno));
		return 1;
	}
	(void)sigaction(SIGINT, &catch, NULL);
	(void)sigaction(SIGTERM, &catch, NULL);
	(void)sigaction(SIGHUP, &catch, NULL);
	(void)sigaction(SIGPIPE, &ignore, NULL);
	for (unsigned i = 0; (name = peer_at(i, &ops)); i++)
		if (!ops && (!b->engines || in_list(b->engines, name)))
			fprintf(stderr,
			    "bench_engine: %s: not installed, left out\n",
			    name);
	print_head();
	for (b->round = 1; b->round <= b->rounds && !signalled; b->round++)
		run_round(b);
	measure_remove(b->dir);
	return signalled ? 128 + signalled : b->failed;
}

/* --- main ---------------------------------------------------------------- */

static int
list_all(void)
{
	const struct workload_group *g;
	const struct peer_ops *ops;
	const struct shape *shape;
	const char *name;

	for (unsigned i = 0; (name = peer_at(i, &ops)); i++)
		printf("%s %s\n", ops ? "engine" : "missing", name);
	for (unsigned i = 0; (shape = shape_at(i)); i++)
		printf("shape %s %" PRIu64 "\n", shape->name, shape->keys);
	for (unsigned i = 0; (g = workload_group_at(i)); i++)
		for (const struct workload *w = g->workloads; w->name; w++)
			printf("workload %s\n", w->name);
	return 0;
}

static int
usage(void)
{
	fprintf(stderr,
	    "usage: bench_engine [--dir D] [--engines E,...] [--shapes S,...]\n"
	    "           [--workloads W,...] [--rounds N] [--scale N]"
	    " [--seconds S] [--cap S]\n"
	    "       bench_engine --list\n");
	return 2;
}

static bool
option(struct bench *b, int c, const char **dir)
{
	switch (c) {
	case 'd':
		*dir = optarg;
		return true;
	case 'e':
		b->engines = optarg;
		return all_known(optarg, engine_known);
	case 's':
		b->shapes = optarg;
		return all_known(optarg, shape_known);
	case 'w':
		b->workloads = optarg;
		return all_known(optarg, workload_known);
	case 'r':
		b->rounds = (unsigned)strtoul(optarg, NULL, 10);
		return b->rounds > 0;
	case 'n':
		b->setup.scale = strtoull(optarg, NULL, 10);
		return b->setup.scale > 0;
	case 't':
		b->setup.seconds = strtod(optarg, NULL);
		return b->setup.seconds > 0;
	case 'c':
		b->setup.cap = strtod(optarg, NULL);
		return b->setup.cap > 0;
	default:
		return false;
	}
}

static double
or_scaled(double given, double full, double least, uint64_t scale)
{
	double scaled = full / (double)scale;

	return given > 0 ? given : scaled > least ? scaled : least;
}

static int
bench(struct bench *b, const char *dir)
{
	struct run_setup *s = &b->setup;
	int n = snprintf(b->dir, sizeof(b->dir), "%s/engine.XXXXXX", dir);

	if (n < 0 || (size_t)n >= sizeof(b->dir))
		return usage();
	s->seconds = or_scaled(s->seconds, 5, 0.1, s->scale);
	s->cap = or_scaled(s->cap, 60, 1, s->scale);
	s->quiet_ms = (unsigned)or_scaled(0, 400, 40, s->scale);
	s->tidies = s->scale < SCALE_TRIAL;
	return run_all(b);
}

int
main(int argc, char **argv)
{
	static const struct option options[] = {
	    {"dir", required_argument, NULL, 'd'},
	    {"engines", required_argument, NULL, 'e'},
	    {"shapes", required_argument, NULL, 's'},
	    {"workloads", required_argument, NULL, 'w'},
	    {"rounds", required_argument, NULL, 'r'},
	    {"scale", required_argument, NULL, 'n'},
	    {"seconds", required_argument, NULL, 't'},
	    {"cap", required_argument, NULL, 'c'},
	    {"list", no_argument, NULL, 'l'},
	    {NULL, 0, NULL, 0},
	};
	static struct bench b = {.rounds = 3, .setup = {.scale = 1}};
	const char *dir = getenv("TMPDIR");
	int c;

	dir = dir ? dir : "/tmp";
	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (c == 'l')
			return list_all();
		if (!option(&b, c, &dir))
			return usage();
	}
	return optind == argc ? bench(&b, dir) : usage();
}
