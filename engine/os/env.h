/*
 * env: every file, directory and clock that the engine touches.
 *
 * Use: code calls the env_* functions below, never the kernel.  Tests replace
 * struct env_ops: the ops are as thin as system calls (they may write short,
 * fail, lose what was not synced); the env_* functions loop over short
 * transfers and log failures with the file's path and offset (but not -ENOENT
 * from open, -EEXIST from open and mkdir, nor what link says where there are no
 * hard links: those are ordinary answers).
 * What env_posix creates is readable by its owner only.
 * Owns: env_open's result belongs to the caller until env_close.
 * Threads: any, also on one file (offsets are explicit).
 * Errors: 0 or -errno.  A failed sync must never be retried by the caller.
 */
#ifndef ENGINE_OS_ENV_H
#define ENGINE_OS_ENV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "engine/base/bytes.h"
#include "engine/base/err.h"

struct env;

/* An open file; implementations embed it first in a struct of their own. */
struct env_file {
	struct env *env;
	char *path; /* for messages; owned */
};

/* A part of a file in memory; embedded like env_file. */
struct env_map {
	struct env_file *file;
	uint64_t offset;
	size_t size;
};

enum env_open_flags {
	ENV_OPEN_READ = 0,
	ENV_OPEN_WRITE = 1,  /* read and write */
	ENV_OPEN_CREATE = 2, /* create if missing */
	ENV_OPEN_EXCL = 4,   /* with CREATE: -EEXIST if there */
	ENV_OPEN_TRUNC = 8,
};

/* The replaceable part: one call, one system call. */
struct env_ops {
	int (*open)(
	    struct env *, const char *path, int flags, struct env_file **out);
	void (*close)(struct env_file *);
	/* Bytes moved, which may be fewer than asked, or -errno. */
	ssize_t (*pread)(struct env_file *, void *, size_t, uint64_t offset);
	ssize_t (*pwrite)(
	    struct env_file *, const void *, size_t, uint64_t offset);
	/* Data and size to stable storage (fdatasync). */
	int (*sync)(struct env_file *);
	int (*truncate)(struct env_file *, uint64_t size);
	int (*size)(struct env_file *, uint64_t *out);
	/* May be NULL: -ENOTSUP. */
	int (*allocate)(struct env_file *, uint64_t size);

	/* May be NULL: then reads are system calls. */
	void (*map_reads)(struct env_file *);
	/* May be NULL. */
	void (*sync_ahead)(struct env_file *, uint64_t offset, size_t);
	/* Of what is synced; may be NULL. */
	void (*drop_cached)(struct env_file *);

	/* All three may be NULL: -ENOTSUP.  map_write is no system call. */
	int (*map)(struct env_file *, uint64_t offset, size_t size,
	    struct env_map **out);
	void (*unmap)(struct env_map *);
	int (*map_write)(
	    struct env_map *, const void *, size_t, uint64_t offset);

	int (*rename)(struct env *, const char *from, const char *to);
	int (*unlink)(struct env *, const char *path);
	int (*link)(struct env *, const char *from, const char *to);
	int (*mkdir)(struct env *, const char *path);
	int (*rmdir)(struct env *, const char *path);
	/* Names in the directory to stable storage. */
	int (*sync_dir)(struct env *, const char *path);
	/* Calls each(ctx, name) for every name but . and .. until nonzero. */
	int (*list)(struct env *, const char *path,
	    int (*each)(void *ctx, const char *name), void *ctx);
	/* Bytes free to the caller and in all on path's filesystem. */
	int (*space)(struct env *, const char *path, uint64_t *free_bytes,
	    uint64_t *total_bytes);
	uint64_t (*now_us)(struct env *);  /* monotonic */
	uint64_t (*wall_ns)(struct env *); /* since 1970 */
	void (*sleep_us)(struct env *, uint64_t us);
};

struct env {
	const struct env_ops *ops;
	struct err_sink sink; /* where messages go */
};

/* Fills env with the POSIX implementation; nothing to free. */
void env_posix_init(struct env *env, struct err_sink sink);

int env_open(struct env *, const char *path, int flags, struct env_file **out);
void env_close(struct env_file *); /* NULL is allowed */

