#include "fs/cli/tree.h"

static int remove_dir(
    struct tree *t, struct tree_place at, const struct tree_remove *how);

static int
remove_one(struct tree *t, struct tree_place at, bool is_dir,
    const struct tree_remove *how)
{
	int err = t->ops->remove(t, at, is_dir);

	if (err == 0 && how->removed)
		how->removed(how->ctx);
	return err;
}

static int
remove_below(struct tree *t, tree_handle dir, const struct tree_remove *how)
{
	struct list names = {0};
	int err = t->ops->list(t, dir, &names);

	for (size_t i = 0; err == 0 && i < names.count; i++) {
		struct tree_place at = {dir, list_name(&names, i)};

		err = S_ISDIR(list_type(&names, i))
			  ? remove_dir(t, at, how)
			  : remove_one(t, at, false, how);
		if (err == -ENOENT)
			err = 0; /* somebody else was faster */
	}
	list_fini(&names);
	return err;
}

static int
remove_dir(struct tree *t, struct tree_place at, const struct tree_remove *how)
{
	tree_handle dir;
	int err = t->ops->dir_open(t, at, &dir);

	if (err != 0)
		return err;
	err = remove_below(t, dir, how);
	t->ops->dir_close(t, dir);
	return err ? err : remove_one(t, at, true, how);
}

int
tree_remove(struct tree *t, struct bytes key, const struct tree_remove *how)
{
	struct tree_place at;
	struct stat st;
	int err = tree_find(t, key, &at);

	if (err != 0)
		return err;
	err = t->ops->stat(t, at, &st);
	if (err == 0 && !S_ISDIR(st.st_mode))
		err = remove_one(t, at, false, how);
	else if (err == 0 && how->recursive)
		err = remove_dir(t, at, how);
	else if (err == 0)
		err = -EISDIR;
	t->ops->dir_close(t, at.dir);
	return err;
}
