/*
 * list: the names of a store's files.
 */
#include <stdlib.h>

#include "engine/db/file_name.h"
#include "engine/lsm.h"
#include "engine/os/env.h"

struct list_file {
	enum file_name_kind kind;
	uint64_t number;
};

struct list {
	struct list_file *files;
	size_t count;
};

static int
list_add(void *ctx, const char *name)
{
	struct list *l = ctx;
	struct list_file *files;
	uint64_t number;
	enum file_name_kind kind = file_name_parse(name, &number);

	if (kind != FILE_NAME_MANIFEST && kind != FILE_NAME_LOG &&
	    kind != FILE_NAME_TABLE && kind != FILE_NAME_VALUES)
		return 0;
	files = reallocarray(l->files, l->count + 1, sizeof(*files));
	if (!files)
		return -ENOMEM;
	l->files = files;
	l->files[l->count++] = (struct list_file){kind, number};
	return 0;
}

/* Manifests, logs, tables, files of values, each by number. */
static int
list_cmp(const void *a, const void *b)
{
	const struct list_file *x = a, *y = b;

	if (x->kind != y->kind)
		return (x->kind > y->kind) - (x->kind < y->kind);
	return (x->number > y->number) - (x->number < y->number);
}

static int
list_each(const struct list *l, const char *path,
    int (*each)(void *ctx, const char *path), void *ctx)
{
	int rc = 0;

	for (size_t i = 0; i < l->count && rc == 0; i++) {
		char *file =
		    file_name_path(path, l->files[i].kind, l->files[i].number);

		if (!file)
			return -ENOMEM;
		rc = each(ctx, file);
		free(file);
	}
	return rc;
}

int
lsm_list_files(
    const char *path, int (*each)(void *ctx, const char *path), void *ctx)
{
	struct err_sink nobody = {0};
	struct list l = {0};
	struct env env;
	int err;

	env_posix_init(&env, nobody);
	err = env_list(&env, path, list_add, &l);
	if (!err && l.count > 0)
		qsort(l.files, l.count, sizeof(*l.files), list_cmp);
	if (!err)
		err = list_each(&l, path, each, ctx);
	free(l.files);
	return err;
}
