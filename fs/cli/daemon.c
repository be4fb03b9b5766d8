#include "fs/cli/daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static int parent_fd = -1;

/* The child's word, or how it ended without one. */
_Noreturn static void
wait_for_child(int fd, pid_t pid)
{
	unsigned char status = 0;
	ssize_t n;
	int how;

	do
		n = read(fd, &status, 1);
	while (n < 0 && errno == EINTR);
	if (n == 1)
		_exit(status);
	while (waitpid(pid, &how, 0) < 0 && errno == EINTR)
		;
	_exit(WIFEXITED(how) ? WEXITSTATUS(how) : 3);
}

int
daemon_fork(void)
{
	int fds[2];
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC) != 0)
		return -errno;
	pid = fork();
	if (pid < 0) {
		int err = -errno;

		close(fds[0]);
		close(fds[1]);
		return err;
	}
	if (pid > 0) {
		close(fds[1]);
		wait_for_child(fds[0], pid);
	}
	close(fds[0]);
	parent_fd = fds[1];
	setsid();
	return 0;
}

void
daemon_ready(void)
{
	unsigned char done = 0;
	int null;
	ssize_t n;

	if (parent_fd < 0)
		return;
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (null >= 0) {
		dup2(null, STDIN_FILENO);
		dup2(null, STDOUT_FILENO);
		dup2(null, STDERR_FILENO);
		if (null > STDERR_FILENO)
			close(null);
	}
	n = chdir("/"); /* keeps no other file system busy */
	n = write(parent_fd, &done, 1);
	(void)n; /* the parent may have been killed: then nobody waits */
	close(parent_fd);
	parent_fd = -1;
}
