/*
 * cut: the power fails at random moments of a concurrent workload; is all that
 * the durability policy promises there afterwards, and is it a prefix?
 *
 *   cut DIRECTORY CUTS POLICY [lose]
 *
 * Below DIRECTORY it makes a store and mounts it with -o lab and the policy (a
 * text of engine/base/durability.h).  Four processes work in a directory of
 * the mount, with steps that follow from the seed (tests/support/step.h); each
 * notes in shared memory when a step was begun and when it was acknowledged.
 * Then the power is cut, at a moment or at a change of the disk, and what the
 * mount shows from then on is compared with the models:
 *   - each worker's part is what its model is after some number of steps
 *   - no less than what an fsync that was answered has covered
 *   - a step that survived was not begun after the answer to one that is lost
 *   - what is lost although it was acknowledged is within the policy's bounds
 * The next life goes on from there.
 *   lose: fsync=ignore, which must be found out
 * Prints SEED= and what was lost; exit status 0 if all was right.
 * Environment: KEYFS, SEED.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/base/durability.h"
#include "tests/support/control.h"
#include "tests/support/crew.h"
#include "tests/support/file.h"
#include "tests/support/program.h"

#define STEPS_MAX 3000 /* of a worker in one life */
#define NEW_STORE 20   /* cuts on one store */

/* One step, as its worker saw it. */
struct note {
	uint64_t begin;       /* us */
	_Atomic uint64_t end; /* answered; 0: not */
	bool is_fsync;
	bool changes; /* something on disk */
};

struct progress {
	struct crew_report report;
	struct note notes[STEPS_MAX];
};

struct shared {
	struct progress workers[CREW];
	atomic_bool ending; /* the power may be cut */
};

struct worker {
	uint64_t seed;
	uint64_t done;     /* steps that the store began this life with */
	uint64_t promised; /* steps of this life that must be there */
	uint64_t least;    /* steps of this life that are there for certain */
	uint64_t most;     /* and that may be */
};

struct harness {
	struct durability policy;
	char options[256];
	uint64_t seed;
	struct check_rand rand;
	char store[512];
	char mnt[512];
	char top[600]; /* the directory in the mount */
	bool is_mounted;
	struct shared *shared;
	struct crew crew; /* models are after `done` steps */
	struct worker workers[CREW];
	uint64_t acked, lost, lost_most, us_most; /* over all cuts */
};

/* --- the mount ------------------------------------------------------------ */

static void
mount_store(struct harness *h)
{
	char *argv[] = {
	    program_keyfs(), "mount", h->store, h->mnt, "-o", h->options, NULL};

	check_eq(program_run(argv), 0);
	h->is_mounted = true;
}

static void
unmount_store(struct harness *h)
{
	char *umount[] = {program_keyfs(), "umount", h->mnt, NULL};
	char *check[] = {program_keyfs(), "check", h->store, NULL};

	check_eq(program_run(umount), 0);
	h->is_mounted = false;
	check_eq(program_run(check), 0);
}

static unsigned
cuts_played(const struct harness *h)
{
	return control_cuts(h->mnt);
}

static void
order_cut(struct harness *h, bool now)
{
	static const char *const keeps[] = {"none", "prefix", "random"};
	char text[128], when[64] = "now";

	if (!now)
		snprintf(when, sizeof(when), "after=%llu",
		    (unsigned long long)(1 + check_rand_below(&h->rand, 900)));
	snprintf(text, sizeof(text), "%s seed=%llu keep=%s", when,
	    (unsigned long long)(check_rand(&h->rand) >> 16),
	    keeps[check_rand_below(&h->rand, 3)]);
	printf(" %s", text);
	/* The one that was ordered before comes in between: busy with it, or as
	 * for every request that it has met. */
	if (control_order_cut(h->mnt, text) != 0 &&
	    (!now || (errno != EBUSY && errno != EIO && errno != EROFS)))
		check_fail("%s is refused: %s", text, strerror(errno));
}

/* --- the workers ---------------------------------------------------------- */

