/*
 * kill: the daemon dies at random moments of a concurrent workload; is all
 * that it had answered there afterwards, and nothing else?
 *
 *   kill DIRECTORY MOMENTS [kill | term | calm | lose | invent]
 *
 * Below DIRECTORY it makes a store and a mount point.  Four processes work in
 * the mount, each in a directory of its own, one also in a second directory,
 * with steps that follow from the seed (tests/support/step.h).  A step is
 * counted in shared memory before it is issued and after it is acknowledged;
 * then the daemon gets SIGKILL.  After `keyfs check` and a new mount each
 * process's directory must be what its model is after as many steps as were
 * acknowledged, or after one more if that was issued.  The next moment goes on
 * from there.
 *   term    SIGTERM instead: the daemon unmounts and ends by itself
 *   calm    the workers are stopped, then the store is unmounted
 *   lose    a worker claims a step that it did not make, and
 *   invent  makes one that it did not tell of: both must be found out
 * Prints SEED= and a line for each moment; exit status 0 if all was right.
 * Environment: KEYFS, SEED.
 */
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/crew.h"
#include "tests/support/file.h"
#include "tests/support/program.h"

#define STEPS_MAX 2500 /* before the daemon dies */
#define NEW_STORE 20   /* moments on one store */

enum mode { KILL, TERM, CALM, LOSE, INVENT, MODES };

static const char *const mode_names[MODES] = {
    "kill", "term", "calm", "lose", "invent"};

/* One worker's counts; they outlive it and the daemon. */
struct progress {
	struct crew_report report;
	_Atomic uint64_t acked;
};

struct shared {
	struct progress workers[CREW];
	atomic_bool stop;   /* the workers are to end */
	atomic_bool ending; /* the daemon is about to */
};

struct harness {
	enum mode mode;
	uint64_t seed;
	struct check_rand rand; /* when and how; the steps have their own */
	char store[512];
	char mnt[512];
	bool is_mounted;
	struct shared *shared;
	struct crew crew;   /* models are as found last */
	uint64_t steps;     /* acknowledged in all moments */
	uint64_t in_flight; /* issued, not acknowledged, and there */
};

/* --- the program ---------------------------------------------------------- */

static void
mount_store(struct harness *h)
{
	static const char *const options[] = {"durability=none",
	    "durability=sync", "durability=none,memtable=64K",
	    "durability=sync,memtable=64K"};
	char *option =
	    (char *)(uintptr_t)options[check_rand_below(&h->rand, 4)];
	char *argv[] = {
	    program_keyfs(), "mount", h->store, h->mnt, "-o", option, NULL};

	printf(" %s", option);
	fflush(stdout);
	check_eq(program_run(argv), 0);
	h->is_mounted = true;
}

static void
unmount_store(struct harness *h)
{
	char *argv[] = {program_keyfs(), "umount", h->mnt, NULL};

	check_eq(program_run(argv), 0);
	h->is_mounted = false;
}

static void
unmount_lazily(struct harness *h)
{
	h->is_mounted = false;
	program_unmount(h->mnt);
}

static void
check_store(struct harness *h)
{
	char *argv[] = {program_keyfs(), "check", h->store, NULL};

	check_eq(program_run(argv), 0);
}

/* The daemon's pid from the lock file; only a process of that name. */
static pid_t
daemon_pid(const struct harness *h)
{
	char path[600], name[32] = "";
	FILE *f;
	int pid = 0;

	snprintf(path, sizeof(path), "%s/LOCK", h->store);
	f = fopen(path, "r");
	check_true(f != NULL);
	check_eq(fscanf(f, "%d", &pid), 1);
	fclose(f);
	snprintf(path, sizeof(path), "/proc/%d/comm", pid);
	f = fopen(path, "r");
	check_true(f != NULL && fgets(name, sizeof(name), f) != NULL);
	fclose(f);
	check_contains(name, "keyfs");
	return pid;
}

/* --- the workers ---------------------------------------------------------- */

/* The step is a new file, and the worker one that claims what it does not do,
 * or does what it does not tell. */
static bool
cheats(const struct harness *h, int who, const struct step *step, int answer)
{
	return who == 0 && (h->mode == LOSE || h->mode == INVENT) &&
	       step->kind == STEP_CREATE && answer == 0;
}

