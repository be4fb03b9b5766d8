#include "fs/vol/check.h"

#include <inttypes.h>

#include "fs/store/store.h"
#include "fs/vol/check_dirs.h"
#include "fs/vol/check_files.h"

#define CHECK_PROGRESS_RECORDS 1024

struct check {
	struct store_iter *it;
	struct check_say say;
	struct vol_check_totals *totals;
	struct check_dirs dirs;
	struct check_files files;
	struct check_inos inos; /* of all entries */
	uint64_t next_ino;      /* 0: not known */
	bool seen_super;
	bool seen_ino;
};

static bool
check_is_super(const struct key_parts *parts, const char *name)
{
	return bytes_eq(parts->name, bytes_str(name));
}

/* --- one record ----------------------------------------------------------- */

static void
check_count(struct check *c, const struct entry *e)
{
	if (e->type == ENTRY_DIR)
		c->totals->directories++;
	else if (e->type == ENTRY_FILE)
		c->totals->files++;
	else
		c->totals->others++;
	c->totals->bytes += e->type == ENTRY_FILE ? e->size : 0;
}

/* 1: the first entry with this number, 0: another one, -ENOMEM. */
static int
check_ino(struct check *c, struct bytes key, uint64_t ino)
{
	int r = check_inos_add(&c->inos, ino);
	int err = 0;

	if (r == 0)
		err = check_say(&c->say, key,
		    "another entry has its inode number %" PRIu64, ino);
	if (r >= 0 && err == 0 && c->next_ino && ino >= c->next_ino)
		err = check_say(&c->say, key,
		    "inode number %" PRIu64 " is not reserved, %" PRIu64
		    " is the next",
		    ino, c->next_ino);
	return err ? err : r;
}

/* What is wrong with the entry itself and what belongs to its inode. */
static int
check_node(struct check *c, struct bytes key, const struct entry *e)
{
	int r = check_ino(c, key, e->ino);
	int err = r < 0 ? r : 0;

	check_count(c, e);
	if (err == 0 && e->type != ENTRY_DIR && e->nlink != 1)
		err = check_say(&c->say, key,
		    "link count %" PRIu32 " of what has one name", e->nlink);
	if (err == 0 && r == 1)
		err = check_files_entry(&c->files, &c->say, key, e);
	return err;
}

static int
check_entry(struct check *c, const struct key_parts *parts)
{
	struct check_entry entry = {.key = c->it->key, .parts = parts};
	struct entry e;
	int err = entry_decode(c->it->value, &e);

	if (err) {
		err = check_say(
		    &c->say, entry.key, "the entry: %s", err_text(err));
	} else {
		entry.e = &e;
		err = check_node(c, entry.key, &e);
	}
	return err ? err : check_dirs_entry(&c->dirs, &c->say, &entry);
}

static int
check_orphan(struct check *c, const struct key_parts *parts)
{
	c->totals->orphans++;
	if (c->next_ino && parts->ino >= c->next_ino) {
		int err = check_say(&c->say, c->it->key,
		    "inode number %" PRIu64 " is not reserved", parts->ino);
		if (err)
			return err;
	}
	return check_files_orphan(&c->say, c->it->key, c->it->value, &c->inos);
}

static int
check_prefix(struct check *c)
{
	uint64_t ino;
	int err = super_prefix_decode(c->it->value, &ino);

	if (err)
		return check_say(&c->say, c->it->key, "the prefix record: %s",
		    err_text(err));
	return check_dirs_prefix(&c->dirs, &c->say, c->it->key, ino);
}

static int
check_super(struct check *c, const struct key_parts *parts)
{
	struct super super;
	uint64_t ino;
	int err = 0;

	if (check_is_super(parts, "super")) {
		c->seen_super = true;
		err = super_decode(c->it->value, &super);
	} else if (check_is_super(parts, "ino")) {
		c->seen_ino = true;
		err = super_ino_decode(c->it->value, &ino);
	} else {
		return check_say(&c->say, c->it->key,
		    "a record of no known "
		    "kind");
	}
	return err ? check_say(&c->say, c->it->key, "the superblock: %s",
			 err_text(err))
		   : 0;
}

