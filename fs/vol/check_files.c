#include "fs/vol/check_files.h"

#include <inttypes.h>
#include <stdlib.h>

#include "engine/base/array.h"

/* All that is searched begins with the ino. */
static int
check_files_cmp(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static void *
check_files_find(void *array, size_t count, size_t size, uint64_t ino)
{
	return count ? bsearch(&ino, array, count, size, check_files_cmp)
		     : NULL;
}

static struct check_orphan *
check_files_find_orphan(const struct check_files *f, uint64_t ino)
{
	return check_files_find(
	    f->orphans, f->orphan_count, sizeof(*f->orphans), ino);
}

/* --- orphans -------------------------------------------------------------- */

int
check_files_orphan_known(
    struct check_files *f, uint64_t ino, const struct super_orphan *o)
{
	int err = array_reserve(&f->orphans, sizeof(*f->orphans),
	    f->orphan_count + 1, &f->orphan_cap);

	if (err == 0)
		f->orphans[f->orphan_count++] =
		    (struct check_orphan){ino, o->is_trim, o->from_block};
	return err;
}

static int
check_files_orphan_entry(struct check_say *say, struct bytes key, uint64_t ino,
    const struct super_orphan *o)
{
	struct entry e;
	int err = entry_decode(o->entry, &e);

	if (err)
		return check_say(
		    say, key, "the orphan's entry: %s", err_text(err));
	if (e.ino != ino)
		return check_say(say, key,
		    "the orphan's entry is that of inode %" PRIu64, e.ino);
	if (e.nlink != 0)
		return check_say(
		    say, key, "link count %" PRIu32 " of an orphan", e.nlink);
	return 0;
}

int
check_files_orphan(struct check_say *say, struct bytes key, struct bytes record,
    const struct check_inos *linked)
{
	struct key_parts parts;
	struct super_orphan o;
	int err = super_orphan_decode(record, &o);

	if (err)
		return check_say(say, key, "an orphan: %s", err_text(err));
	err = key_decode(key, &parts);
	if (err)
		return err;
	if (o.is_trim)
		return check_inos_has(linked, parts.ino)
			   ? 0
			   : check_say(say, key,
				 "blocks to be removed from a file that is "
				 "not there");
	if (check_inos_has(linked, parts.ino))
		return check_say(say, key,
		    "inode %" PRIu64 " is no orphan, an entry has it",
		    parts.ino);
	return check_files_orphan_entry(say, key, parts.ino, &o);
}

/* --- blocks --------------------------------------------------------------- */

/* What is waiting to be deleted needs no owner. */
static bool
check_files_will_go(const struct check_files *f, const struct key_parts *parts)
{
	const struct check_orphan *o = check_files_find_orphan(f, parts->ino);

	return o && (!o->is_trim || parts->block >= o->from_block);
}

static int
check_files_add_block(struct check_files *f, uint64_t ino, uint64_t end)
{
	struct check_blocks *last =
	    f->block_count ? &f->blocks[f->block_count - 1] : NULL;
	int err;

	if (last && last->ino == ino) {
		last->end = end;
		return 0;
	}
	err = array_reserve(
	    &f->blocks, sizeof(*f->blocks), f->block_count + 1, &f->block_cap);
	if (err == 0)
		f->blocks[f->block_count++] = (struct check_blocks){ino, end};
	return err;
}

int
check_files_block(struct check_files *f, struct check_say *say,
    struct bytes key, const struct key_parts *parts, size_t size)
{
	uint64_t block_bytes = f->super.block_bytes;

	if (size == 0)
		return check_say(say, key, "the block is empty");
	if (!f->has_super || check_files_will_go(f, parts))
		return 0;
	if (size > block_bytes)
		return check_say(say, key,
		    "the block has %zu bytes, more than the %" PRIu64
		    " of a block",
		    size, block_bytes);
	if (parts->block >= INT64_MAX / block_bytes)
		return check_say(
		    say, key, "the block is beyond the size of any file");
	return check_files_add_block(
	    f, parts->ino, parts->block * block_bytes + size);
}

static int
check_files_content(struct check_files *f, struct check_say *say,
    struct bytes key, const struct entry *e)
{
	bool small = e->size <= f->super.inline_bytes;

	if (e->type != ENTRY_FILE || !f->has_super || small == e->is_inline)
		return 0;
	return check_say(say, key,
	    "a file of %" PRIu64 " bytes %s in its entry", e->size,
	    small ? "does not stand" : "stands");
}

static int
check_files_add_big(struct check_files *f, uint64_t ino)
{
	int err = array_reserve(
	    &f->big, sizeof(*f->big), f->big_count + 1, &f->big_cap);

	if (err == 0)
		f->big[f->big_count++] = (struct check_big){.ino = ino};
	return err;
}

int
check_files_entry(struct check_files *f, struct check_say *say,
    struct bytes key, const struct entry *e)
{
	struct check_blocks *b = check_files_find(
	    f->blocks, f->block_count, sizeof(*f->blocks), e->ino);
	int err = check_files_content(f, say, key, e);

	if (err == 0 && e->has_big_xattrs)
		err = check_files_add_big(f, e->ino);
	if (err || !b || b->end == 0)
		return err;
	if (e->type != ENTRY_FILE || e->is_inline)
		err = check_say(
		    say, key, "has blocks, but is no file that may have them");
	else if (b->end > e->size)
		err = check_say(say, key,
		    "has a block until %" PRIu64 ", but only %" PRIu64 " bytes",
		    b->end, e->size);
	b->end = 0;
	return err;
}

static int
check_files_say_owner(
    struct check_files *f, struct check_say *say, const struct check_blocks *b)
{
	struct buf key = {0};
	int err = key_block(&key, b->ino, (b->end - 1) / f->super.block_bytes);

	if (err == 0)
		err = check_say(say, buf_bytes(&key),
		    "a block of inode %" PRIu64 ", which no entry has", b->ino);
	buf_fini(&key);
	return err;
}

int
check_files_blocks_end(struct check_files *f, struct check_say *say)
{
	int err = 0;

	for (size_t i = 0; i < f->block_count && err == 0; i++)
		if (f->blocks[i].end > 0)
			err = check_files_say_owner(f, say, &f->blocks[i]);
	if (f->big_count > 0)
		qsort(f->big, f->big_count, sizeof(*f->big), check_files_cmp);
	return err;
}

/* --- big xattrs ----------------------------------------------------------- */

int
check_files_xattr(struct check_files *f, struct check_say *say,
    struct bytes key, uint64_t ino, const struct check_inos *linked)
{
	const struct check_orphan *o = check_files_find_orphan(f, ino);
	struct check_big *big =
	    check_files_find(f->big, f->big_count, sizeof(*f->big), ino);

	if (big)
		big->seen = true;
	if (big || (o && !o->is_trim))
		return 0;
	return check_say(say, key,
	    check_inos_has(linked, ino)
		? "the entry of inode %" PRIu64 " knows of no such xattrs"
		: "an xattr of inode %" PRIu64 ", which no entry has",
	    ino);
}

int
check_files_xattrs_end(struct check_files *f, struct check_say *say)
{
	int err = 0;

	for (size_t i = 0; i < f->big_count && err == 0; i++) {
		struct buf key = {0};

		if (f->big[i].seen)
			continue;
		err = key_xattr(&key, f->big[i].ino, bytes_of(NULL, 0));
		if (err == 0)
			err = check_say(say, buf_bytes(&key),
			    "missing: the entry of inode %" PRIu64
			    " has xattrs here",
			    f->big[i].ino);
		buf_fini(&key);
	}
	return err;
}

void
check_files_fini(struct check_files *f)
{
	free(f->big);
	free(f->orphans);
	free(f->blocks);
	*f = (struct check_files){0};
}