/* Whether the step puts anything into the log. */
static bool
changes(const struct step *step, int want)
{
	if (want != 0)
		return false;
	switch (step->kind) {
	case STEP_FSYNC:
	case STEP_WRITE_HELD: /* perhaps none is, and nobody sees it */
		return false;
	case STEP_WRITE:
	case STEP_APPEND:
		return step->size > 0;
	case STEP_RENAME:
		return strcmp(step->path, step->other) != 0;
	default:
		return true;
	}
}

/* False at the end of this life. */
static bool
do_step(
    struct harness *h, int who, const struct step *step, int want, int *held)
{
	struct progress *p = &h->shared->workers[who];
	struct note *n = &p->notes[atomic_load(&p->report.issued)];
	int err;

	n->is_fsync = step->kind == STEP_FSYNC && want == 0;
	n->changes = changes(step, want);
	n->begin = program_now_us();
	atomic_fetch_add(&p->report.issued, 1);
	err = step_run(step, held);
	if (err == want) {
		atomic_store(&n->end, program_now_us());
		return true;
	}
	/* EROFS: the store has failed and is not open again yet.  Before the
	 * cut an error is a failure like any other. */
	if ((err == -EIO || err == -EROFS) && atomic_load(&h->shared->ending))
		return false;
	crew_report_failure(&p->report, step, err, want);
	return false;
}

static void
work(void *harness, int who)
{
	struct harness *h = harness;
	struct step_state *s = &h->crew.states[who];
	struct step step;
	int held = -1, want;

	for (int i = 0; i < STEPS_MAX; i++) {
		step_next(s, &step);
		want = step_model(s, &step);
		if (!do_step(h, who, &step, want, &held))
			return;
	}
}

/* In a directory of before the cut: nothing that is done in it can reach what
 * the store is after it. */
static void
start_workers(struct harness *h)
{
	memset(h->shared, 0, sizeof(*h->shared));
	crew_start(&h->crew, h->top, work, h);
}

static uint64_t
issued_by_all(const struct harness *h)
{
	uint64_t n = 0;

	for (int i = 0; i < CREW; i++)
		n += atomic_load(&h->shared->workers[i].report.issued);
	return n;
}

static void
let_them_work(const struct harness *h, uint64_t steps)
{
	uint64_t end = program_now_us() + CREW_WAIT_SECONDS * 1000000ull;

	while (issued_by_all(h) < steps) {
		if (program_now_us() > end)
			check_fail("%llu steps in %d s: it hangs",
			    (unsigned long long)issued_by_all(h),
			    CREW_WAIT_SECONDS);
		program_pause_us(100);
	}
}

static void
await_workers(struct harness *h)
{
	crew_await(&h->crew);
	for (int i = 0; i < CREW; i++)
		crew_check_report(&h->shared->workers[i].report, i);
}

/* Before it had done all its steps: one of them had the error of a cut, which
 * may still be played. */
static bool
ended_early(const struct harness *h)
{
	for (int i = 0; i < CREW; i++)
		if (atomic_load(&h->shared->workers[i].report.issued) <
		    STEPS_MAX)
			return true;
	return false;
}

/* --- what is there -------------------------------------------------------- */

static void
advance(struct harness *h, int who, uint64_t steps)
{
	struct step step;

	while (steps-- > 0)
		crew_advance(&h->crew, who, &step);
}

/* The model again, after so many steps of all lives. */
static void
rewind_to(struct harness *h, int who, uint64_t steps)
{
	crew_begin(&h->crew, who, h->workers[who].seed);
	advance(h, who, steps);
}

/* What fsyncs that were answered have covered. */
static void
find_promised(struct harness *h)
{
	uint64_t before = 0; /* whatever was answered before this moment */

	for (int i = 0; i < CREW; i++) {
		struct progress *p = &h->shared->workers[i];

		for (uint64_t k = 0; k < atomic_load(&p->report.issued); k++)
			if (p->notes[k].is_fsync &&
			    atomic_load(&p->notes[k].end) &&
			    p->notes[k].begin > before)
				before = p->notes[k].begin;
	}
	for (int i = 0; i < CREW; i++) {
		struct progress *p = &h->shared->workers[i];
		struct worker *w = &h->workers[i];

		w->promised = 0;
		for (uint64_t k = 0; k < atomic_load(&p->report.issued); k++) {
			uint64_t end = atomic_load(&p->notes[k].end);

			if (end && end < before)
				w->promised = k + 1;
		}
	}
}

