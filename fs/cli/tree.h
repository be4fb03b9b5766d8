/*
 * tree: the files of a store, opened by this process or mounted by another.
 *
 * Use: tree_open; tree_find or tree_find_dir for a key; the operations on
 * directories and names; tree_sync after changes; tree_close.  What commands
 * do is written once, above this interface, so that both ways give the same
 * answers.
 * Owns: directories and files are closed by their caller, before the tree.
 * Threads: one.
 * Errors: 0 or -errno, as POSIX says; symbolic links are never followed, and
 * one where a directory should be is -ENOTDIR.  What opens and closes a tree
 * shows messages and returns an exit status.
 */
#ifndef FS_CLI_TREE_H
#define FS_CLI_TREE_H

#include <sys/stat.h>

#include "engine/base/buf.h"
#include "fs/cli/list.h"
#include "fs/record/key.h"

enum tree_access {
	TREE_READ,
	TREE_WRITE,
	TREE_CREATE, /* write, and make the store if there is none */
};

/* An inode number or a file descriptor. */
typedef int64_t tree_handle;

struct tree {
	const struct tree_ops *ops;
	const char *path; /* as the user gave it */
	tree_handle root;
};

/* A name in a directory that tree_find has opened. */
struct tree_place {
	tree_handle dir;
	struct bytes name;
};

/* A name as system calls want it. */
struct tree_name {
	char text[KEY_NAME_MAX + 1];
};

#define TREE_XATTR_BYTES (64u << 10)

/* What the two ways implement.  A name is at most KEY_NAME_MAX bytes. */
struct tree_ops {
	int (*close)(struct tree *); /* exit status */

	int (*dir_open)(struct tree *, struct tree_place, tree_handle *out);
	void (*dir_close)(struct tree *, tree_handle); /* the root: nothing */
	int (*list)(struct tree *, tree_handle dir, struct list *out);

	int (*stat)(struct tree *, struct tree_place, struct stat *out);
	int (*stat_dir)(struct tree *, tree_handle dir, struct stat *out);
	int (*readlink)(struct tree *, struct tree_place, struct buf *out);

	/* Files; create: -EEXIST if there is one.  The umask is applied. */
	int (*file_open)(
	    struct tree *, struct tree_place, bool writable, tree_handle *out);
	int (*file_create)(
	    struct tree *, struct tree_place, mode_t perm, tree_handle *out);
	int (*file_read)(struct tree *, tree_handle, uint64_t offset,
	    struct buf *out); /* appends a chunk; nothing: the end */
	int (*file_write)(
	    struct tree *, tree_handle, uint64_t offset, struct bytes);
	int (*file_own)(struct tree *, tree_handle, const struct stat *like);
	int (*file_close)(struct tree *, tree_handle);

	/* Names, each with a NUL behind it, and one's value; both fit into
	 * TREE_XATTR_BYTES, or -ERANGE. */
	int (*xattr_list)(struct tree *, tree_handle, char *out, size_t *got);
	int (*xattr_get)(struct tree *, tree_handle, const char *name,
	    void *out, size_t *got);
	int (*xattr_set)(
	    struct tree *, tree_handle, const char *name, struct bytes value);

	int (*mkdir)(struct tree *, struct tree_place, mode_t perm);
	int (*remove)(struct tree *, struct tree_place, bool is_dir);
	int (*rename)(struct tree *, struct tree_place from, struct bytes to);
	int (*sync)(struct tree *); /* all changes so far are durable */
};

int tree_open(const char *store, enum tree_access access, struct tree **out);
int tree_close(struct tree *t);

/* For commands that may be given an open tree: *out is that, or the store is
 * opened; afterwards it is closed again in that case.  tree_leave returns
 * status, or what went wrong at closing. */
int tree_enter(struct tree *open, const char *store, enum tree_access access,
    struct tree **out);
int tree_leave(struct tree *open, struct tree *t, int status);

/* Opens the directory that a key would be in.  key is a valid one, and
 * out->name a part of it; close out->dir. */
int tree_find(struct tree *t, struct bytes key, struct tree_place *out);

/* Opens the directory of this key; the empty key is the root. */
int tree_find_dir(struct tree *t, struct bytes key, tree_handle *out);

int tree_stat(struct tree *t, struct bytes key, struct stat *out);

/* Hands the content of the file to `each`, until that is not 0. */
int tree_read(struct tree *t, struct tree_place at,
    int (*each)(void *ctx, struct bytes chunk), void *ctx);

/* --- put ------------------------------------------------------------------ */

/* Appends the next bytes of a value to out; none: the end. */
struct tree_source {
	int (*next)(void *ctx, struct buf *out);
	void *ctx;
};

/*
 * The file becomes the value, durably, or stays as it is; missing directories
 * are made.  A file that was there passes its mode, its owner and its xattrs
 * on, but for those of the namespace security.  -EISDIR, -ELOOP (a symbolic
 * link), -ENXIO (a device or the like), -EACCES (neither to be read nor
 * written).
 */
int tree_put(
    struct tree *t, struct bytes key, const struct tree_source *source);

/* --- removing ------------------------------------------------------------- */

/* -EISDIR for a directory, unless recursive.  removed (may be NULL) is called
 * after each name.  Not durable before tree_sync. */
struct tree_remove {
	bool recursive;
	void (*removed)(void *ctx);
	void *ctx;
};
int tree_remove(
    struct tree *t, struct bytes key, const struct tree_remove *how);
int tree_sync(struct tree *t);

/* --- the two ways --------------------------------------------------------- */

struct tree_name tree_name_of(struct bytes name);

/* mountpoint must live until tree_open returns.  Exit status. */
int tree_mount_open(const char *mountpoint, struct tree **out);
struct local;
/* Takes l over. */
int tree_local_open(struct local *l, struct tree **out);

#endif
