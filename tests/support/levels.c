#include "tests/support/levels.h"

#define LEVEL0_TABLES 3

size_t
levels_user_end(const struct sorted *s, size_t at)
{
	struct bytes user = ikey_user(s->entries[at].key);

	while (at < s->count && bytes_eq(ikey_user(s->entries[at].key), user))
		at++;
	return at;
}

/* The entries with low < seq <= high, in order. */
static void
levels_slice(
    const struct sorted *all, uint64_t low, uint64_t high, struct sorted *out)
{
	for (size_t i = 0; i < all->count; i++) {
		const struct sorted_entry *entry = &all->entries[i];
		struct ikey key;

		check_ok(ikey_decode(entry->key, &key));
		if (key.seq > low && key.seq <= high)
			sorted_add(
			    out, key.user, key.seq, key.kind, entry->value);
	}
}

/* Cuts s into tables between user keys; level 0 gets one table. */
static void
levels_cut(struct store_dir *d, const struct sorted *s, unsigned level,
    struct check_rand *r, uint64_t *number, struct edit *e)
{
	struct version_file *f;

	for (size_t i = 0, end; i < s->count; i = end) {
		end = level == 0 ? s->count : levels_user_end(s, i);
		while (end < s->count && !check_rand_one_in(r, 8))
			end = levels_user_end(s, end);
		f = store_dir_table(d, (*number)++, s, i, end);
		check_ok(edit_add_file(e, level, f));
		version_file_unref(f);
	}
}

void
levels_spread(struct store_dir *d, const struct sorted *all,
    struct check_rand *r, uint64_t *number, struct edit *e)
{
	uint64_t low = 0, high;

	/* From the oldest up: level 6 to 1, then the tables of level 0. */
	for (unsigned i = 1; low < all->count; i++) {
		unsigned level = i < LSM_LEVELS ? LSM_LEVELS - i : 0;
		struct sorted slice = {0};

		high = low + check_rand_below(r, all->count / 4 + 2);
		if (i + 1 == LSM_LEVELS + LEVEL0_TABLES)
			high = all->count;
		levels_slice(all, low, high, &slice);
		levels_cut(d, &slice, level, r, number, e);
		sorted_fini(&slice);
		low = high;
	}
}

struct version *
levels_version(
    struct store_dir *d, const struct sorted *all, struct check_rand *r)
{
	struct edit e = {0};
	struct version *v;
	uint64_t number = 1;

	levels_spread(d, all, r, &number, &e);
	check_ok(version_build(NULL, &e, &d->sink, &v));
	edit_fini(&e);
	return v;
}
