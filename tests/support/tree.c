#include "tests/support/tree.h"

#include <errno.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static void *
must_have(void *p)
{
	if (!p)
		abort();
	return p;
}

/* --- nodes --------------------------------------------------------------- */

static struct tree *
node_new(const char *name, size_t size, mode_t mode)
{
	struct tree *n = must_have(calloc(1, sizeof(*n)));

	n->name = must_have(strndup(name, size));
	n->mode = mode;
	return n;
}

struct tree *
tree_new(void)
{
	return node_new("", 0, S_IFDIR | 0755);
}

void
tree_free(struct tree *t)
{
	if (!t)
		return;
	while (t->first) {
		struct tree *next = t->first->next;

		tree_free(t->first);
		t->first = next;
	}
	free(t->content.bytes);
	free(t->xattr.bytes);
	free(t->name);
	free(t);
}

static struct tree *
child_of(struct tree *dir, const char *name, size_t size)
{
	for (struct tree *n = dir->first; n; n = n->next)
		if (strlen(n->name) == size && memcmp(n->name, name, size) == 0)
			return n;
	return NULL;
}

static void
link_into(struct tree *dir, struct tree *n)
{
	n->parent = dir;
	n->next = dir->first;
	dir->first = n;
}

static void
take_out(struct tree *n)
{
	struct tree **at = &n->parent->first;

	while (*at != n)
		at = &(*at)->next;
	*at = n->next;
	n->next = NULL;
	n->parent = NULL;
}

static void
rename_node(struct tree *n, const char *name)
{
	char *copy = must_have(strdup(name));

	free(n->name);
	n->name = copy;
}

/* Walks all of path but its last part, which becomes *last. */
static int
find_parent(
    struct tree *t, const char *path, struct tree **dir, const char **last)
{
	for (;;) {
		size_t n = strcspn(path, "/");

		if (!t)
			return -ENOENT;
		if (!S_ISDIR(t->mode))
			return -ENOTDIR;
		if (!path[n])
			break;
		t = child_of(t, path, n);
		path += n + 1;
	}
	*dir = t;
	*last = path;
	return 0;
}

struct tree *
tree_find(struct tree *t, const char *path)
{
	struct tree *dir;
	const char *last;

	if (!*path)
		return t;
	if (find_parent(t, path, &dir, &last) != 0)
		return NULL;
	return child_of(dir, last, strlen(last));
}

static int
find(struct tree *t, const char *path, struct tree **out)
{
	struct tree *dir;
	const char *last;
	int err = find_parent(t, path, &dir, &last);

	if (err != 0)
		return err;
	*out = child_of(dir, last, strlen(last));
	return *out ? 0 : -ENOENT;
}

void
tree_path(
    const struct tree *root, const struct tree *node, char *out, size_t size)
{
	char *end = out + size - 1;

	*end = 0;
	for (; node != root; node = node->parent) {
		size_t n = strlen(node->name);

		if (*end)
			*--end = '/';
		if ((size_t)(end - out) <= n)
			abort();
		end -= n;
		memcpy(end, node->name, n);
	}
	memmove(out, end, strlen(end) + 1);
}

size_t
tree_list(struct tree *t, struct tree **out, size_t max)
{
	size_t count = 0;

	for (struct tree *n = t->first; n && count < max; n = n->next) {
		out[count++] = n;
		count += tree_list(n, out + count, max - count);
	}
	return count;
}

/* --- changes ------------------------------------------------------------- */

int
tree_make(struct tree *t, const char *path, mode_t mode)
{
	struct tree *dir;
	const char *last;
	int err = find_parent(t, path, &dir, &last);

	if (err != 0)
		return err;
	if (child_of(dir, last, strlen(last)))
		return -EEXIST;
	link_into(dir, node_new(last, strlen(last), mode));
	return 0;
}

static void
set_data(struct tree_data *d, const uint8_t *bytes, size_t size)
{
	uint8_t *copy = must_have(malloc(size + 1));

	memcpy(copy, bytes, size);
	free(d->bytes);
	*d = (struct tree_data){copy, size};
}

int
tree_symlink(struct tree *t, const char *path, const char *target)
{
	int err = tree_make(t, path, S_IFLNK | 0777);

	if (err == 0)
		set_data(&tree_find(t, path)->content, (const uint8_t *)target,
		    strlen(target));
	return err;
}

static void
resize(struct tree_data *d, size_t size)
{
	d->bytes = must_have(realloc(d->bytes, size + 1));
	if (size > d->size)
		memset(d->bytes + d->size, 0, size - d->size);
	d->size = size;
}

