#include "tests/support/step.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#define NODES_MAX 80
/* With so many it is time to remove some. */
#define NODES_MANY 50
#define FILE_MAX   300000
#define DEPTH_MAX  6
#define WRITE_MAX  100000
#define PAGE_BYTES 4096u

/* --- what comes next ------------------------------------------------------ */

/* How often each kind comes, in a thousand. */
static const struct {
	enum step_kind kind;
	unsigned weight;
} weights[] = {
    {STEP_CREATE, 150},
    {STEP_MKDIR, 60},
    {STEP_SYMLINK, 30},
    {STEP_FIFO, 10},
    {STEP_WRITE, 170},
    {STEP_APPEND, 80},
    {STEP_EMPTY, 20},
    {STEP_TRUNCATE, 50},
    {STEP_CHMOD, 40},
    {STEP_RENAME, 150},
    {STEP_UNLINK, 70},
    {STEP_RMDIR, 30},
    {STEP_FSYNC, 60},
    {STEP_SET_XATTR, 40},
    {STEP_REMOVE_XATTR, 10},
    {STEP_HOLD, 15},
    {STEP_WRITE_HELD, 15},
};

static enum step_kind
pick_kind(struct check_rand *r)
{
	uint64_t n = check_rand_below(r, 1000);
	size_t i = 0;

	while (n >= weights[i].weight)
		n -= weights[i++].weight;
	return weights[i].kind;
}

void
step_begin(struct step_state *s, uint64_t seed, const char *const *top)
{
	*s = (struct step_state){tree_new(), check_rand_of(seed), 20000};
	for (; *top; top++)
		if (tree_make(s->tree, *top, S_IFDIR | 0755) != 0)
			abort();
}

static unsigned
depth_of(const struct tree *n)
{
	unsigned depth = 0;

	for (; n->parent; n = n->parent)
		depth++;
	return depth;
}

/* A node of one of the types, at least so deep; NULL if there is none. */
static struct tree *
pick_node(struct step_state *s, unsigned depth, const mode_t *types)
{
	struct tree *all[NODES_MAX * 2];
	size_t count = tree_list(s->tree, all, NODES_MAX * 2);
	size_t fit = 0;

	for (size_t i = 0; i < count; i++) {
		bool is_type = !types;

		for (const mode_t *t = types; t && *t; t++)
			is_type |= (all[i]->mode & S_IFMT) == *t;
		if (is_type && depth_of(all[i]) >= depth)
			all[fit++] = all[i];
	}
	return fit ? all[check_rand_below(&s->rand, fit)] : NULL;
}

static const mode_t files[] = {S_IFREG, 0};
static const mode_t dirs[] = {S_IFDIR, 0};
static const mode_t no_links[] = {S_IFREG, S_IFDIR, 0};
static const mode_t no_dirs[] = {S_IFREG, S_IFLNK, S_IFIFO, 0};

/* A name in some directory; of few, so that one often exists. */
static void
pick_place(struct step_state *s, char *out)
{
	struct tree *dir = pick_node(s, 1, dirs);
	char name[16];

	while (depth_of(dir) > DEPTH_MAX)
		dir = dir->parent;
	tree_path(s->tree, dir, out, STEP_PATH);
	snprintf(name, sizeof(name), "/n%u",
	    (unsigned)check_rand_below(&s->rand, 40));
	strlcat(out, name, STEP_PATH);
}

/* Most writes are small, some are as large as one request may be. */
static size_t
pick_size(struct check_rand *r)
{
	uint64_t n = check_rand_below(r, 100);

	if (n < 60)
		return 1 + check_rand_below(r, 200);
	return 1 + check_rand_below(r, n < 90 ? 9000 : WRITE_MAX);
}

/*
 * The kernel sends a write that begins inside of a page and goes beyond it as
 * several requests: that page, then the rest.
 */
static void
fit_one_request(struct step *step, uint64_t offset)
{
	size_t room = PAGE_BYTES - offset % PAGE_BYTES;

	if (room < PAGE_BYTES && step->size > room)
		step->size = room;
}

static void
pick_offset(struct check_rand *r, struct step *step, size_t size)
{
	uint64_t n = check_rand_below(r, 4);

	step->offset = check_rand_below(r, size + 1);
	if (n == 0)
		step->offset = 0;
	else if (n == 1) /* leaves a hole */
		step->offset = size + check_rand_below(r, 9000);
	if (check_rand_one_in(r, 2))
		step->offset -= step->offset % PAGE_BYTES;
	if (step->offset + step->size > FILE_MAX)
		step->offset = 0;
	fit_one_request(step, step->offset);
}

