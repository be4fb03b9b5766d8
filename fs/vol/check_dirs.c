#include "fs/vol/check_dirs.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/base/array.h"
#include "fs/record/super.h"
#include "fs/vol/prefix.h"

#define DIRS_NONE SIZE_MAX

/* --- texts ----------------------------------------------------- */

static int
check_dirs_keep(struct check_dirs *d, struct bytes s, struct check_span *out)
{
	size_t at = d->text.size;
	int err = buf_append_bytes(&d->text, s);

	if (err == 0)
		*out = (struct check_span){at, s.size};
	return err;
}

static struct bytes
check_dirs_text(const struct check_dirs *d, struct check_span s)
{
	return s.size ? bytes_of(d->text.data + s.at, s.size)
		      : bytes_of(NULL, 0);
}

static struct bytes
check_dirs_range_prefix(const struct check_dirs *d, const struct check_range *r)
{
	return check_dirs_text(
	    d, (struct check_span){r->key.at + 1, r->prefix_size});
}

/* --- collecting ----------------------------------------------------------- */

static int
check_dirs_add_range(struct check_dirs *d, const struct check_entry *entry)
{
	struct check_range r = {
	    .prefix_size = entry->parts->prefix.size,
	    .owner = DIRS_NONE,
	};
	int err = array_reserve(
	    &d->ranges, sizeof(*d->ranges), d->range_count + 1, &d->range_cap);

	if (err == 0)
		err = check_dirs_keep(d, entry->key, &r.key);
	if (err == 0)
		d->ranges[d->range_count++] = r;
	return err;
}

/* The entry's range is the last one: keys come in order. */
static int
check_dirs_range(struct check_dirs *d, const struct check_entry *entry)
{
	if (d->range_count > 0 &&
	    bytes_eq(check_dirs_range_prefix(d, &d->ranges[d->range_count - 1]),
		entry->parts->prefix))
		return 0;
	return check_dirs_add_range(d, entry);
}

static int
check_dirs_add(struct check_dirs *d, const struct check_entry *entry)
{
	const struct prefix_place at = {
	    entry->parts->prefix, entry->parts->name};
	struct check_dir dir = {
	    .ino = entry->e->ino,
	    .nlink = entry->e->nlink,
	    .is_root = entry->parts->name.size == 0,
	    .range = d->range_count - 1,
	};
	int err = array_reserve(
	    &d->dirs, sizeof(*d->dirs), d->dir_count + 1, &d->dir_cap);

	dir.is_home = prefix_is_home(entry->e->prefix, at);
	if (err == 0)
		err = check_dirs_keep(d, entry->key, &dir.key);
	if (err == 0)
		err = check_dirs_keep(d, entry->e->prefix, &dir.prefix);
	if (err == 0)
		d->dirs[d->dir_count++] = dir;
	return err;
}

static int
check_dirs_root(struct check_dirs *d, struct check_say *say,
    const struct check_entry *entry)
{
	const struct entry *e = entry->e;

	d->has_root = true;
	if (!e)
		return 0;
	if (e->type != ENTRY_DIR)
		return check_say(say, entry->key, "the root is no directory");
	if (e->ino != SUPER_INO_ROOT || e->prefix.size > 0) {
		int err = check_say(say, entry->key,
		    "the root has another inode number or prefix");
		if (err)
			return err;
	}
	return check_dirs_add(d, entry);
}

int
check_dirs_entry(struct check_dirs *d, struct check_say *say,
    const struct check_entry *entry)
{
	int err;

	if (entry->parts->name.size == 0)
		return check_dirs_root(d, say, entry);
	err = check_dirs_range(d, entry);
	if (err || !entry->e || entry->e->type != ENTRY_DIR)
		return err;
	d->ranges[d->range_count - 1].children++;
	return check_dirs_add(d, entry);
}

/* --- which directory has which prefix ------------------------------------- */

static int
check_dirs_cmp(const void *a, const void *b, void *ctx)
{
	const struct check_dir *x = a, *y = b;
	const struct check_dirs *d = ctx;
	int order = bytes_cmp(
	    check_dirs_text(d, x->prefix), check_dirs_text(d, y->prefix));

	/* Of two with one prefix the root, or the first key, has it. */
	return order ? order
		     : (x->key.at > y->key.at) - (x->key.at < y->key.at);
}

/* The first directory with the prefix, or DIRS_NONE. */
static size_t
check_dirs_find(const struct check_dirs *d, struct bytes prefix)
{
	size_t low = 0, high = d->dir_count;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (bytes_cmp(check_dirs_text(d, d->dirs[mid].prefix), prefix) <
		    0)
			low = mid + 1;
		else
			high = mid;
	}
	if (low < d->dir_count &&
	    bytes_eq(check_dirs_text(d, d->dirs[low].prefix), prefix))
		return low;
	return DIRS_NONE;
}

