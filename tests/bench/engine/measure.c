#include "tests/bench/engine/measure.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define PEAK_US      10000
#define QUIET_CPU    0.02
#define SETTLE_US    5000
#define SETTLE_MAX_S 600

/* --- figures ------------------------------------------------------------- */

/* The number behind a field of a file in /proc; 0 if it is not there. */
static uint64_t
field(const char *path, const char *name)
{
	FILE *f = fopen(path, "re");
	uint64_t found = 0;
	char line[256];

	while (f && fgets(line, sizeof(line), f))
		if (strncmp(line, name, strlen(name)) == 0)
			found = strtoull(line + strlen(name), NULL, 10);
	if (f)
		fclose(f);
	return found;
}

/* --- what measuring costs itself ----------------------------------------- */

static _Atomic uint64_t looking_ns; /* of the thread that looks at memory */
static uint64_t waited_ns;          /* of waiting until an engine is quiet */
static uint64_t waiting_since;      /* as the thread's clock is; 0: it is not */

static uint64_t
cpu_ns(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void
wait_begin(void)
{
	waiting_since = cpu_ns(CLOCK_THREAD_CPUTIME_ID);
}

static void
wait_end(void)
{
	waited_ns += cpu_ns(CLOCK_THREAD_CPUTIME_ID) - waiting_since;
	waiting_since = 0;
}

static uint64_t
own_ns(void)
{
	uint64_t now = cpu_ns(CLOCK_THREAD_CPUTIME_ID);

	return waited_ns + (waiting_since ? now - waiting_since : 0) +
	       atomic_load_explicit(&looking_ns, memory_order_relaxed);
}

/* --- all at once ---------------------------------------------------------- */

struct measure
measure_now(void)
{
	uint64_t dirtied = field("/proc/self/io", "write_bytes:");
	uint64_t gone = field("/proc/self/io", "cancelled_write_bytes:");
	uint64_t own = own_ns();

	return (struct measure){
	    .seconds = (double)measure_ns() / 1e9,
	    .cpu_seconds =
		(double)(cpu_ns(CLOCK_PROCESS_CPUTIME_ID) - own) / 1e9,
	    .written_bytes = dirtied > gone ? dirtied - gone : 0,
	};
}

/* --- memory -------------------------------------------------------------- */

static _Atomic uint64_t peak_anon;
static pthread_t looker;
static bool looking;

static uint64_t
anon_now(int statm)
{
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
	unsigned long long resident, shared;
	char text[256];
	ssize_t n = pread(statm, text, sizeof(text) - 1, 0);

	if (n <= 0)
		return 0;
	text[n] = '\0';
	if (sscanf(text, "%*u %llu %llu", &resident, &shared) != 2)
		return 0;
	return resident > shared ? (resident - shared) * page : 0;
}

/* Until the process ends. */
static void *
look(void *arg)
{
	int statm = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);

	(void)arg;
	for (;;) {
		uint64_t anon = anon_now(statm);

		/* A reset in between is made good by the next look. */
		if (anon >
		    atomic_load_explicit(&peak_anon, memory_order_relaxed))
			atomic_store_explicit(
			    &peak_anon, anon, memory_order_relaxed);
		atomic_store_explicit(&looking_ns,
		    cpu_ns(CLOCK_THREAD_CPUTIME_ID), memory_order_relaxed);
		usleep(PEAK_US);
	}
	return NULL;
}

void
measure_peak_reset(void)
{
	int fd = open("/proc/self/clear_refs", O_WRONLY | O_CLOEXEC);

	/* 5: the peak of the resident set becomes what it is now. */
	if (fd < 0 || write(fd, "5", 1) != 1)
		peer_die("memory", "clear_refs", "cannot reset the peak");
	close(fd);
	atomic_store_explicit(&peak_anon, 0, memory_order_relaxed);
	if (!looking && pthread_create(&looker, NULL, look, NULL) != 0)
		peer_die("memory", "peak", "no thread");
	looking = true;
}

uint64_t
measure_peak_anon(void)
{
	return atomic_load_explicit(&peak_anon, memory_order_relaxed);
}

uint64_t
measure_peak_resident(void)
{
	return field("/proc/self/status", "VmHWM:") * 1024;
}

void
measure_warm_memory(uint64_t bytes)
{
	void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		peer_die("memory", "mmap", strerror(errno));
	(void)madvise(p, bytes, MADV_HUGEPAGE);
	memset(p, 1, bytes);
	munmap(p, bytes);
}

/* --- the store ----------------------------------------------------------- */

static uint64_t blocks;

static int
add_blocks(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)path;
	(void)at;
	if (type == FTW_F)
		blocks += (uint64_t)st->st_blocks;
	return 0;
}

uint64_t
measure_store_bytes(const char *dir)
{
	blocks = 0;
	(void)nftw(dir, add_blocks, 16, FTW_PHYS | FTW_MOUNT);
	return blocks * 512;
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st;
	(void)type;
	(void)at;
	(void)remove(path);
	return 0;
}

void
measure_remove(const char *dir)
{
	(void)nftw(dir, remove_one, 16, FTW_PHYS | FTW_MOUNT | FTW_DEPTH);
}

/* --- settling ------------------------------------------------------------ */

static bool
quiet(const struct measure *from, const struct measure *to)
{
	return to->written_bytes == from->written_bytes &&
	       to->cpu_seconds - from->cpu_seconds <
		   (to->seconds - from->seconds) * QUIET_CPU + 0.001;
}

void
measure_settle(const struct peer_ops *ops, void *db, unsigned quiet_ms)
{
	struct measure begin = measure_now(), from = begin, now = begin;

	wait_begin();
	while (now.seconds - from.seconds < quiet_ms / 1e3) {
		if (now.seconds - begin.seconds > SETTLE_MAX_S)
			peer_die(ops->name, "settle", "it never does");
		usleep(SETTLE_US);
		now = measure_now();
		if ((ops->busy && ops->busy(db)) || !quiet(&from, &now))
			from = now;
	}
	wait_end();
}
