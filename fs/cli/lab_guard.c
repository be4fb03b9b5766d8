#include "fs/cli/lab_guard.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/base/err.h"
#include "fs/cli/command.h"
#include "fs/cli/lab_file.h"
#include "fs/cli/lab_mount.h"
#include "fs/cli/report.h"

static const int signals[] = {SIGINT, SIGTERM, SIGHUP};

#define SIGNALS (sizeof(signals) / sizeof(*signals))

static volatile sig_atomic_t child;  /* for the handler */
static volatile sig_atomic_t signum; /* that came, or 0 */

static void
on_signal(int n)
{
	signum = n;
	if (child > 0)
		kill(child, SIGKILL);
}

static void
catch_signals(void (*handler)(int))
{
	struct sigaction a = {.sa_handler = handler};

	for (size_t i = 0; i < SIGNALS; i++) {
		struct sigaction old;

		/* As under nohup. */
		if (sigaction(signals[i], NULL, &old) == 0 &&
		    old.sa_handler != SIG_IGN)
			sigaction(signals[i], &a, NULL);
	}
}

static int
make_dir(const struct lab_guard_work *w, char *path)
{
	const char *parent = w->parent ? w->parent : getenv("TMPDIR");
	char full[PATH_MAX];
	int n;

	if (!parent || !*parent)
		parent = "/var/tmp";
	errno = ENAMETOOLONG;
	if (realpath(parent, full)) {
		n = snprintf(path, PATH_MAX, "%s/keyfs-lab-XXXXXX", full);
		if (n < PATH_MAX && mkdtemp(path))
			return COMMAND_DONE;
	}
	report(parent, "making a directory there: %s", err_text(-errno));
	return COMMAND_UNUSABLE;
}

/* The work, which does not outlive this process. */
static int
start(const struct lab_guard_work *w, const char *dir, atomic_int *group)
{
	pid_t parent = getpid();
	pid_t pid;

	fflush(NULL);
	pid = fork();
	if (pid != 0)
		return pid < 0 ? -errno : pid;
	catch_signals(SIG_DFL);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() == parent && signum == 0)
		exit(w->run(w->ctx, dir, group));
	_exit(COMMAND_UNUSABLE);
}

static int
await(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return COMMAND_UNUSABLE;
	if (WIFEXITED(status))
		return WEXITSTATUS(status);
	if (signum == 0)
		report(NULL, "lab: ended by signal %d", WTERMSIG(status));
	return COMMAND_UNUSABLE;
}

static int
clean_up(const struct lab_guard_work *w, const char *dir, atomic_int *group)
{
	struct lab_mount m;
	int err = lab_mount_name(&m, dir, LAB_GUARD_STORE);

	if (atomic_load(group) > 0)
		kill(-atomic_load(group), SIGKILL);
	if (err == 0)
		err = lab_mount_sweep(&m);
	if (err == 0 && !w->keep)
		err = lab_file_remove(dir);
	if (err)
		report(dir, "could not be removed: %s", err_text(err));
	else if (w->keep)
		report(dir, "is kept");
	return err ? COMMAND_UNUSABLE : COMMAND_DONE;
}

static int
guard(const struct lab_guard_work *w, const char *dir, atomic_int *group)
{
	int status = COMMAND_UNUSABLE;
	int pid, cleaned;

	catch_signals(on_signal);
	pid = start(w, dir, group);
	if (pid > 0) {
		child = pid;
		if (signum != 0)
			kill(pid, SIGKILL);
		status = await(pid);
		child = 0;
	} else {
		report_errno(NULL, "starting a process", pid);
	}
	cleaned = clean_up(w, dir, group);
	catch_signals(SIG_DFL);
	if (signum != 0)
		raise(signum);
	return status == COMMAND_DONE ? cleaned : status;
}

int
lab_guard_run(const struct lab_guard_work *w)
{
	atomic_int *group = mmap(NULL, sizeof(*group), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	char dir[PATH_MAX];
	int status;

	if (group == MAP_FAILED)
		return report_errno(NULL, "memory", -errno);
	status = make_dir(w, dir);
	if (status == COMMAND_DONE)
		status = guard(w, dir, group);
	munmap(group, sizeof(*group));
	return status;
}
