/*
 * vol: a filesystem in a store, as a library; knows nothing of FUSE.
 *
 * Use: vol_open on a store, operations by inode number as a kernel sends
 * them, vol_close.  Every call that hands out an ino with attributes (lookup,
 * mknod, mkdir, symlink, readdir with `plus`) adds one lookup to it, and
 * vol_forget takes lookups back: a node lives in memory while it has lookups,
 * and an unlinked file's content lives exactly as long.  There are no open
 * files; only directories have handles, for listings.
 *
 * Durability: a changing call is in the log when it returns, and its
 * ctx->seq is what vol_sync takes.  The policy is the store's, unless the file
 * (for its content and attributes) or the directories (for names in them) have
 * one of their own.  ctx->sync_seq is what the policy wants to be synced before
 * the caller is answered; vol_needs_sync tells whether that is still to be
 * done.
 * Permissions are the caller's business (the kernel's default_permissions),
 * but for rules that follow from the filesystem's own state (ENOTEMPTY, setgid
 * directories, suid bits cleared by writes are requested by the kernel).
 * Threads: any number.  Changes of names exclude each other; reads, writes and
 * attributes of different nodes go in parallel.
 * Errors: 0 or -errno, as POSIX says for the system call of that name; from
 * the store: -EUCLEAN damage, -ENOSPC, -EROFS, -EIO, -ENOMEM.
 * An operation that fails changes nothing.
 */
#ifndef FS_VOL_VOL_H
#define FS_VOL_VOL_H

#include <sys/types.h>

#include "engine/base/buf.h"
#include "engine/base/durability.h"
#include "engine/base/err.h"
#include "fs/vol/vol_attr.h"

#define VOL_INO_ROOT 1
/* Files have numbers below this, so that a kernel can be told more in the same
 * 64 bits (fs/fuse/era.h) ... */
#define VOL_INO_MAX (UINT64_C(1) << 48)
/* ... and control files (".keyfs") from this on. */
#define VOL_INO_CONTROL (UINT64_C(1) << 62)

struct store;
struct vol;
struct vol_dir;

struct vol_options {
	/* For a store that holds no volume yet. */
	uid_t root_uid;
	gid_t root_gid;
	mode_t root_perm;      /* 0755 if 0 */
	uint32_t block_bytes;  /* 0: default */
	uint32_t inline_bytes; /* 0: default; at most block_bytes */
	bool read_only; /* do not create, do not purge: checks and dumps */
	struct err_sink sink;
};

/* Formats an empty store; purges orphans of a former crash.  The store stays
 * the caller's and must outlive the volume. */
int vol_open(struct store *s, const struct vol_options *o, struct vol **out);

/* Frees all nodes (purging orphans) and the listings that are still open.  Does
 * not sync. */
int vol_close(struct vol *v);

/* Who asks (for the owner of what is created), and what came of it. */
struct vol_ctx {
	uid_t uid;
	gid_t gid;
	mode_t umask;
	uint64_t seq; /* out: last change made by the call; 0: none */
	/* out, only grows: to be synced before the answer; 0: nothing */
	uint64_t sync_seq;
};

int vol_lookup(
    struct vol *v, uint64_t parent, const char *name, struct vol_attr *out);
void vol_forget(struct vol *v, uint64_t ino, uint64_t count);
int vol_getattr(struct vol *v, uint64_t ino, struct vol_attr *out);

int vol_setattr(struct vol *v, struct vol_ctx *ctx, uint64_t ino,
    const struct vol_set *set, struct vol_attr *out);

/* Regular files, fifos, sockets, devices.  ctx->umask is applied. */
int vol_mknod(struct vol *v, struct vol_ctx *ctx, uint64_t parent,
    const char *name, const struct vol_attr *how, struct vol_attr *out);
int vol_mkdir(struct vol *v, struct vol_ctx *ctx, uint64_t parent,
    const char *name, mode_t mode, struct vol_attr *out);
int vol_symlink(struct vol *v, struct vol_ctx *ctx, uint64_t parent,
    const char *name, const char *target, struct vol_attr *out);
