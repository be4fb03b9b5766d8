#include "tests/support/spares.h"

#include <dirent.h>
#include <sys/stat.h>

#include "engine/db/db.h"

uint64_t
spares_size_of(const char *path)
{
	struct stat st;

	check_ok(stat(path, &st));
	return (uint64_t)st.st_size;
}

ino_t
spares_inode_of(const char *path)
{
	struct stat st;

	check_ok(stat(path, &st));
	return st.st_ino;
}

unsigned
spares_count_names(struct lsm_store *s, const char *part)
{
	DIR *dir = opendir(s->dir);
	struct dirent *e;
	unsigned n = 0;

	check_true(dir != NULL);
	while ((e = readdir(dir)))
		n += strstr(e->d_name, part) != NULL;
	check_ok(closedir(dir));
	return n;
}

unsigned
spares_ready(struct lsm_store *s)
{
	struct spare *p;
	uint64_t number = TAILQ_LAST(&s->db->segments, segment_list)->number;
	unsigned n = 0;

	STAILQ_FOREACH (p, &s->db->spares.ready, link) {
		check_le(number + 1, p->number);
		number = p->number;
		check_eq(spares_size_of(p->path), spare_bytes(s->db));
		n++;
	}
	check_le(n, SPARE_MAX);
	return n;
}

bool
spares_in_use(struct lsm_store *s)
{
	return wal_prepared(s->db->log->wal) > 0;
}

unsigned
spares_put_and_sync(struct lsm_store *s, unsigned i)
{
	lsm_store_fill(s, i, i + 1, 10, 'a');
	check_ok(lsm_sync(s->db, lsm_seq(s->db)));
	return i + 1;
}

unsigned
spares_sync_until_wanted(struct lsm_store *s)
{
	unsigned i = 0;

	while (!s->db->spares.wanted)
		i = spares_put_and_sync(s, i);
	check_le(10, i);
	check_le(i, 16);
	check_eq(spares_count_names(s, ".log"), 1);
	return i;
}

unsigned
spares_sync_until_ready(struct lsm_store *s)
{
	unsigned i = spares_put_and_sync(s, spares_sync_until_wanted(s));

	check_eq(spares_ready(s), 1);
	return i;
}

unsigned
spares_fill_memtable(struct lsm_store *s, unsigned i)
{
	uint64_t flushes = lsm_store_stats(s).flushes;

	while (lsm_store_stats(s).flushes == flushes) {
		lsm_store_fill(s, i, i + 1, 10, 'a');
		if (++i % 16 == 0)
			check_ok(lsm_sync(s->db, lsm_seq(s->db)));
	}
	return i;
}

void
spares_open(struct lsm_store *s)
{
	lsm_store_init(s);
	lsm_store_open(s);
}

void
spares_check_all(struct lsm_store *s, unsigned n)
{
	const char *copy = lsm_store_copy(s);

	lsm_store_expect(s, 0, n, 10, 'a');
	lsm_store_check(s);
	lsm_store_close(s);
	check_rmtree(s->dir);
	s->dir = copy;
	lsm_store_open(s);
	lsm_store_expect(s, 0, n, 10, 'a');
	lsm_store_check(s);
}