static int
find_file(struct tree *t, const char *path, struct tree **out)
{
	int err = find(t, path, out);

	if (err == 0 && S_ISDIR((*out)->mode))
		err = -EISDIR;
	return err;
}

int
tree_write(
    struct tree *t, const char *path, size_t offset, struct tree_data data)
{
	struct tree *n;
	int err = find_file(t, path, &n);

	if (err != 0)
		return err;
	if (data.size > 0 && offset + data.size > n->content.size)
		resize(&n->content, offset + data.size);
	if (data.size > 0)
		memcpy(n->content.bytes + offset, data.bytes, data.size);
	return 0;
}

int
tree_append(struct tree *t, const char *path, struct tree_data data)
{
	struct tree *n;
	int err = find_file(t, path, &n);

	if (err != 0)
		return err;
	return tree_write(t, path, n->content.size, data);
}

int
tree_truncate(struct tree *t, const char *path, size_t size)
{
	struct tree *n;
	int err = find_file(t, path, &n);

	if (err == 0)
		resize(&n->content, size);
	return err;
}

int
tree_chmod(struct tree *t, const char *path, mode_t perm)
{
	struct tree *n;
	int err = find(t, path, &n);

	if (err == 0)
		n->mode = (n->mode & S_IFMT) | perm;
	return err;
}

int
tree_unlink(struct tree *t, const char *path)
{
	struct tree *n;
	int err = find_file(t, path, &n);

	if (err != 0)
		return err;
	take_out(n);
	tree_free(n);
	return 0;
}

int
tree_rmdir(struct tree *t, const char *path)
{
	struct tree *n;
	int err = find(t, path, &n);

	if (err == 0 && !S_ISDIR(n->mode))
		err = -ENOTDIR;
	if (err == 0 && n->first)
		err = -ENOTEMPTY;
	if (err != 0)
		return err;
	take_out(n);
	tree_free(n);
	return 0;
}

int
tree_set_xattr(struct tree *t, const char *path, struct tree_data value)
{
	struct tree *n;
	int err = find(t, path, &n);

	if (err == 0)
		set_data(&n->xattr, value.bytes, value.size);
	return err;
}

int
tree_remove_xattr(struct tree *t, const char *path)
{
	struct tree *n;
	int err = find(t, path, &n);

	if (err == 0 && !n->xattr.bytes)
		err = -ENODATA;
	if (err != 0)
		return err;
	free(n->xattr.bytes);
	n->xattr = (struct tree_data){0};
	return 0;
}

/* --- rename -------------------------------------------------------------- */

static bool
is_below(const struct tree *n, const struct tree *dir)
{
	for (; n; n = n->parent)
		if (n == dir)
			return true;
	return false;
}

/* Which error comes first is as in the kernel's renameat2. */
static int
check_rename(const struct tree *from, const struct tree *to,
    const struct tree *to_dir, unsigned flags)
{
	bool exchange = flags & RENAME_EXCHANGE;

	if (to && (flags & RENAME_NOREPLACE))
		return -EEXIST;
	if (!to && exchange)
		return -ENOENT;
	if (is_below(to_dir, from))
		return -EINVAL;
	if (to && is_below(from->parent, to))
		return exchange ? -EINVAL : -ENOTEMPTY;
	if (!to || to == from || exchange)
		return 0;
	if (S_ISDIR(from->mode) && !S_ISDIR(to->mode))
		return -ENOTDIR;
	if (!S_ISDIR(from->mode) && S_ISDIR(to->mode))
		return -EISDIR;
	return to->first ? -ENOTEMPTY : 0;
}

static void
exchange(struct tree *a, struct tree *b)
{
	struct tree *a_dir = a->parent, *b_dir = b->parent;
	char *name = a->name;

	take_out(a);
	take_out(b);
	a->name = b->name;
	b->name = name;
	link_into(b_dir, a);
	link_into(a_dir, b);
}

int
tree_rename(struct tree *t, const char *from, const char *to, unsigned flags)
{
	struct tree *from_dir, *to_dir, *a, *b;
	const char *a_name, *b_name;
	int err = find_parent(t, from, &from_dir, &a_name);

	if (err == 0)
		err = find_parent(t, to, &to_dir, &b_name);
	if (err != 0)
		return err;
	a = child_of(from_dir, a_name, strlen(a_name));
	b = child_of(to_dir, b_name, strlen(b_name));
	if (!a)
		return -ENOENT;
	err = check_rename(a, b, to_dir, flags);
	if (err != 0 || a == b)
		return err;
	if (flags & RENAME_EXCHANGE) {
		exchange(a, b);
		return 0;
	}
	take_out(a);
	rename_node(a, b_name);
	link_into(to_dir, a);
	if (b) {
		take_out(b);
		tree_free(b);
	}
	return 0;
}
