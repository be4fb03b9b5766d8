#include "tests/support/copied.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "tests/support/counted.h"
#include "tests/support/unsynced.h"

void
copied_next_path(struct copied *p)
{
	(void)snprintf(
	    p->path, sizeof(p->path), "%s/copy%u", p->base, p->copies++);
}

struct copied *
copied_new(void)
{
	struct copied *p = calloc(1, sizeof(*p));

	check_true(p != NULL);
	lsm_store_init(&p->s);
	lsm_store_init(&p->copy);
	p->ops = unsynced_ops(&p->s.posix);
	p->s.posix.ops = p->copy.posix.ops = &p->ops;
	check_rmtree(p->copy.dir);
	p->copy.dir = p->path;
	p->copy.options.create = false;
	p->base = check_tmpdir();
	copied_next_path(p);
	return p;
}

void
copied_free(struct copied *p)
{
	lsm_store_fini(&p->copy);
	lsm_store_fini(&p->s);
	check_rmtree(p->base);
	free(p);
}

void
copied_take(struct copied *p)
{
	lsm_store_close(&p->copy);
	copied_next_path(p);
	check_ok(lsm_checkpoint(p->s.db, p->path));
	lsm_store_open(&p->copy);
	lsm_store_check(&p->copy);
}

void
copied_write(struct copied *p, uint64_t from, uint64_t to)
{
	for (uint64_t n = from; n <= to; n++)
		check_ok(counted_write(p->s.db, n, NULL));
}

uint64_t
copied_state_at(struct lsm *db, const char *name)
{
	struct lsm_snapshot *at;
	uint64_t n;

	check_ok(lsm_snapshot_find(db, name, &at));
	n = counted_state(db, at);
	lsm_snapshot_close(db, at);
	return n;
}

int
copied_no_link(struct env *env, const char *from, const char *to)
{
	(void)env;
	(void)from;
	(void)to;
	return -EXDEV;
}

unsigned
copied_links(struct lsm_store *s)
{
	struct stat st;

	check_ok(stat(lsm_store_file(s, ".sst"), &st));
	return (unsigned)st.st_nlink;
}
