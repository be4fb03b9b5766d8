#include "fs/cli/lab_probe.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fs/cli/lab_clock.h"

#define BLOCK_SIZE 4096
/* Often enough to meet a device that is busy for longer than that, and seldom
 * enough to take nothing from the store. */
#define PAUSE_NS (20 * LAB_CLOCK_MS)

_Noreturn static void
work(struct lab_probe_times *t, int fd, pid_t parent)
{
	static const char block[BLOCK_SIZE];

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(0);
	for (;;) {
		uint64_t began = lab_clock_ns();
		uint64_t took;

		atomic_store(&t->began, began);
		if (pwrite(fd, block, sizeof(block), 0) < 0 ||
		    fdatasync(fd) != 0)
			break;
		took = lab_clock_ns() - began;
		if (took > atomic_load(&t->longest))
			atomic_store(&t->longest, took);
		atomic_store(&t->began, 0);
		lab_clock_sleep(PAUSE_NS);
	}
	atomic_store(&t->began, 0);
	_exit(0);
}

int
lab_probe_start(struct lab_probe *p, const char *path)
{
	struct lab_probe_times *t = mmap(NULL, sizeof(*t),
	    PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t parent = getpid();
	pid_t pid;
	int fd, err;

	if (t == MAP_FAILED)
		return -errno;
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	fflush(NULL);
	pid = fd < 0 ? -1 : fork();
	if (pid == 0)
		work(t, fd, parent);
	err = pid < 0 ? -errno : 0;
	if (fd >= 0)
		close(fd);
	if (err)
		munmap(t, sizeof(*t));
	else
		*p = (struct lab_probe){t, pid};
	return err;
}

void
lab_probe_clear(struct lab_probe *p)
{
	if (p->times)
		atomic_store(&p->times->longest, 0);
}

uint64_t
lab_probe_longest(const struct lab_probe *p)
{
	uint64_t longest, began, now;

	if (!p->times)
		return 0;
	/* In this order: one that ends meanwhile is seen by one of the two. */
	began = atomic_load(&p->times->began);
	longest = atomic_load(&p->times->longest);
	now = lab_clock_ns();
	if (began != 0 && now > began && now - began > longest)
		longest = now - began;
	return longest;
}

void
lab_probe_stop(struct lab_probe *p)
{
	if (!p->times)
		return;
	kill(p->pid, SIGKILL);
	while (waitpid(p->pid, NULL, 0) < 0 && errno == EINTR)
		;
	munmap(p->times, sizeof(*p->times));
	*p = (struct lab_probe){0};
}
