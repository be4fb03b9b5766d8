#include "fs/fuse/unmount.h"

#include <errno.h>
#include <spawn.h>
#include <stddef.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

/* fusermount3 is set-uid root and unmounts what its caller mounted. */
static int
by_fusermount(const char *path, bool lazy)
{
	char *argv[] = {(char[]){"fusermount3"}, (char[]){"-u"}, (char[]){"-q"},
	    (char[]){"--"}, (char *)(size_t)path, NULL};
	char *lazy_argv[] = {(char[]){"fusermount3"}, (char[]){"-u"},
	    (char[]){"-q"}, (char[]){"-z"}, (char[]){"--"},
	    (char *)(size_t)path, NULL};
	pid_t pid;
	int status;
	int err = posix_spawnp(
	    &pid, "fusermount3", NULL, NULL, lazy ? lazy_argv : argv, environ);

	if (err != 0)
		return -err;
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -EBUSY;
}

int
unmount_path(const char *path, bool lazy)
{
	int flags = UMOUNT_NOFOLLOW | (lazy ? MNT_DETACH : 0);

	if (umount2(path, flags) == 0)
		return 0;
	if (errno != EPERM || geteuid() == 0)
		return -errno;
	return by_fusermount(path, lazy);
}
