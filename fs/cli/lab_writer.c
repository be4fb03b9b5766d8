#include "fs/cli/lab_writer.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/base/err.h"
#include "fs/cli/lab_clock.h"

#define STOP_WAIT_MS 10000

static int
open_dir(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

int
lab_writer_begin(struct lab_writer *w, const struct lab_workload *workload,
    const char *path, uint64_t seed)
{
	int dir, err;

	*w = (struct lab_writer){.workload = workload, .seed = seed};
	snprintf(w->path, sizeof(w->path), "%s", path);
	if (mkdir(path, 0755) != 0)
		return -errno;
	dir = open_dir(path);
	if (dir < 0)
		return dir;
	err = workload->begin(dir, seed);
	close(dir);
	if (err)
		return err;
	/* Pages that no step needs are never there. */
	w->notes = mmap(NULL, sizeof(*w->notes), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (w->notes == MAP_FAILED) {
		w->notes = NULL;
		return -ENOMEM;
	}
	return 0;
}

/* --- the writer's process --------------------------------------------------
 */

static int
do_steps(struct lab_writer *w, struct lab_hand *h)
{
	struct lab_notes *n = w->notes;

	for (uint64_t i = 0; !atomic_load(&n->stop); i++) {
		int err;

		if (i == LAB_WRITER_STEPS_MAX) {
			lab_clock_sleep(LAB_CLOCK_MS);
			i--;
			continue;
		}
		n->began_ns[i] = lab_clock_ns();
		atomic_store(&n->begun, i + 1);
		err = w->workload->step(h, i + 1);
		if (err)
			return err;
		n->acked_ns[i] = lab_clock_ns();
		/* Whoever sees the count sees the times. */
		atomic_store_explicit(&n->acked, i + 1, memory_order_release);
	}
	return 0;
}

_Noreturn static void
work(struct lab_writer *w, pid_t parent)
{
	struct lab_hand h = {.seed = w->seed};
	int err;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(0);
	h.dir = open_dir(w->path);
	err = h.dir < 0 ? h.dir : w->workload->open(&h);
	if (err == 0) {
		raise(SIGSTOP); /* until lab_writer_go */
		err = do_steps(w, &h);
	}
	atomic_store(&w->notes->error, err);
	atomic_store(&w->notes->ended_ns, lab_clock_ns());
	_exit(0);
}

/* --- its parent ------------------------------------------------------------
 */

int
lab_writer_start(struct lab_writer *w)
{
	pid_t parent = getpid();
	int status, err;
	pid_t pid;

	fflush(NULL);
	pid = fork();
	if (pid < 0)
		return -errno;
	if (pid == 0)
		work(w, parent);
	w->pid = pid;
	while (waitpid(pid, &status, WUNTRACED) < 0)
		if (errno != EINTR)
			return -errno;
	if (WIFSTOPPED(status))
		return 0;
	w->pid = 0;
	err = atomic_load(&w->notes->error);
	return err ? err : -ECHILD;
}

void
lab_writer_go(struct lab_writer *w)
{
	kill(w->pid, SIGCONT);
}

uint64_t
lab_writer_ended(const struct lab_writer *w)
{
	return atomic_load(&w->notes->ended_ns);
}

static void
reap(struct lab_writer *w)
{
	while (waitpid(w->pid, NULL, 0) < 0 && errno == EINTR)
		;
	w->pid = 0;
}

int
lab_writer_stop(struct lab_writer *w)
{
	atomic_store(&w->notes->stop, true);
	for (int i = 0; i < STOP_WAIT_MS; i++) {
		pid_t pid = waitpid(w->pid, NULL, WNOHANG);

		if (pid == w->pid) {
			w->pid = 0;
			return 0;
		}
		lab_clock_sleep(LAB_CLOCK_MS);
	}
	kill(w->pid, SIGKILL);
	reap(w);
	return -ETIMEDOUT;
}

void
lab_writer_look(
    const struct lab_writer *w, struct lab_track *t, struct lab_found *found)
{
	int dir = open_dir(w->path);

	if (dir < 0) {
		lab_workload_is_not(
		    found, "opening the directory: %s", err_text(dir));
	} else {
		w->workload->check(dir, w->seed, found);
		close(dir);
	}
	*t = (struct lab_track){
	    .began = w->notes->began_ns,
	    .acked = w->notes->acked_ns,
	    .acked_count =
		atomic_load_explicit(&w->notes->acked, memory_order_acquire),
	    .begun_count = atomic_load(&w->notes->begun),
	    .survived = found->steps,
	};
}

void
lab_writer_end(struct lab_writer *w)
{
	if (w->pid > 0) {
		kill(w->pid, SIGKILL);
		reap(w);
	}
	if (w->notes)
		munmap(w->notes, sizeof(*w->notes));
	*w = (struct lab_writer){0};
}
