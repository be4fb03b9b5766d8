/*
 * step: a deterministic sequence of system calls on a directory, and the same
 * on a model of it.
 *
 * Each step changes the filesystem by at most one request of the kernel, so
 * it happened or it did not.  Step k depends on the seed and on the model
 * after k steps only.
 * Use: step_begin; for each step: step_next says what it is, step_run does it
 * in the working directory, step_model in the model.  Both give 0 or -errno,
 * the same one on a filesystem that is right.
 * The top directories (made by step_begin in the model; the caller makes them
 * on disk) are neither renamed nor removed.
 */
#ifndef TESTS_SUPPORT_STEP_H
#define TESTS_SUPPORT_STEP_H

#include "tests/check.h"
#include "tests/support/tree.h"

#define STEP_PATH 512

#define STEP_KINDS(X)                                         \
	X(CREATE)                                             \
	X(MKDIR)                                              \
	X(SYMLINK)                                            \
	X(FIFO)                                               \
	X(WRITE)                                              \
	X(APPEND)                                             \
	X(EMPTY) /* open with O_TRUNC */                      \
	X(TRUNCATE)                                           \
	X(CHMOD)                                              \
	X(RENAME)                                             \
	X(UNLINK)                                             \
	X(RMDIR)                                              \
	X(FSYNC)                                              \
	X(SET_XATTR)                                          \
	X(REMOVE_XATTR)                                       \
	X(HOLD)       /* unlink an open file, keep it open */ \
	X(WRITE_HELD) /* goes on writing to it */

#define STEP_ENUM(name) STEP_##name,
enum step_kind { STEP_KINDS(STEP_ENUM) };

struct step {
	enum step_kind kind;
	char path[STEP_PATH];
	char other[STEP_PATH]; /* RENAME: to; SYMLINK: target */
	mode_t perm;
	unsigned flags; /* RENAME */
	size_t offset;
	size_t size;
	uint64_t fill; /* of the bytes written */
};

struct step_state {
	struct tree *tree;
	struct check_rand rand;
	size_t xattr_max; /* 20,000 unless changed after step_begin */
};

/* Ends with tree_free(s->tree).  top: names, NULL ends. */
void step_begin(struct step_state *s, uint64_t seed, const char *const *top);

void step_next(struct step_state *s, struct step *out);
int step_model(struct step_state *s, const struct step *step);

/* *held is a file descriptor of the caller's, -1 at first. */
int step_run(const struct step *step, int *held);

/* One line for people. */
void step_text(const struct step *step, char *out, size_t size);

#endif
