#include "fs/cli/lab_script.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fs/cli/lab_clock.h"

#define CHECK_MS 60000

/* --- the program -----------------------------------------------------------
 */

static int
find_in_path(const char *name, char *path)
{
	const char *list = getenv("PATH");
	char *copy = strdup(list ? list : "/usr/bin:/bin");
	char *rest = copy;
	char *dir;
	int err = copy ? -ENOENT : -ENOMEM;

	while (err == -ENOENT && (dir = strsep(&rest, ":"))) {
		char full[PATH_MAX];

		snprintf(full, sizeof(full), "%s/%s", *dir ? dir : ".", name);
		if (access(full, X_OK) == 0 && realpath(full, path))
			err = 0;
	}
	free(copy);
	return err;
}

int
lab_script_find(const char *name, char *path)
{
	struct stat st;

	if (!strchr(name, '/'))
		return find_in_path(name, path);
	if (!realpath(name, path) || stat(path, &st) != 0 ||
	    access(path, X_OK) != 0)
		return -errno;
	return S_ISREG(st.st_mode) ? 0 : -EACCES;
}

int
lab_script_begin(
    struct lab_script *s, const char *path, const char *dir, atomic_int *group)
{
	*s = (struct lab_script){.group = group, .out = -1};
	snprintf(s->program, sizeof(s->program), "%s", path);
	snprintf(s->dir, sizeof(s->dir), "%s", dir);
	return mkdir(dir, 0755) == 0 ? 0 : -errno;
}

_Noreturn static void
become(const struct lab_script *s, const char *what, int out)
{
	char program[PATH_MAX], arg[16];
	char *argv[] = {program, arg, NULL};
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	snprintf(program, sizeof(program), "%s", s->program);
	snprintf(arg, sizeof(arg), "%s", what);
	setpgid(0, 0);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	signal(SIGPIPE, SIG_DFL);
	dup2(null, STDIN_FILENO);
	dup2(out, STDOUT_FILENO);
	if (s->quiet)
		dup2(null, STDERR_FILENO);
	if (chdir(s->dir) == 0) {
		raise(SIGSTOP); /* until lab_script_go */
		execv(program, argv);
	}
	_exit(127);
}

static int
spawn(struct lab_script *s, const char *what)
{
	int fds[2];
	int status;
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC) != 0)
		return -errno;
	fflush(NULL);
	pid = fork();
	if (pid == 0)
		become(s, what, fds[1]);
	close(fds[1]);
	if (pid < 0) {
		int err = -errno;

		close(fds[0]);
		return err;
	}
	/* Here, too: it may be killed before it has come so far. */
	setpgid(pid, pid);
	atomic_store(s->group, (int)pid);
	s->pid = pid;
	s->out = fds[0];
	while (waitpid(pid, &status, WUNTRACED) < 0)
		if (errno != EINTR)
			return -errno;
	if (WIFSTOPPED(status))
		return 0;
	s->pid = 0;
	return -ECHILD;
}

void
lab_script_go(struct lab_script *s)
{
	s->start_ns = lab_clock_ns();
	kill(s->pid, SIGCONT);
}

int
lab_script_start(struct lab_script *s)
{
	return spawn(s, "run");
}

/* --- its lines -------------------------------------------------------------
 */

/* True: there may be more. */
static bool
read_some(struct lab_script *s, struct lab_steps *steps)
{
	uint8_t chunk[65536];
	ssize_t n = read(s->out, chunk, sizeof(chunk));

	if (n > 0)
		return lab_steps_feed(steps, bytes_of(chunk, (size_t)n),
			   lab_clock_ns()) == 0;
	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return true;
	close(s->out);
	s->out = -1;
	return false;
}

/* Until then; false: it has closed its output. */
static bool
read_until(struct lab_script *s, struct lab_steps *steps, uint64_t until)
{
	for (;;) {
		struct pollfd p = {.fd = s->out, .events = POLLIN};
		uint64_t now = lab_clock_ns();
		struct timespec t =
		    lab_clock_span(until > now ? until - now : 0);
		int n;

		if (s->out < 0)
			return false;
		n = ppoll(&p, 1, &t, NULL);
		if (n > 0 && !read_some(s, steps))
			return false;
		if (now >= until)
			return true;
	}
}

bool
lab_script_wait(struct lab_script *s, uint64_t until_ns)
{
	return read_until(s, &s->steps, until_ns);
}

/* Kills what is left of its process group; returns how it ended. */
static int
reap(struct lab_script *s)
{
	int status = 0;

	if (s->pid == 0)
		return 0;
	kill(-s->pid, SIGKILL);
	while (waitpid(s->pid, &status, 0) < 0 && errno == EINTR)
		;
	s->pid = 0;
	atomic_store(s->group, 0);
	return status;
}

static void
close_out(struct lab_script *s)
{
	if (s->out >= 0)
		close(s->out);
	s->out = -1;
}

void
lab_script_stop(struct lab_script *s)
{
	reap(s);
	while (s->out >= 0 && read_some(s, &s->steps))
		;
	close_out(s);
}

/* --- what is there ---------------------------------------------------------
 */

/* Waits for its end; -ETIMEDOUT: it is killed. */
static int
await_check(struct lab_script *s, struct lab_steps *there, int *status)
{
	uint64_t end = lab_clock_ns() + CHECK_MS * LAB_CLOCK_MS;

	while (read_until(s, there, lab_clock_ns() + 10 * LAB_CLOCK_MS))
		if (lab_clock_ns() > end) {
			reap(s);
			close_out(s);
			return -ETIMEDOUT;
		}
	while (waitpid(s->pid, status, 0) < 0 && errno == EINTR)
		;
	s->pid = 0;
	atomic_store(s->group, 0);
	return 0;
}

/* The began times: a step begins when the one before is claimed. */
static int
fill_track(struct lab_script *s, struct lab_track *t, uint64_t survived)
{
	size_t n = s->steps.count;

	free(s->began);
	s->began = calloc(n + 1, sizeof(*s->began));
	if (!s->began)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		s->began[i] = i == 0 ? s->start_ns : s->steps.at[i - 1];
	*t = (struct lab_track){
	    .began = s->began,
	    .acked = s->steps.at,
	    .acked_count = n,
	    .begun_count = n + 1,
	    .survived = survived,
	};
	return 0;
}

static void
not_sound(struct lab_found *found, int status)
{
	uint64_t steps = found->steps;

	if (WIFEXITED(status))
		lab_workload_is_not(found, "\"check\" ended with status %d",
		    WEXITSTATUS(status));
	else
		lab_workload_is_not(found, "\"check\" was ended by signal %d",
		    WTERMSIG(status));
	found->steps = steps;
}

int
lab_script_look(
    struct lab_script *s, struct lab_track *t, struct lab_found *found)
{
	struct lab_steps there = {0};
	int status = 0;
	int err = spawn(s, "check");

	if (err == 0) {
		kill(s->pid, SIGCONT);
		err = await_check(s, &there, &status);
	}
	if (err == 0)
		err = lab_steps_compare(&s->steps, &there, found);
	if (err == 0 && found->prefix && status != 0)
		not_sound(found, status);
	if (err == 0)
		err = fill_track(s, t, found->steps);
	lab_steps_fini(&there);
	return err;
}

void
lab_script_end(struct lab_script *s)
{
	if (s->pid > 0) {
		reap(s);
		close_out(s);
	}
	lab_steps_fini(&s->steps);
	free(s->began);
	s->began = NULL;
}