/* The path of what the step is about; false if there is nothing. */
static bool
pick_subject(struct step_state *s, struct step *step)
{
	struct tree *n = NULL;

	switch (step->kind) {
	case STEP_CREATE:
	case STEP_MKDIR:
	case STEP_SYMLINK:
	case STEP_FIFO:
		pick_place(s, step->path);
		return true;
	case STEP_WRITE:
	case STEP_APPEND:
	case STEP_EMPTY:
	case STEP_TRUNCATE:
	case STEP_HOLD:
		n = pick_node(s, 2, files);
		break;
	case STEP_UNLINK:
		n = pick_node(s, 2, no_dirs);
		break;
	case STEP_RMDIR:
		n = pick_node(s, 2, dirs);
		break;
	case STEP_RENAME:
		n = pick_node(s, 2, NULL);
		break;
	case STEP_FSYNC:
	case STEP_CHMOD:
	case STEP_SET_XATTR:
	case STEP_REMOVE_XATTR:
		n = pick_node(s, 2, no_links);
		break;
	case STEP_WRITE_HELD:
		step->offset = check_rand_below(&s->rand, FILE_MAX);
		fit_one_request(step, step->offset);
		return true;
	}
	if (!n)
		return false;
	tree_path(s->tree, n, step->path, STEP_PATH);
	if (step->kind == STEP_WRITE)
		pick_offset(&s->rand, step, n->content.size);
	if (step->kind == STEP_APPEND)
		fit_one_request(step, n->content.size);
	if (step->kind == STEP_APPEND &&
	    n->content.size + step->size > FILE_MAX)
		step->kind = STEP_EMPTY;
	return true;
}

static void
pick_rename(struct step_state *s, struct step *step)
{
	static const unsigned flags[] = {
	    0, 0, 0, RENAME_NOREPLACE, RENAME_EXCHANGE};
	struct tree *other = pick_node(s, 2, NULL);

	step->flags = flags[check_rand_below(&s->rand, 5)];
	if (other && check_rand_one_in(&s->rand, 2))
		tree_path(s->tree, other, step->other, STEP_PATH);
	else
		pick_place(s, step->other);
}

void
step_next(struct step_state *s, struct step *out)
{
	struct tree *all[NODES_MAX];
	size_t count = tree_list(s->tree, all, NODES_MAX);
	struct check_rand *r = &s->rand;

	*out = (struct step){.kind = pick_kind(r)};
	if (count > NODES_MANY && check_rand_one_in(r, 2))
		out->kind = check_rand_one_in(r, 3) ? STEP_RMDIR : STEP_UNLINK;
	out->size = pick_size(r);
	out->fill = check_rand(r);
	out->perm = 0600 | (mode_t)check_rand_below(r, 0100);
	if (out->kind == STEP_MKDIR || count == NODES_MAX)
		out->perm |= 0700;
	if (!pick_subject(s, out)) {
		out->kind = STEP_CREATE;
		pick_place(s, out->path);
	}
	if (out->kind == STEP_RENAME)
		pick_rename(s, out);
	if (out->kind == STEP_SYMLINK)
		snprintf(out->other, STEP_PATH, "%0*u",
		    (int)(out->size % 400 + 1), 7u);
	if (out->kind == STEP_TRUNCATE)
		out->offset = check_rand_below(r, FILE_MAX / 3);
	if (out->kind == STEP_SET_XATTR)
		out->size %= s->xattr_max;
}

/* --- in the model --------------------------------------------------------- */

static struct tree_data
data_of(const struct step *step)
{
	static uint8_t bytes[WRITE_MAX + 1];
	struct check_rand r = check_rand_of(step->fill);

	check_rand_fill(&r, bytes, step->size);
	return (struct tree_data){bytes, step->size};
}

int
step_model(struct step_state *s, const struct step *step)
{
	switch (step->kind) {
	case STEP_CREATE:
		return tree_make(s->tree, step->path, S_IFREG | step->perm);
	case STEP_MKDIR:
		return tree_make(s->tree, step->path, S_IFDIR | step->perm);
	case STEP_FIFO:
		return tree_make(s->tree, step->path, S_IFIFO | step->perm);
	case STEP_SYMLINK:
		return tree_symlink(s->tree, step->path, step->other);
	case STEP_WRITE:
		return tree_write(
		    s->tree, step->path, step->offset, data_of(step));
	case STEP_APPEND:
		return tree_append(s->tree, step->path, data_of(step));
	case STEP_EMPTY:
		return tree_truncate(s->tree, step->path, 0);
	case STEP_TRUNCATE:
		return tree_truncate(s->tree, step->path, step->offset);
	case STEP_CHMOD:
		return tree_chmod(s->tree, step->path, step->perm | 0700);
	case STEP_RENAME:
		return tree_rename(
		    s->tree, step->path, step->other, step->flags);
	case STEP_HOLD:
	case STEP_UNLINK:
		return tree_unlink(s->tree, step->path);
	case STEP_RMDIR:
		return tree_rmdir(s->tree, step->path);
	case STEP_SET_XATTR:
		return tree_set_xattr(s->tree, step->path, data_of(step));
	case STEP_REMOVE_XATTR:
		return tree_remove_xattr(s->tree, step->path);
	case STEP_FSYNC:
	case STEP_WRITE_HELD:
		return 0;
	}
	abort();
}

