#include "tests/support/small_disk.h"

#include <dirent.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/check.h"

#define BLOCK 4096

static bool can_mount;

static bool
write_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY);
	bool done;

	if (fd < 0)
		return false;
	done = write(fd, text, strlen(text)) == (ssize_t)strlen(text);
	close(fd);
	return done;
}

void
small_disk_enter(void)
{
	char map[64];

	(void)snprintf(map, sizeof(map), "0 %u 1", (unsigned)getuid());
	if (geteuid() == 0)
		can_mount = unshare(CLONE_NEWNS) == 0;
	else
		can_mount = unshare(CLONE_NEWUSER | CLONE_NEWNS) == 0 &&
			    write_text("/proc/self/uid_map", map);
	can_mount = can_mount &&
		    mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0;
}

/* --- an env that counts --------------------------------------------------- */

static struct small_disk *
disk_of(struct env *env)
{
	return (struct small_disk *)(void *)env;
}

static uint64_t
blocks(uint64_t bytes)
{
	return (bytes + BLOCK - 1) / BLOCK * BLOCK;
}

static uint64_t
disk_free(const struct small_disk *d)
{
	DIR *dir = opendir(d->dir);
	const struct dirent *e;
	uint64_t used = 0;
	struct stat st;

	check_true(dir != NULL);
	while ((e = readdir(dir)))
		if (fstatat(dirfd(dir), e->d_name, &st, 0) == 0 &&
		    S_ISREG(st.st_mode))
			used += blocks((uint64_t)st.st_size);
	closedir(dir);
	return d->bytes > used ? d->bytes - used : 0;
}

/* Whether the file may grow to end.  Caller holds the mutex until it has. */
static bool
fits(struct env_file *f, uint64_t end)
{
	struct small_disk *d = disk_of(f->env);
	uint64_t size = 0;

	check_ok(d->base->size(f, &size));
	return end <= size || blocks(end) - blocks(size) <= disk_free(d);
}

static ssize_t
counted_pwrite(struct env_file *f, const void *data, size_t size, uint64_t at)
{
	struct small_disk *d = disk_of(f->env);
	ssize_t n = -ENOSPC;

	check_ok(pthread_mutex_lock(&d->mutex));
	if (fits(f, at + size))
		n = d->base->pwrite(f, data, size, at);
	check_ok(pthread_mutex_unlock(&d->mutex));
	return n;
}

static int
counted_allocate(struct env_file *f, uint64_t size)
{
	struct small_disk *d = disk_of(f->env);
	uint64_t had = 0;
	int err = 0;

	check_ok(pthread_mutex_lock(&d->mutex));
	check_ok(d->base->size(f, &had));
	if (size > had)
		err = fits(f, size) ? d->base->truncate(f, size) : -ENOSPC;
	check_ok(pthread_mutex_unlock(&d->mutex));
	return err;
}

static int
counted_space(struct env *env, const char *path, uint64_t *free_bytes,
    uint64_t *total_bytes)
{
	(void)path;
	*free_bytes = disk_free(disk_of(env));
	*total_bytes = disk_of(env)->bytes;
	return 0;
}

/* --- both ----------------------------------------------------------------- */

/* The one that is mounted: a failed case leaves it. */
static const char *mounted;

static void
unmount_real(void)
{
	if (mounted)
		(void)umount2(mounted, MNT_DETACH);
	mounted = NULL;
}

static void
mount_real(struct small_disk *d)
{
	char options[64];

	if (!can_mount)
		check_skip("no small filesystem can be made here");
	(void)snprintf(options, sizeof(options), "size=%llu",
	    (unsigned long long)d->bytes);
	unmount_real();
	check_ok(mount("none", d->dir, "tmpfs", 0, options));
	mounted = d->dir;
	/* Before check_tmpdir's, which was first. */
	check_ok(atexit(unmount_real));
}

void
small_disk_init(struct small_disk *d, enum small_disk_kind kind, uint64_t bytes)
{
	struct err_sink nobody = {0};

	*d = (struct small_disk){
	    .kind = kind, .dir = check_tmpdir(), .bytes = bytes};
	check_ok(pthread_mutex_init(&d->mutex, NULL));
	env_posix_init(&d->env, nobody);
	if (kind == SMALL_DISK_REAL) {
		mount_real(d);
		return;
	}
	d->base = d->env.ops;
	d->ops = *d->base;
	d->ops.pwrite = counted_pwrite;
	d->ops.allocate = counted_allocate;
	d->ops.space = counted_space;
	d->env.ops = &d->ops;
}

void
small_disk_fini(struct small_disk *d)
{
	if (d->kind == SMALL_DISK_REAL)
		unmount_real();
	check_ok(pthread_mutex_destroy(&d->mutex));
	check_rmtree(d->dir);
}

static const char *
ballast(const struct small_disk *d)
{
	static char path[4096];

	(void)snprintf(path, sizeof(path), "%s/ballast", d->dir);
	return path;
}

void
small_disk_occupy(struct small_disk *d, uint64_t but)
{
	uint64_t free_bytes, total_bytes;
	struct env_file *f;
	int err;

	check_ok(env_open(
	    &d->env, ballast(d), ENV_OPEN_WRITE | ENV_OPEN_CREATE, &f));
	/* Others may take some meanwhile. */
	do {
		check_ok(env_space(&d->env, d->dir, &free_bytes, &total_bytes));
		check_le(but + BLOCK, free_bytes);
		err = env_allocate(f, free_bytes - but);
		if (err)
			check_ok(env_truncate(f, 0));
	} while (err == -ENOSPC);
	check_ok(err);
	env_close(f);
}

void
small_disk_vacate(struct small_disk *d)
{
	check_ok(env_unlink(&d->env, ballast(d)));
}

uint64_t
small_disk_file_bytes(const struct small_disk *d, const char *name)
{
	char path[4096];
	struct stat st;

	(void)snprintf(path, sizeof(path), "%s/%s", d->dir, name);
	return stat(path, &st) == 0 ? (uint64_t)st.st_size : 0;
}
