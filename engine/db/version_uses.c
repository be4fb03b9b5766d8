#include "engine/db/version_uses.h"

#include <stdlib.h>

#include "engine/base/array.h"
#include "engine/db/values.h"

static int
uses_reserve(struct version_uses *u, size_t more)
{
	return array_reserve(
	    &u->uses, sizeof(*u->uses), u->count + more, &u->room);
}

int
version_uses_begin(struct version_uses *u, const struct version *base)
{
	int err = uses_reserve(u, base->use_count);

	if (err || base->use_count == 0)
		return err;
	memcpy(u->uses, base->uses, base->use_count * sizeof(*u->uses));
	u->count = base->use_count;
	return 0;
}

/* A file that has no place yet holds none of them. */
static int
uses_count(struct version_uses *u, const struct version_file *f, uint64_t sign)
{
	size_t n = f->values ? f->value_refs.count : 0;
	int err = uses_reserve(u, n);

	for (size_t i = 0; i < n && !err; i++)
		u->uses[u->count++] = (struct version_use){
		    .file = f->values[i],
		    .bytes = f->value_refs.uses[i].bytes * sign,
		    .tables = sign,
		};
	return err;
}

int
version_uses_add(struct version_uses *u, const struct version_file *f)
{
	return uses_count(u, f, 1);
}

int
version_uses_subtract(struct version_uses *u, const struct version_file *f)
{
	return uses_count(u, f, UINT64_MAX);
}

static int
cmp_file(const void *a, const void *b)
{
	const struct version_use *x = a, *y = b;

	return (x->file->file > y->file->file) -
	       (x->file->file < y->file->file);
}

void
version_uses_finish(struct version_uses *u, struct version *v)
{
	size_t n = 0;

	if (u->count > 0)
		qsort(u->uses, u->count, sizeof(*u->uses), cmp_file);
	for (size_t i = 0; i < u->count;) {
		struct version_use sum = u->uses[i++];

		for (; i < u->count && u->uses[i].file == sum.file; i++) {
			sum.bytes += u->uses[i].bytes;
			sum.tables += u->uses[i].tables;
		}
		if (sum.tables > 0)
			u->uses[n++] = sum;
	}
	v->uses = u->uses;
	v->use_count = n;
	u->uses = NULL;
	u->count = u->room = 0;
}

void
version_uses_fini(struct version_uses *u)
{
	free(u->uses);
	*u = (struct version_uses){0};
}
