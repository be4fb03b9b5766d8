#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fs/cli/key_arg.h"
#include "fs/cli/tree.h"

/* Dot files are seldom matched by patterns, should one ever be left over. */
#define TEMPORARY ".keyfs-put-%08x%08x"

/* Opens the directory, making it if it is missing. */
static int
enter(struct tree *t, struct tree_place at, tree_handle *out)
{
	int err = t->ops->dir_open(t, at, out);

	if (err != -ENOENT)
		return err;
	err = t->ops->mkdir(t, at, 0755);
	if (err != 0 && err != -EEXIST)
		return err;
	return t->ops->dir_open(t, at, out);
}

static int
enter_parent(struct tree *t, struct bytes key, struct tree_place *out)
{
	struct bytes rest = key_arg_parent(key);
	tree_handle dir = t->root;
	struct bytes name;
	int err = 0;

	while (err == 0 && key_arg_next(&rest, &name)) {
		tree_handle up = dir;

		err = enter(t, (struct tree_place){up, name}, &dir);
		t->ops->dir_close(t, up);
	}
	if (err == 0)
		*out = (struct tree_place){dir, key_arg_name(key)};
	return err;
}

/* What is there already: 1 a file, 0 nothing, <0 what cannot be replaced. */
static int
look(struct tree *t, struct tree_place at, struct stat *st)
{
	int err = t->ops->stat(t, at, st);

	if (err != 0)
		return err == -ENOENT ? 0 : err;
	if (S_ISDIR(st->st_mode))
		return -EISDIR;
	if (S_ISLNK(st->st_mode))
		return -ELOOP;
	return S_ISREG(st->st_mode) ? 1 : -ENXIO;
}

/* first: what was read of the value already. */
static int
fill(struct tree *t, tree_handle file, const struct tree_source *source,
    struct buf *first)
{
	uint64_t offset = 0;
	int err = 0;

	while (err == 0 && first->size > 0) {
		err = t->ops->file_write(t, file, offset, buf_bytes(first));
		offset += first->size;
		buf_clear(first);
		if (err == 0)
			err = source->next(source->ctx, first);
	}
	return err;
}

/* What stands under security. is the system's word on a content (capabilities,
 * signatures), which is another one now. */
static int
copy_xattr(struct tree *t, tree_handle from, const char *name, tree_handle to)
{
	uint8_t value[TREE_XATTR_BYTES];
	size_t size;
	int err;

	if (bytes_has_prefix(bytes_str(name), bytes_str("security.")))
		return 0;
	err = t->ops->xattr_get(t, from, name, value, &size);
	return err ? err
		   : t->ops->xattr_set(t, to, name, bytes_of(value, size));
}

static int
copy_xattrs(struct tree *t, struct tree_place at, tree_handle to)
{
	char names[TREE_XATTR_BYTES];
	size_t size = 0;
	tree_handle from;
	int err = t->ops->file_open(t, at, false, &from);

	/* Names can be listed without the right to read. */
	if (err == -EACCES)
		err = t->ops->file_open(t, at, true, &from);
	if (err != 0)
		return err;
	err = t->ops->xattr_list(t, from, names, &size);
	for (size_t i = 0; err == 0 && i < size; i += strlen(names + i) + 1)
		err = copy_xattr(t, from, names + i, to);
	t->ops->file_close(t, from);
	return err;
}

static int
replace(struct tree *t, struct tree_place at, const struct tree_source *source,
    struct buf *first)
{
	struct stat old;
	int there = look(t, at, &old);
	struct tree_place temporary = at;
	tree_handle file;
	char name[64];
	int err, err2;

	if (there < 0)
		return there;
	snprintf(name, sizeof(name), TEMPORARY, arc4random(), arc4random());
	temporary.name = bytes_str(name);
	err = t->ops->file_create(t, temporary, there ? 0600 : 0644, &file);
	if (err != 0)
		return err;
	err = fill(t, file, source, first);
	/* First, since the mode may forbid writing. */
	if (err == 0 && there)
		err = copy_xattrs(t, at, file);
	if (err == 0 && there)
		err = t->ops->file_own(t, file, &old);
	err2 = t->ops->file_close(t, file);
	if (err == 0)
		err = err2;
	if (err == 0)
		err = t->ops->rename(t, temporary, at.name);
	if (err != 0)
		t->ops->remove(t, temporary, false);
	return err;
}

int
tree_put(struct tree *t, struct bytes key, const struct tree_source *source)
{
	struct buf first = {0};
	struct tree_place at;
	/* Waiting for a person to type must not leave a file behind. */
	int err = source->next(source->ctx, &first);

	if (err == 0)
		err = enter_parent(t, key, &at);
	if (err == 0) {
		err = replace(t, at, source, &first);
		t->ops->dir_close(t, at.dir);
	}
	if (err == 0)
		err = t->ops->sync(t);
	buf_fini(&first);
	return err;
}
