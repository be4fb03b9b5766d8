#include "tests/support/crew.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "tests/support/file.h"
#include "tests/support/program.h"

static const char *const tops[CREW][3] = {
    {"w0", "shared", NULL}, {"w1", NULL}, {"w2", NULL}, {"w3", NULL}};

void *
crew_memory(size_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	check_true(p != MAP_FAILED);
	return p;
}

/* --- models --------------------------------------------------------------- */

void
crew_begin(struct crew *c, int who, uint64_t seed)
{
	struct step_state *s = &c->states[who];

	tree_free(s->tree);
	memset(s, 0, sizeof(*s));
	step_begin(s, seed, tops[who]);
}

void
crew_advance(struct crew *c, int who, struct step *step)
{
	step_next(&c->states[who], step);
	step_model(&c->states[who], step);
}

void
crew_make_tops(int who, const char *dir)
{
	char path[1024];

	for (const char *const *top = tops[who]; *top; top++) {
		snprintf(path, sizeof(path), "%s/%s", dir, *top);
		check_ok(call(mkdir(path, 0755)));
	}
}

bool
crew_holds(
    const struct crew *c, int who, const char *dir, char *why, size_t size)
{
	char path[1024];

	for (const char *const *top = tops[who]; *top; top++) {
		snprintf(path, sizeof(path), "%s/%s", dir, *top);
		if (!tree_compare(
			tree_find(c->states[who].tree, *top), path, why, size))
			return false;
	}
	return true;
}

/* --- processes ------------------------------------------------------------ */

void
crew_start(struct crew *c, const char *dir, void (*work)(void *ctx, int who),
    void *ctx)
{
	int here = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	check_true(here >= 0);
	check_ok(call(chdir(dir)));
	fflush(NULL);
	for (int i = 0; i < CREW; i++) {
		pid_t pid = fork();

		check_true(pid >= 0);
		c->pids[i] = pid;
		if (pid > 0)
			continue;
		umask(0);
		work(ctx, i);
		_exit(0);
	}
	check_ok(call(fchdir(here)));
	close(here);
}

void
crew_await(struct crew *c)
{
	uint64_t end = program_now_us() + CREW_WAIT_SECONDS * 1000000ull;

	for (int i = 0; i < CREW; i++) {
		int status;

		while (waitpid(c->pids[i], &status, WNOHANG) == 0) {
			if (program_now_us() > end)
				check_fail("worker %d hangs", i);
			program_pause_us(100);
		}
		c->pids[i] = 0;
		check_eq(status, 0);
	}
}

void
crew_fini(struct crew *c)
{
	for (int i = 0; i < CREW; i++) {
		if (c->pids[i] > 0)
			kill(c->pids[i], SIGKILL);
		tree_free(c->states[i].tree);
	}
	memset(c, 0, sizeof(*c));
}

void
crew_report_failure(
    struct crew_report *r, const struct step *step, int err, int want)
{
	char text[900];

	step_text(step, text, sizeof(text));
	snprintf(
	    r->why, sizeof(r->why), "returned %d, not %d: %s", err, want, text);
	atomic_store(&r->failed, true);
}

void
crew_check_report(const struct crew_report *r, int who)
{
	if (atomic_load(&r->failed))
		check_fail("worker %d, step %llu: %s", who,
		    (unsigned long long)atomic_load(&r->issued), r->why);
}