/* What was promised is not there: what is? */
static void
fail_survived(struct harness *h, int who, uint64_t issued, const char *why)
{
	struct worker *w = &h->workers[who];
	char text[800], what[64] = "nor after fewer";

	rewind_to(h, who, w->done);
	for (uint64_t k = 0; k < w->promised; k++) {
		if (crew_holds(&h->crew, who, h->top, text, sizeof(text)))
			snprintf(what, sizeof(what), "it is that after %llu",
			    (unsigned long long)k);
		advance(h, who, 1);
	}
	check_fail("worker %d: not the state after any of the steps"
		   " %llu (promised) to %llu (issued), %s:\n    %s",
	    who, (unsigned long long)w->promised, (unsigned long long)issued,
	    what, why);
}

/* After how many steps of this life the model is what is there. */
static void
find_survived(struct harness *h, int who)
{
	struct worker *w = &h->workers[who];
	uint64_t issued = atomic_load(&h->shared->workers[who].report.issued);
	char why[800] = "";
	bool found = false;

	advance(h, who, w->promised);
	for (uint64_t k = w->promised; k <= issued; k++) {
		char text[800];

		if (crew_holds(&h->crew, who, h->top, text, sizeof(text))) {
			w->least = found ? w->least : k;
			w->most = k;
			found = true;
		} else if (!why[0]) {
			memcpy(why, text, sizeof(why));
		}
		advance(h, who, k < issued);
	}
	if (!found)
		fail_survived(h, who, issued, why);
}

/* The latest beginning of a step that survived for certain. */
static uint64_t
last_survivor(const struct harness *h)
{
	uint64_t last = 0;

	for (int i = 0; i < CREW; i++) {
		uint64_t k = h->workers[i].least;

		if (k > 0 && h->shared->workers[i].notes[k - 1].begin > last)
			last = h->shared->workers[i].notes[k - 1].begin;
	}
	return last;
}

struct lost {
	uint64_t steps;
	uint64_t first_end;
	uint64_t last_begin;
};

static void
count_lost(struct harness *h, int who, uint64_t survivor, struct lost *lost)
{
	struct progress *p = &h->shared->workers[who];

	for (uint64_t k = 0; k < atomic_load(&p->report.issued); k++) {
		struct note *n = &p->notes[k];
		uint64_t end = atomic_load(&n->end);

		if (end && n->changes)
			h->acked++;
		if (!end || !n->changes || k < h->workers[who].most)
			continue;
		if (end < survivor)
			check_fail("no prefix: step %llu of worker %d is lost,"
				   " but a step begun later is there",
			    (unsigned long long)k, who);
		if (lost->steps++ == 0 || end < lost->first_end)
			lost->first_end = end;
		if (n->begin > lost->last_begin)
			lost->last_begin = n->begin;
	}
}

static void
check_bounds(struct harness *h, const struct lost *lost)
{
	const struct durability *d = &h->policy;
	uint64_t us = lost->last_begin > lost->first_end
			  ? lost->last_begin - lost->first_end
			  : 0;
	uint64_t steps_max = UINT64_MAX, ms_max = UINT64_MAX / 1000;

	if (d->policy == DURABILITY_SYNC)
		steps_max = ms_max = 0;
	if (d->policy == DURABILITY_BATCH)
		steps_max = d->batch_ops, ms_max = d->batch_ms;
	if (d->policy == DURABILITY_ADAPTIVE)
		ms_max = d->adaptive_ms;
	printf("; %llu lost, over %.3f ms", (unsigned long long)lost->steps,
	    (double)us / 1000);
	if (lost->steps > steps_max || us > ms_max * 1000)
		check_fail("that is more than the policy allows");
	h->lost += lost->steps;
	if (lost->steps > h->lost_most)
		h->lost_most = lost->steps;
	if (us > h->us_most)
		h->us_most = us;
}

static void
check_life(struct harness *h)
{
	struct lost lost = {0};
	uint64_t survivor;

	find_promised(h);
	for (int i = 0; i < CREW; i++)
		find_survived(h, i);
	survivor = last_survivor(h);
	for (int i = 0; i < CREW; i++)
		count_lost(h, i, survivor, &lost);
	check_bounds(h, &lost);
	for (int i = 0; i < CREW; i++) {
		struct worker *w = &h->workers[i];

		w->done += w->most;
		rewind_to(h, i, w->done);
	}
}