/* --- on disk -------------------------------------------------------------- */

/* -errno if the call failed, -EMSGSIZE if it did only a part: then it was more
 * than one request. */
static int
answer(ssize_t rc, size_t want)
{
	if (rc < 0)
		return -errno;
	return (size_t)rc == want ? 0 : -EMSGSIZE;
}

static int
run_open(const struct step *step, int flags)
{
	int fd = open(step->path, flags | O_CLOEXEC, step->perm);

	if (fd < 0)
		return -errno;
	close(fd);
	return 0;
}

static int
run_write(const struct step *step, int flags)
{
	struct tree_data d = data_of(step);
	int fd = open(step->path, O_WRONLY | O_CLOEXEC | flags);
	int err;

	if (fd < 0)
		return -errno;
	if (flags & O_APPEND)
		err = answer(write(fd, d.bytes, d.size), d.size);
	else
		err = answer(
		    pwrite(fd, d.bytes, d.size, (off_t)step->offset), d.size);
	close(fd);
	return err;
}

static int
run_fsync(const struct step *step)
{
	int fd = open(step->path, O_RDONLY | O_CLOEXEC);
	int err;

	if (fd < 0)
		return -errno;
	err = answer(step->fill % 2 ? fsync(fd) : fdatasync(fd), 0);
	close(fd);
	return err;
}

static int
run_hold(const struct step *step, int *held)
{
	int fd = open(step->path, O_RDWR | O_CLOEXEC);
	int err;

	if (fd < 0)
		return -errno;
	if (*held >= 0)
		close(*held);
	*held = fd;
	err = answer(unlink(step->path), 0);
	return err;
}

static int
run_write_held(const struct step *step, int held)
{
	struct tree_data d = data_of(step);

	if (held < 0)
		return 0;
	return answer(
	    pwrite(held, d.bytes, d.size, (off_t)step->offset), d.size);
}

int
step_run(const struct step *step, int *held)
{
	struct tree_data d;

	switch (step->kind) {
	case STEP_CREATE:
		return run_open(step, O_WRONLY | O_CREAT | O_EXCL);
	case STEP_MKDIR:
		return answer(mkdir(step->path, step->perm), 0);
	case STEP_FIFO:
		return answer(mkfifo(step->path, step->perm), 0);
	case STEP_SYMLINK:
		return answer(symlink(step->other, step->path), 0);
	case STEP_WRITE:
		return run_write(step, 0);
	case STEP_APPEND:
		return run_write(step, O_APPEND);
	case STEP_EMPTY:
		return run_open(step, O_WRONLY | O_TRUNC);
	case STEP_TRUNCATE:
		return answer(truncate(step->path, (off_t)step->offset), 0);
	case STEP_CHMOD:
		return answer(chmod(step->path, step->perm | 0700), 0);
	case STEP_RENAME:
		return answer(renameat2(AT_FDCWD, step->path, AT_FDCWD,
				  step->other, step->flags),
		    0);
	case STEP_UNLINK:
		return answer(unlink(step->path), 0);
	case STEP_RMDIR:
		return answer(rmdir(step->path), 0);
	case STEP_FSYNC:
		return run_fsync(step);
	case STEP_SET_XATTR:
		d = data_of(step);
		return answer(
		    setxattr(step->path, TREE_XATTR, d.bytes, d.size, 0), 0);
	case STEP_REMOVE_XATTR:
		return answer(removexattr(step->path, TREE_XATTR), 0);
	case STEP_HOLD:
		return run_hold(step, held);
	case STEP_WRITE_HELD:
		return run_write_held(step, *held);
	}
	abort();
}

#define STEP_NAME(name) #name,

void
step_text(const struct step *step, char *out, size_t size)
{
	static const char *const names[] = {STEP_KINDS(STEP_NAME)};

	snprintf(out, size, "%s %s %s offset %zu size %zu flags %u perm %o",
	    names[step->kind], step->path, step->other, step->offset,
	    step->size, step->flags, step->perm);
}
