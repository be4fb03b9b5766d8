#include <stdio.h>
#include <stdlib.h>

#include "engine/db/file_name.h"
#include "engine/db/vset.h"
#include "engine/table/vref.h"

struct cleaning {
	const struct vset *set;
	struct version *version;
};

static bool
is_table_of(const struct version *v, uint64_t number)
{
	for (unsigned i = 0; i < LSM_LEVELS; i++)
		for (size_t j = 0; j < v->levels[i].count; j++)
			if (v->levels[i].files[j]->number == number)
				return true;
	return false;
}

static bool
has_values(const struct version *v, uint64_t number, enum vref_kind kind)
{
	return version_find_use(v, vref_file(number, kind)) != NULL;
}

static bool
is_needed(const struct cleaning *c, enum file_name_kind kind, uint64_t number)
{
	switch (kind) {
	case FILE_NAME_MANIFEST:
		return number == c->set->manifest_number;
	case FILE_NAME_LOG:
		if (has_values(c->version, number, VREF_KIND_LOG))
			return true;
		return number >= atomic_load_explicit(
				     &c->set->log_number, memory_order_relaxed);
	case FILE_NAME_VALUES:
		return has_values(c->version, number, VREF_KIND_VALUES);
	case FILE_NAME_TABLE:
		return is_table_of(c->version, number);
	case FILE_NAME_TEMPORARY:
		return false;
	case FILE_NAME_LOCK:
	case FILE_NAME_CURRENT:
	case FILE_NAME_RESERVE:
	case FILE_NAME_OTHER:
		break;
	}
	return true;
}

static int
clean_name(void *ctx, const char *name)
{
	const struct cleaning *c = ctx;
	const struct version_place *p = &c->set->place;
	uint64_t number;
	enum file_name_kind kind = file_name_parse(name, &number);
	char *path;
	int err;

	if (is_needed(c, kind, number))
		return 0;
	if (asprintf(&path, "%s/%s", p->dir, name) < 0)
		return -ENOMEM;
	err_log(c->set->sink, ERR_LEVEL_INFO,
	    "%s: removed, left over from a crash", path);
	err = env_unlink(p->env, path);
	free(path);
	return err;
}

/* A name that a power cut brings back is removed at the next open: the
 * directory needs no sync. */
int
vset_delete_unnamed(struct vset *s)
{
	struct cleaning c = {.set = s, .version = vset_current(s)};
	int err = env_list(s->place.env, s->place.dir, clean_name, &c);

	version_unref(c.version);
	return err;
}