/* Reads until size or end of file; *got tells how many. */
int env_pread(struct env_file *, void *, size_t, uint64_t offset, size_t *got);

/* Exactly size bytes, or ERR_DAMAGED with a message if the file ends first. */
int env_pread_full(struct env_file *, void *, size_t, uint64_t offset);

/* Everything or an error; after an error any part may have been written. */
int env_pwrite(struct env_file *, const void *, size_t, uint64_t offset);
int env_sync(struct env_file *);
/* A hint, between writing a part of the file and env_sync: that sync comes at
 * once, so the disk may begin with this part while the caller does something
 * else.  Nothing is promised, and env_sync says what went wrong. */
void env_sync_ahead(struct env_file *, uint64_t offset, size_t size);
int env_truncate(struct env_file *, uint64_t size);
int env_size(struct env_file *, uint64_t *out);

/*
 * What earlier processes wrote to the file becomes durable, and is read from
 * the device from now on, as far as that can be: after a failed sync memory has
 * what the device has not, and no later sync fails for it (Rebello et al., "Can
 * applications recover from fsync failures?", 2020).  Nobody has it open.
 */
int env_settle(struct env *, const char *path);

/* The file has size bytes at least, zeros where nothing was, and disk space for
 * them, without writing them.  -ENOTSUP: not here, or not on this filesystem;
 * no error is logged.  After an error it may have a part of it. */
int env_allocate(struct env_file *, uint64_t size);

/*
 * Maps a part of the file, which may lie behind its end.  What env_map_write
 * copies there (offset is that in the file) is in the kernel's hands at once,
 * as after env_pwrite but without a system call, and env_sync covers it.
 * -ENOTSUP: not here, or not on this filesystem; no error is logged.
 * env_map_write never ends in SIGBUS (guard.h): -EFAULT, a page could not be
 * had, as behind the end of the file, or where the disk is full or cannot be
 * read; -EAGAIN, not in this thread.  Any part may have been written then;
 * env_pwrite tells what is wrong with the file, if anything is.  After -EFAULT
 * the mapping is good for nothing but env_unmap.
 */
int env_map(
    struct env_file *, uint64_t offset, size_t size, struct env_map **out);
void env_unmap(struct env_map *); /* NULL is allowed; before env_close */
int env_map_write(struct env_map *, const void *, size_t, uint64_t offset);

/* A hint, before others use the file: what it has now will neither change nor
 * be cut off, so that reads may be copies out of a mapping.  They say what they
 * would have said without. */
void env_map_reads(struct env_file *);

int env_rename(struct env *, const char *from, const char *to);
int env_unlink(struct env *, const char *path);
int env_link(struct env *, const char *from, const char *to);
/* Whether this error of env_link means that a copy will have to do. */
bool env_cannot_link(int err);
int env_mkdir(struct env *, const char *path); /* -EEXIST if there */
int env_rmdir(struct env *, const char *path);
int env_sync_dir(struct env *, const char *path);
int env_sync_parent(struct env *, const char *path); /* the one it is in */
/* Returns what each returned, if that ended the listing. */
int env_list(struct env *, const char *path,
    int (*each)(void *ctx, const char *name), void *ctx);
int env_space(struct env *, const char *path, uint64_t *free_bytes,
    uint64_t *total_bytes);
uint64_t env_now_us(struct env *);
uint64_t env_wall_ns(struct env *);
uint64_t env_wall_ms(struct env *); /* as env_wall_ns, in milliseconds */
void env_sleep_us(struct env *, uint64_t us);

/* Whole small file: read into a new malloc'ed block of at most max bytes
 * (-EFBIG beyond), or write as temporary (name.tmp), sync, rename over, sync
 * the dir.  An error from the last step leaves the new content visible; a
 * crash may leave the temporary. */
int env_read_file(
    struct env *, const char *path, size_t max, uint8_t **data, size_t *size);
int env_replace_file(
    struct env *, const char *dir, const char *name, struct bytes content);

#define env_log(env, level, ...) err_log(&(env)->sink, (level), __VA_ARGS__)

#endif
