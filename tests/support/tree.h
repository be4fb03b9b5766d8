/*
 * tree: what a directory should hold, in memory, and whether it does.
 *
 * A model of a small filesystem: files, directories, links and fifos with
 * permissions, content and one xattr, and the calls that change them, with the
 * answers Linux gives.  Paths are relative and have no . or .. in them.
 * Use: tree_new, changes, tree_compare with a real directory, tree_free.
 * Owns: everything it holds.  Threads: one at a time; fork copies it.
 * Errors: changes return 0 or the -errno that the system call gives; memory
 * running out ends the program.
 */
#ifndef TESTS_SUPPORT_TREE_H
#define TESTS_SUPPORT_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define TREE_XATTR "user.test"

struct tree_data {
	uint8_t *bytes;
	size_t size;
};

struct tree {
	char *name;
	mode_t mode; /* type and permissions */
	struct tree *parent;
	struct tree *first;       /* child */
	struct tree *next;        /* of the same parent */
	struct tree_data content; /* or the target of a link */
	struct tree_data xattr;   /* bytes NULL: there is none */
};

struct tree *tree_new(void); /* an empty directory */
void tree_free(struct tree *t);

/* NULL if there is none. */
struct tree *tree_find(struct tree *t, const char *path);

/* The path of a node below root, into out of size bytes. */
void tree_path(
    const struct tree *root, const struct tree *node, char *out, size_t size);

/* All nodes below t, parents first; at most max.  How many there are. */
size_t tree_list(struct tree *t, struct tree **out, size_t max);

/* Anything that has a type: files, directories, fifos. */
int tree_make(struct tree *t, const char *path, mode_t mode);
int tree_symlink(struct tree *t, const char *path, const char *target);
int tree_write(
    struct tree *t, const char *path, size_t offset, struct tree_data data);
int tree_append(struct tree *t, const char *path, struct tree_data data);
int tree_truncate(struct tree *t, const char *path, size_t size);
int tree_chmod(struct tree *t, const char *path, mode_t perm);
int tree_unlink(struct tree *t, const char *path);
int tree_rmdir(struct tree *t, const char *path);
int tree_rename(
    struct tree *t, const char *from, const char *to, unsigned flags);
int tree_set_xattr(struct tree *t, const char *path, struct tree_data value);
int tree_remove_xattr(struct tree *t, const char *path);

/* Is what stands at path on disk exactly the subtree t?  If not, why. */
bool tree_compare(
    const struct tree *t, const char *path, char *why, size_t why_size);

#endif