static int
check_dirs_own(
    struct check_dirs *d, struct check_say *say, struct check_range *r)
{
	r->owner = check_dirs_find(d, check_dirs_range_prefix(d, r));
	if (r->owner == DIRS_NONE)
		return check_say(say, check_dirs_text(d, r->key),
		    "no directory has this prefix");
	d->dirs[r->owner].children = r->children;
	return 0;
}

static bool
check_dirs_is_own_fresh(const struct check_dir *dir, struct bytes prefix)
{
	char fresh[24];

	snprintf(fresh, sizeof(fresh), "/%" PRIx64, dir->ino);
	return bytes_eq(prefix, bytes_str(fresh));
}

static int
check_dirs_one(struct check_dirs *d, struct check_say *say, size_t i)
{
	const struct check_dir *dir = &d->dirs[i];
	struct bytes key = check_dirs_text(d, dir->key);
	struct bytes prefix = check_dirs_text(d, dir->prefix);
	int err = 0;

	if (i > 0 &&
	    bytes_eq(check_dirs_text(d, d->dirs[i - 1].prefix), prefix))
		err = check_say(say, key, "another directory has its prefix");
	if (err == 0 && prefix_is_fresh(prefix) &&
	    !check_dirs_is_own_fresh(dir, prefix))
		err = check_say(say, key,
		    "its prefix belongs to another inode number than %" PRIu64,
		    dir->ino);
	if (err == 0 && dir->nlink != 2 + dir->children)
		err = check_say(say, key,
		    "link count %" PRIu32 " of a directory with %" PRIu64
		    " directories in it",
		    dir->nlink, dir->children);
	return err;
}

/* The directory above, or DIRS_NONE. */
static size_t
check_dirs_above(const struct check_dirs *d, size_t i)
{
	return d->dirs[i].is_root ? DIRS_NONE
				  : d->ranges[d->dirs[i].range].owner;
}

/* Up from there until the root, or where another walk came by.  Each walk
 * marks its way, so that all together take as many steps as there are
 * directories; one that meets its own marks goes round. */
static int
check_dirs_walk(struct check_dirs *d, struct check_say *say, size_t from)
{
	size_t at = from;

	while (at != DIRS_NONE && d->dirs[at].walk == 0) {
		d->dirs[at].walk = from + 1;
		at = check_dirs_above(d, at);
	}
	if (at == DIRS_NONE || d->dirs[at].walk != from + 1)
		return 0;
	return check_say(say, check_dirs_text(d, d->dirs[at].key),
	    "the directory is below itself");
}

int
check_dirs_join(struct check_dirs *d, struct check_say *say)
{
	int err = 0;

	if (d->dir_count > 0)
		qsort_r(
		    d->dirs, d->dir_count, sizeof(*d->dirs), check_dirs_cmp, d);
	for (size_t i = 0; i < d->range_count && err == 0; i++)
		err = check_dirs_own(d, say, &d->ranges[i]);
	for (size_t i = 0; i < d->dir_count && err == 0; i++)
		err = check_dirs_one(d, say, i);
	for (size_t i = 0; i < d->dir_count && err == 0; i++)
		err = check_dirs_walk(d, say, i);
	if (err == 0 && !d->has_root)
		err = check_say(
		    say, bytes_of("E\0", 2), "the root directory is missing");
	return err;
}

/* --- P records ------------------------------------------------------------ */

static bool
check_dirs_wants_record(const struct check_dirs *d, const struct check_dir *dir)
{
	return !dir->is_root && !dir->is_home &&
	       !prefix_is_fresh(check_dirs_text(d, dir->prefix));
}

int
check_dirs_prefix(
    struct check_dirs *d, struct check_say *say, struct bytes key, uint64_t ino)
{
	size_t i = check_dirs_find(d, bytes_of(key.data + 1, key.size - 1));

	if (i == DIRS_NONE)
		return check_say(say, key,
		    "no directory has this prefix (inode %" PRIu64 " had)",
		    ino);
	if (!check_dirs_wants_record(d, &d->dirs[i]))
		return check_say(say, key,
		    "the directory that has this prefix has not moved");
	d->dirs[i].has_record = true;
	if (d->dirs[i].ino != ino)
		return check_say(say, key,
		    "the prefix is that of inode %" PRIu64 ", not %" PRIu64,
		    d->dirs[i].ino, ino);
	return 0;
}

int
check_dirs_end(struct check_dirs *d, struct check_say *say)
{
	int err = 0;

	for (size_t i = 0; i < d->dir_count && err == 0; i++) {
		const struct check_dir *dir = &d->dirs[i];

		if (!dir->has_record && check_dirs_wants_record(d, dir))
			err = check_say(say, check_dirs_text(d, dir->key),
			    "its prefix is that of another place and not "
			    "recorded under P");
	}
	return err;
}

void
check_dirs_fini(struct check_dirs *d)
{
	free(d->ranges);
	free(d->dirs);
	buf_fini(&d->text);
	*d = (struct check_dirs){0};
}