static int
check_record(struct check *c)
{
	struct bytes key = c->it->key;
	struct key_parts parts;

	if (key_decode(key, &parts))
		return check_say(&c->say, key, "no key of a volume");
	switch (parts.tag) {
	case KEY_ENTRY:
		return check_entry(c, &parts);
	case KEY_BLOCK:
		return check_files_block(
		    &c->files, &c->say, key, &parts, c->it->value.size);
	case KEY_XATTR:
		return check_files_xattr(
		    &c->files, &c->say, key, parts.ino, &c->inos);
	case KEY_ORPHAN:
		return check_orphan(c, &parts);
	case KEY_PREFIX:
		return check_prefix(c);
	case KEY_SUPER:
		return check_super(c, &parts);
	case KEY_INODE:
		break;
	}
	return check_say(&c->say, key, "a record of no known kind");
}

/* --- all records ---------------------------------------------------------- */

static void
check_progress(struct check *c)
{
	const struct vol_check_sink *sink = c->say.sink;

	if (sink->progress && c->totals->records % CHECK_PROGRESS_RECORDS == 0)
		sink->progress(sink->ctx, c->totals->records);
}

/* From where the iterator is (at: 1 while at a record) to the first key with
 * this tag or a higher one; at again. */
static int
check_until(struct check *c, int at, unsigned tag)
{
	while (at == 1 && (c->it->key.size == 0 || c->it->key.data[0] < tag)) {
		int err = check_record(c);

		if (err)
			return err;
		c->totals->records++;
		check_progress(c);
		at = store_iter_next(c->it);
	}
	return at;
}

static int
check_learn_record(struct check *c, const struct key_parts *parts)
{
	struct super_orphan o;

	if (parts->tag == KEY_ORPHAN &&
	    super_orphan_decode(c->it->value, &o) == 0)
		return check_files_orphan_known(&c->files, parts->ino, &o);
	if (parts->tag == KEY_SUPER && check_is_super(parts, "super"))
		c->files.has_super =
		    super_decode(c->it->value, &c->files.super) == 0;
	if (parts->tag == KEY_SUPER && check_is_super(parts, "ino") &&
	    super_ino_decode(c->it->value, &c->next_ino) != 0)
		c->next_ino = 0;
	return 0;
}

/* What blocks and entries are measured by stands behind them.  These records
 * are few, and judged when their turn comes. */
static int
check_learn(struct check *c, uint8_t tag)
{
	int at = store_iter_seek(c->it, bytes_of(&tag, 1));

	while (at == 1 && c->it->key.data[0] == tag) {
		struct key_parts parts;
		int err = key_decode(c->it->key, &parts);

		if (err == 0)
			err = check_learn_record(c, &parts);
		if (err == -ENOMEM)
			return err;
		at = store_iter_next(c->it);
	}
	return at < 0 ? at : 0;
}

static int
check_end(struct check *c)
{
	int err = check_dirs_end(&c->dirs, &c->say);

	if (err == 0)
		err = check_files_xattrs_end(&c->files, &c->say);
	if (err == 0 && !c->seen_super)
		err = check_say(
		    &c->say, bytes_str("Ssuper"), "the superblock is missing");
	if (err == 0 && !c->seen_ino)
		err = check_say(&c->say, bytes_str("Sino"),
		    "the record of inode numbers is missing");
	return err;
}

static int
check_all(struct check *c)
{
	int at = check_learn(c, KEY_SUPER);
	int err;

	if (at == 0)
		at = check_learn(c, KEY_ORPHAN);
	if (at < 0)
		return at;
	at = store_iter_seek(c->it, bytes_of("", 0));
	if (at <= 0)
		return at; /* no record at all */
	at = check_until(c, at, KEY_ENTRY + 1);
	if (at < 0)
		return at;
	err = check_dirs_join(&c->dirs, &c->say);
	if (err == 0)
		err = check_files_blocks_end(&c->files, &c->say);
	if (err)
		return err;
	at = check_until(c, at, UINT8_MAX + 1);
	return at < 0 ? at : check_end(c);
}

int
vol_check(struct store *s, const struct vol_check_sink *sink,
    struct vol_check_totals *totals)
{
	struct check c = {.say = {.sink = sink}, .totals = totals};
	int err;

	*totals = (struct vol_check_totals){0};
	err = store_iter_open(s, bytes_of(NULL, 0), bytes_of(NULL, 0), &c.it);
	if (err)
		return err;
	err = check_all(&c);
	store_iter_close(c.it);
	check_inos_fini(&c.inos);
	check_files_fini(&c.files);
	check_dirs_fini(&c.dirs);
	return err ? err : c.say.findings;
}
