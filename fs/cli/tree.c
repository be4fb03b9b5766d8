#include "fs/cli/tree.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "engine/base/must.h"
#include "fs/cli/command.h"
#include "fs/cli/key_arg.h"
#include "fs/cli/local.h"
#include "fs/cli/mount_table.h"
#include "fs/cli/report.h"

/* --- opening -------------------------------------------------------------- */

static int
open_store(const char *store, enum tree_access access, struct tree **out)
{
	struct local_options o = {
	    .create = access == TREE_CREATE,
	    .vol =
		{
		    .root_uid = getuid(),
		    .root_gid = getgid(),
		    .read_only = access == TREE_READ,
		},
	};
	struct local_holder holder;
	struct local l;
	int status = local_open_wait(store, &o, &l, &holder);

	if (status != COMMAND_DONE)
		return status;
	if (!l.store)
		return tree_mount_open(holder.mountpoint, out);
	return tree_local_open(&l, out);
}

int
tree_open(const char *store, enum tree_access access, struct tree **out)
{
	char path[PATH_MAX];
	struct tree *t;
	int status;

	/* realpath fails on the mount of a daemon that has died. */
	if (!realpath(store, path))
		snprintf(path, sizeof(path), "%s", store);
	if (mount_table_find(path, NULL, 0))
		status = tree_mount_open(path, &t);
	else
		status = open_store(store, access, &t);
	if (status != COMMAND_DONE)
		return status;
	t->path = store;
	*out = t;
	return COMMAND_DONE;
}

int
tree_close(struct tree *t)
{
	return t->ops->close(t);
}

int
tree_enter(struct tree *open, const char *store, enum tree_access access,
    struct tree **out)
{
	if (!open)
		return tree_open(store, access, out);
	*out = open;
	return COMMAND_DONE;
}

int
tree_leave(struct tree *open, struct tree *t, int status)
{
	int closed = open ? COMMAND_DONE : tree_close(t);

	return status == COMMAND_DONE ? closed : status;
}

/* --- finding -------------------------------------------------------------- */

int
tree_find_dir(struct tree *t, struct bytes key, tree_handle *out)
{
	tree_handle dir = t->root;
	struct bytes name;
	int err = 0;

	while (err == 0 && key_arg_next(&key, &name)) {
		tree_handle up = dir;

		err = t->ops->dir_open(t, (struct tree_place){up, name}, &dir);
		t->ops->dir_close(t, up);
	}
	if (err == 0)
		*out = dir;
	return err;
}

int
tree_find(struct tree *t, struct bytes key, struct tree_place *out)
{
	tree_handle dir;
	int err = tree_find_dir(t, key_arg_parent(key), &dir);

	if (err == 0)
		*out = (struct tree_place){dir, key_arg_name(key)};
	return err;
}

int
tree_stat(struct tree *t, struct bytes key, struct stat *out)
{
	struct tree_place at;
	int err = tree_find(t, key, &at);

	if (err != 0)
		return err;
	err = t->ops->stat(t, at, out);
	t->ops->dir_close(t, at.dir);
	return err;
}

struct tree_name
tree_name_of(struct bytes name)
{
	struct tree_name n;

	must(name.size <= KEY_NAME_MAX);
	memcpy(n.text, name.data, name.size);
	n.text[name.size] = '\0';
	return n;
}

/* --- content -------------------------------------------------------------- */

int
tree_read(struct tree *t, struct tree_place at,
    int (*each)(void *ctx, struct bytes chunk), void *ctx)
{
	struct buf chunk = {0};
	uint64_t offset = 0;
	tree_handle file;
	int err = t->ops->file_open(t, at, false, &file);

	if (err != 0)
		return err;
	do {
		buf_clear(&chunk);
		err = t->ops->file_read(t, file, offset, &chunk);
		if (err == 0 && chunk.size > 0)
			err = each(ctx, buf_bytes(&chunk));
		offset += chunk.size;
	} while (err == 0 && chunk.size > 0);
	t->ops->file_close(t, file);
	buf_fini(&chunk);
	return err;
}

int
tree_sync(struct tree *t)
{
	return t->ops->sync(t);
}
