#include "tests/bench/engine/lane.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define PREPARE 254
#define QUIT    255

struct answer {
	struct row rows[WORKLOAD_ROWS_MAX];
};

/* --- in the process ------------------------------------------------------ */

static void
obey(struct run *r, const struct lane_task *task, int from, int to)
{
	uint8_t what;

	while (read(from, &what, 1) == 1 && what != QUIT) {
		struct answer a = {0};

		if (what != PREPARE)
			task->group->workloads[what].f(r, a.rows);
		else if (task->group->prepare)
			task->group->prepare(r, task->first);
		if (write(to, &a, sizeof(a)) != sizeof(a))
			return;
	}
}

static _Noreturn void
be_lane(const struct lane *l, const struct lane_task *task, int from, int to)
{
	struct run r = {.setup = task->setup};

	/* Nobody is left to tell what to do, or to remove the store. */
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	(void)signal(SIGTERM, SIG_DFL);
	(void)signal(SIGHUP, SIG_DFL);
	run_open(&r, l->ops, task->shape, l->dir, task->group->sync);
	obey(&r, task, from, to);
	run_close(&r);
	_exit(0);
}

/* --- in the one that tells ----------------------------------------------- */

bool
lane_start(struct lane *l, const struct lane_task *task)
{
	int n =
	    snprintf(l->dir, sizeof(l->dir), "%s/%s", task->dir, l->ops->name);
	int down[2], up[2];

	if (n < 0 || (size_t)n >= sizeof(l->dir))
		return false;
	if (pipe2(down, O_CLOEXEC) != 0)
		return false;
	if (pipe2(up, O_CLOEXEC) != 0) {
		close(down[0]);
		close(down[1]);
		return false;
	}
	(void)fflush(NULL);
	l->pid = fork();
	if (l->pid == 0) {
		close(down[1]);
		close(up[0]);
		be_lane(l, task, down[0], up[1]);
	}
	close(down[0]);
	close(up[1]);
	l->to = down[1];
	l->from = up[0];
	if (l->pid > 0)
		return true;
	close(l->to);
	close(l->from);
	return false;
}

static bool
ask(struct lane *l, uint8_t what, struct answer *a)
{
	size_t got = 0;

	if (write(l->to, &what, 1) != 1)
		return false;
	while (got < sizeof(*a)) {
		ssize_t n = read(l->from, (char *)a + got, sizeof(*a) - got);

		if (n <= 0)
			return false;
		got += (size_t)n;
	}
	return true;
}

bool
lane_prepare(struct lane *l)
{
	struct answer a;

	return ask(l, PREPARE, &a);
}

bool
lane_run(struct lane *l, unsigned workload, struct row *rows)
{
	struct answer a;

	if (!ask(l, (uint8_t)workload, &a))
		return false;
	memcpy(rows, a.rows, sizeof(a.rows));
	return true;
}

bool
lane_stop(struct lane *l, bool kill_it)
{
	uint8_t quit = QUIT;
	int status;

	if (l->pid <= 0) {
		l->pid = 0;
		return false;
	}
	if (kill_it || write(l->to, &quit, 1) != 1)
		(void)kill(l->pid, SIGKILL);
	close(l->to);
	close(l->from);
	while (waitpid(l->pid, &status, 0) < 0)
		;
	l->pid = 0;
	measure_remove(l->dir);
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}