static void
cheat(enum mode mode, const struct step *step, struct progress *p)
{
	int held = -1;

	if (mode == INVENT) {
		step_run(step, &held);
		return;
	}
	atomic_fetch_add(&p->report.issued, 1);
	atomic_fetch_add(&p->acked, 1);
}

/* EIO: it died while it took the request from the kernel.  Before its end EIO
 * is a failure like any other. */
static bool
daemon_is_gone(const struct harness *h, int err)
{
	return err == -ENOTCONN || err == -ECONNABORTED ||
	       (err == -EIO && atomic_load(&h->shared->ending));
}

/* Does it and counts it; false at the end of the daemon, or of the test. */
static bool
do_step(
    struct harness *h, int who, const struct step *step, int want, int *held)
{
	struct progress *p = &h->shared->workers[who];
	int err;

	atomic_fetch_add(&p->report.issued, 1);
	err = step_run(step, held);
	if (daemon_is_gone(h, err))
		return false;
	if (err != want) {
		crew_report_failure(&p->report, step, err, want);
		return false;
	}
	atomic_fetch_add(&p->acked, 1);
	return true;
}

/* One step after another until the daemon has gone or the parent says so; who
 * is to cheat does it then. */
static void
work(void *harness, int who)
{
	struct harness *h = harness;
	struct progress *p = &h->shared->workers[who];
	struct step_state *s = &h->crew.states[who];
	struct step step;
	int held = -1;
	int want;

	do {
		bool stop = atomic_load(&h->shared->stop);

		if (stop && (who != 0 || h->mode == CALM))
			return;
		step_next(s, &step);
		want = step_model(s, &step);
		if (stop && cheats(h, who, &step, want)) {
			cheat(h->mode, &step, p);
			return;
		}
	} while (do_step(h, who, &step, want, &held));
}

/* A lazy unmount leaves those alone who are inside. */
static void
start_workers(struct harness *h)
{
	memset(h->shared, 0, sizeof(*h->shared));
	crew_start(&h->crew, h->mnt, work, h);
}

static uint64_t
acked_by_all(const struct harness *h)
{
	uint64_t n = 0;

	for (int i = 0; i < CREW; i++)
		n += atomic_load(&h->shared->workers[i].acked);
	return n;
}

static void
check_workers(const struct harness *h)
{
	for (int i = 0; i < CREW; i++)
		crew_check_report(&h->shared->workers[i].report, i);
}

/* Until so many steps are acknowledged. */
static void
let_them_work(const struct harness *h, uint64_t steps)
{
	uint64_t end = program_now_us() + CREW_WAIT_SECONDS * 1000000ull;

	while (acked_by_all(h) < steps) {
		check_workers(h);
		if (program_now_us() > end)
			check_fail("%llu steps in %d s: it hangs",
			    (unsigned long long)acked_by_all(h),
			    CREW_WAIT_SECONDS);
		program_pause_us(100);
	}
}

static void
await_workers(struct harness *h)
{
	crew_await(&h->crew);
	check_workers(h);
}

/* --- the end of the daemon ------------------------------------------------ */

static void
end_daemon(struct harness *h, pid_t daemon)
{
	bool is_calm = h->mode != KILL && h->mode != TERM;
	int status;

	if (is_calm) {
		atomic_store(&h->shared->stop, true);
		await_workers(h);
		unmount_store(h);
	} else {
		atomic_store(&h->shared->ending, true);
		kill(daemon, h->mode == KILL ? SIGKILL : SIGTERM);
		await_workers(h);
	}
	/* It is ours: a subreaper inherits orphans. */
	check_eq(waitpid(daemon, &status, 0), daemon);
	if (h->mode != KILL)
		check_eq(status, 0);
	if (h->mode == TERM)
		h->is_mounted = false;
}

/* Dies again while it opens the store, somewhere. */
static void
kill_while_opening(struct harness *h)
{
	char *argv[] = {program_keyfs(), "mount", "-f", h->store, h->mnt, NULL};
	uint64_t us = check_rand_below(&h->rand, 30000);
	pid_t pid = program_start(argv);
	int status;

	program_pause_us(us);
	kill(pid, SIGKILL);
	check_eq(waitpid(pid, &status, 0), pid);
	check_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	unmount_lazily(h);
	printf(" again after %llu us", (unsigned long long)us);
}

/* --- what is there -------------------------------------------------------- */

/* The model goes on by one step. */
static void
advance(struct harness *h, int who, char *text, size_t size)
{
	struct step step;

	crew_advance(&h->crew, who, &step);
	step_text(&step, text, size);
}

