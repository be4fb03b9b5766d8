#include "tests/support/program.h"

#include <errno.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <time.h>

extern char **environ;

char *
program_keyfs(void)
{
	char *path = getenv("KEYFS");

	if (!path || !*path)
		check_fail("KEYFS is not set: the program to test");
	return path;
}

pid_t
program_start(char *const *argv)
{
	pid_t pid;

	check_ok(posix_spawnp(&pid, argv[0], NULL, NULL, argv, environ));
	return pid;
}

int
program_wait(pid_t pid)
{
	int status;

	check_eq(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

int
program_run(char *const *argv)
{
	return program_wait(program_start(argv));
}

void
program_unmount(char *mnt)
{
	char *argv[] = {"fusermount3", "-uz", mnt, NULL};

	while (umount2(mnt, MNT_DETACH) == 0)
		;
	if (errno == EPERM)
		program_run(argv);
}

uint64_t
program_now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

void
program_pause_us(uint64_t us)
{
	const struct timespec t = {
	    .tv_sec = (time_t)(us / 1000000),
	    .tv_nsec = (long)(us % 1000000) * 1000,
	};

	nanosleep(&t, NULL);
}