/* --- lives ---------------------------------------------------------------- */

static void
sync_mount(const struct harness *h)
{
	int fd = open(h->top, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	check_true(fd >= 0);
	check_ok(call(fsync(fd)));
	close(fd);
}

static void
new_store(struct harness *h, unsigned life)
{
	if (h->is_mounted)
		unmount_store(h);
	check_rmtree(h->store);
	umask(022);
	mount_store(h);
	check_ok(call(mkdir(h->top, 0755)));
	for (int i = 0; i < CREW; i++) {
		h->workers[i].seed = h->seed + life * 64 + (unsigned)i;
		h->workers[i].done = 0;
		rewind_to(h, i, 0);
		crew_make_tops(i, h->top);
	}
	sync_mount(h);
}

static void
run_life(struct harness *h, unsigned life)
{
	bool now = check_rand_one_in(&h->rand, 2);
	uint64_t steps = check_rand_below(&h->rand, now ? 2000 : 300);
	unsigned cuts;

	printf("cut %u:", life);
	if (life % NEW_STORE == 0) {
		new_store(h, life);
	} else if (life % 7 == 0) {
		unmount_store(h);
		mount_store(h);
	}
	cuts = cuts_played(h);
	start_workers(h);
	let_them_work(h, steps);
	atomic_store(&h->shared->ending, true);
	order_cut(h, now);
	if (now)
		check_eq(cuts_played(h), cuts + 1);
	await_workers(h);
	if (cuts_played(h) == cuts && !ended_early(h))
		order_cut(h, true);
	for (unsigned i = 0; i < 1000 && cuts_played(h) == cuts; i++)
		program_pause_us(10000);
	check_eq(cuts_played(h), cuts + 1);
	check_life(h);
	printf("\n");
}

static struct harness harness;

static void
clean_up(void)
{
	struct harness *h = &harness;

	crew_fini(&h->crew);
	if (h->is_mounted)
		program_unmount(h->mnt);
	check_rmtree(h->store);
	rmdir(h->mnt);
}

static void
set_up(struct harness *h, const char *dir, const char *policy, bool lose)
{
	char text[DURABILITY_TEXT_MAX];

	h->policy = durability_of(DURABILITY_NONE);
	check_ok(durability_parse(bytes_str(policy), &h->policy, NULL));
	durability_format(&h->policy, text);
	for (char *p = text; *p; p++)
		*p = *p == ' ' ? ',' : *p;
	snprintf(h->options, sizeof(h->options),
	    "lab,memtable=64K%s,durability=%s", lose ? ",fsync=ignore" : "",
	    text);
	h->seed = check_seed();
	h->rand = check_rand_of(~h->seed);
	snprintf(h->store, sizeof(h->store), "%s/store", dir);
	snprintf(h->mnt, sizeof(h->mnt), "%s/mnt", dir);
	snprintf(h->top, sizeof(h->top), "%s/top", h->mnt);
	h->shared = crew_memory(sizeof(*h->shared));
	atexit(clean_up);
	check_ok(call(mkdir(h->mnt, 0755)));
}

int
main(int argc, char **argv)
{
	struct harness *h = &harness;
	int cuts = argc > 2 ? atoi(argv[2]) : 0;
	bool lose = argc == 5 && strcmp(argv[4], "lose") == 0;

	if (cuts <= 0 || argc < 4 || (argc > 4 && !lose)) {
		fprintf(stderr, "usage: cut DIRECTORY CUTS POLICY [lose]\n");
		return 2;
	}
	set_up(h, argv[1], argv[3], lose);
	for (int i = 0; i < cuts; i++)
		run_life(h, (unsigned)i);
	unmount_store(h);
	printf("%s: %d cuts, %llu changes acknowledged, %llu lost; at most"
	       " %llu and %.3f ms in one cut\n",
	    h->options, cuts, (unsigned long long)h->acked,
	    (unsigned long long)h->lost, (unsigned long long)h->lost_most,
	    (double)h->us_most / 1000);
	return 0;
}