static void
check_worker(struct harness *h, int who)
{
	struct progress *p = &h->shared->workers[who];
	uint64_t acked = atomic_load(&p->acked);
	uint64_t issued = atomic_load(&p->report.issued);
	char last[900] = "none", next[900], why[2][800];

	check_true(issued == acked || issued == acked + 1);
	for (uint64_t i = 0; i < acked; i++)
		advance(h, who, last, sizeof(last));
	if (crew_holds(&h->crew, who, h->mnt, why[0], sizeof(why[0])))
		return;
	if (issued == acked)
		check_fail("worker %d: not the state after %llu steps:\n"
			   "    %s\n    the last one: %s",
		    who, (unsigned long long)acked, why[0], last);
	advance(h, who, next, sizeof(next));
	if (!crew_holds(&h->crew, who, h->mnt, why[1], sizeof(why[1])))
		check_fail("worker %d: neither the state after %llu steps:\n"
			   "    %s\n    (the last one: %s)\n"
			   "  nor with the next one:\n    %s\n    (it is: %s)",
		    who, (unsigned long long)acked, why[0], last, why[1], next);
	h->in_flight++;
}

/* --- moments -------------------------------------------------------------- */

static void
new_store(struct harness *h, unsigned moment)
{
	check_rmtree(h->store);
	umask(022);
	mount_store(h);
	for (int i = 0; i < CREW; i++) {
		crew_begin(&h->crew, i, h->seed + moment * 64 + (unsigned)i);
		crew_make_tops(i, h->mnt);
	}
}

static void
run_moment(struct harness *h, unsigned moment)
{
	uint64_t steps = check_rand_below(&h->rand, STEPS_MAX);
	uint64_t us = check_rand_below(&h->rand, 1000);
	pid_t daemon;

	printf("moment %u:", moment);
	if (moment % NEW_STORE == 0)
		new_store(h, moment);
	else
		mount_store(h);
	daemon = daemon_pid(h);
	start_workers(h);
	let_them_work(h, steps);
	program_pause_us(us);
	end_daemon(h, daemon);
	printf(" %llu steps, %llu us", (unsigned long long)acked_by_all(h),
	    (unsigned long long)us);
	h->steps += acked_by_all(h);
	/* Every other dead mount is left to `keyfs mount`. */
	if (h->is_mounted && moment % 2 == 0)
		unmount_lazily(h);
	if (h->mode == KILL && moment % 4 == 3)
		kill_while_opening(h);
	if (moment % 3 != 2)
		check_store(h);
	printf(", then");
	mount_store(h);
	for (int i = 0; i < CREW; i++)
		check_worker(h, i);
	unmount_store(h);
	check_store(h);
	printf("\n");
}

static struct harness harness;

/* Whatever happened; also when a check fails. */
static void
clean_up(void)
{
	struct harness *h = &harness;

	crew_fini(&h->crew);
	if (h->is_mounted)
		unmount_lazily(h);
	check_rmtree(h->store);
	rmdir(h->mnt);
}

static void
set_up(struct harness *h, const char *dir)
{
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	h->seed = check_seed();
	h->rand = check_rand_of(~h->seed);
	snprintf(h->store, sizeof(h->store), "%s/store", dir);
	snprintf(h->mnt, sizeof(h->mnt), "%s/mnt", dir);
	h->shared = crew_memory(sizeof(*h->shared));
	atexit(clean_up);
	check_ok(call(mkdir(h->mnt, 0755)));
}

/* A failed check prints what it found and ends the program with 255. */
int
main(int argc, char **argv)
{
	struct harness *h = &harness;
	int moments = argc > 2 ? atoi(argv[2]) : 0;

	for (int i = 0; argc == 4 && i < MODES; i++)
		if (strcmp(argv[3], mode_names[i]) == 0)
			h->mode = (enum mode)i;
	if (moments <= 0 || argc > 4) {
		fprintf(stderr, "usage: kill DIRECTORY MOMENTS [MODE]\n");
		return 2;
	}
	set_up(h, argv[1]);
	for (int i = 0; i < moments; i++)
		run_moment(h, (unsigned)i);
	printf("%d moments: %llu steps acknowledged, %llu in flight took "
	       "place\n",
	    moments, (unsigned long long)h->steps,
	    (unsigned long long)h->in_flight);
	return 0;
}