int vol_readlink(struct vol *v, uint64_t ino, struct buf *out);
int vol_unlink(
    struct vol *v, struct vol_ctx *ctx, uint64_t parent, const char *name);
int vol_rmdir(
    struct vol *v, struct vol_ctx *ctx, uint64_t parent, const char *name);

/* flags: VOL_RENAME_*; O(1) whatever is below. */
enum vol_rename_flags { VOL_RENAME_NOREPLACE = 1, VOL_RENAME_EXCHANGE = 2 };
struct vol_place {
	uint64_t parent;
	const char *name;
};
int vol_rename(struct vol *v, struct vol_ctx *ctx, struct vol_place from,
    struct vol_place to, unsigned flags);

/* Reads up to size bytes into data; *got is less only at the end of file. */
int vol_read(struct vol *v, uint64_t ino, uint64_t offset, void *data,
    size_t size, size_t *got);

/* All or nothing. */
int vol_write(struct vol *v, struct vol_ctx *ctx, uint64_t ino, uint64_t offset,
    struct bytes data);

/* Is the answer to be held back until vol_sync(ctx->sync_seq)? */
bool vol_needs_sync(struct vol *v, const struct vol_ctx *ctx);
int vol_sync(struct vol *v, uint64_t seq);
/* What the log failed with, also in the background; 0: nothing.  Cheap. */
int vol_failure(struct vol *v);
uint64_t vol_seq(struct vol *v);         /* newest change */
uint64_t vol_durable_seq(struct vol *v); /* newest durable one */
/* The store's policy, from the next change on. */
int vol_set_durability(struct vol *v, const struct durability *d);
void vol_get_durability(struct vol *v, struct durability *out);

/*
 * A listing is a snapshot taken when it starts (at cookie 0): every entry that
 * is there throughout is returned exactly once, and a cookie stays good
 * whatever is removed.  Cookie: 0 the start, else that of the entry after
 * which to go on.
 */
int vol_opendir(struct vol *v, uint64_t ino, struct vol_dir **out);
void vol_releasedir(struct vol_dir *d);

struct vol_dirent {
	const char *name; /* NUL-terminated */
	uint64_t ino;
	mode_t type; /* S_IF bits */
	uint64_t cookie;
	/* With plus: the newest attributes, and one lookup taken if
	 * attr.ino != 0 (never for . and .., which have attr.ino 0; also 0 if
	 * the entry has gone or changed meanwhile). */
	struct vol_attr attr;
};

/* Calls each for entries after cookie until it returns nonzero (that entry
 * counts as not taken, its lookup is given back) or the end.  An error takes
 * none of them back; it comes again after the last of them, unless it was
 * -ENOMEM or the like. */
int vol_readdir(struct vol_dir *d, uint64_t cookie, bool plus,
    int (*each)(void *ctx, const struct vol_dirent *e), void *ctx);

/* Namespaces user., trusted., security. (system. is -EOPNOTSUPP, as are names
 * in user.keyfs. but for user.keyfs.durability, the policy of a file or
 * directory: -EINVAL, with a message, for a value that is none).  flags:
 * XATTR_CREATE, XATTR_REPLACE.  *got is the size wanted; if size is 0 nothing
 * is copied, else -ERANGE if too small. */
struct vol_xattr {
	const char *name;
	const void *value;
	size_t size;
	int flags;
};
int vol_setxattr(struct vol *v, struct vol_ctx *ctx, uint64_t ino,
    const struct vol_xattr *x);
int vol_getxattr(struct vol *v, uint64_t ino, const char *name, void *value,
    size_t size, size_t *got);
int vol_listxattr(
    struct vol *v, uint64_t ino, char *names, size_t size, size_t *got);
int vol_removexattr(
    struct vol *v, struct vol_ctx *ctx, uint64_t ino, const char *name);

struct vol_statfs {
	uint64_t total_bytes;
	uint64_t free_bytes;
	uint32_t block_bytes;
	uint32_t name_max;
};
int vol_statfs(struct vol *v, struct vol_statfs *out);

#endif
