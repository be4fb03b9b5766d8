/* Listings: snapshots, cookies, attributes. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "fs/record/key.h"
#include "tests/check.h"
#include "tests/support/volume.h"

#define SEEN_MAX 2048

static struct volume t;

/* What a listing gave. */
struct seen {
	size_t room; /* entries to take, then no more */
	size_t count;
	char names[SEEN_MAX][16];
	uint64_t cookies[SEEN_MAX];
	struct vol_dirent last;
	size_t vanished; /* plus: attr.ino is 0 */
};

static struct seen seen;

static int
setup(void **state)
{
	(void)state;
	volume_init(&t);
	memset(&seen, 0, sizeof(seen));
	seen.room = SIZE_MAX;
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	volume_fini(&t);
	return 0;
}

static int
see(void *ctx, const struct vol_dirent *e)
{
	struct seen *s = ctx;

	if (s->room == 0)
		return 1;
	s->room--;
	check_true(s->count < SEEN_MAX);
	snprintf(s->names[s->count], 16, "%.15s", e->name);
	s->cookies[s->count++] = e->cookie;
	s->vanished += e->attr.ino == 0;
	s->last = *e;
	return 0;
}

static struct vol_dir *
open_dir(const char *path)
{
	struct vol_dir *d = NULL;

	check_ok(vol_opendir(t.v, volume_at(&t, path), &d));
	return d;
}

/* Takes up to `room` entries after the cookie; returns the last cookie. */
static uint64_t
take(struct vol_dir *d, uint64_t cookie, size_t room)
{
	seen.count = 0;
	seen.room = room;
	check_ok(vol_readdir(d, cookie, false, see, &seen));
	return seen.count ? seen.cookies[seen.count - 1] : cookie;
}

static void
fill(const char *dir, int from, int to)
{
	char path[64];

	for (int i = from; i < to; i++) {
		snprintf(path, sizeof(path), "%s/%04d", dir, i);
		volume_file(&t, path, "");
	}
}

static void
empty(const char *dir, int from, int to, int step)
{
	char path[64];

	for (int i = from; i < to; i += step) {
		snprintf(path, sizeof(path), "%s/%04d", dir, i);
		check_ok(volume_rm(&t, path));
	}
}

static void
dir__dots_come_first(void **state)
{
	uint64_t d = volume_mkdir(&t, "d"), e = volume_mkdir(&t, "d/e");
	struct vol_dir *h = open_dir("d/e");

	(void)state;
	take(h, 0, 1);
	check_str(seen.names[0], ".");
	check_eq(seen.last.ino, e);
	take(h, 1, 100);
	check_eq(seen.count, 1);
	check_str(seen.names[0], "..");
	check_eq(seen.last.ino, d);
	check_eq(seen.last.type, S_IFDIR);
	/* ".." is where the directory is now. */
	check_ok(volume_mv(&t, "d/e", "f", 0));
	take(h, 0, 100);
	check_eq(seen.last.ino, VOL_INO_ROOT);
	vol_releasedir(h);
}

static void
dir__root_lists_neither_itself_nor_control(void **state)
{
	struct vol_dir *h;

	(void)state;
	volume_file(&t, "a", "");
	check_true(volume_exists(&t, ".keyfs"));
	h = open_dir("");
	take(h, 0, 100);
	check_eq(seen.count, 3);
	check_str(seen.names[2], "a");
	check_eq(seen.last.type, S_IFREG);
	vol_releasedir(h);
}

static void
dir__neighbours_do_not_mix(void **state)
{
	(void)state;
	volume_mkdir(&t, "a");
	volume_mkdir(&t, "a-b");
	volume_mkdir(&t, "a/b");
	volume_file(&t, "a/x", "");
	volume_file(&t, "a-b/y", "");
	volume_file(&t, "a/b/z", "");
	check_str(volume_ls(&t, "a"), "b x ");
	check_str(volume_ls(&t, "a-b"), "y ");
	check_str(volume_ls(&t, "a/b"), "z ");
	check_str(volume_ls(&t, ""), "a a-b ");
}

static void
dir__pages_go_on_where_they_ended(void **state)
{
	uint64_t cookie = 0;
	size_t total = 0;
	struct vol_dir *h;

	(void)state;
	volume_mkdir(&t, "d");
	fill("d", 0, 1000);
	h = open_dir("d");
	for (;;) {
		uint64_t next = take(h, cookie, 7);

		if (seen.count == 0)
			break;
		total += seen.count;
		check_ne(next, cookie);
		cookie = next;
	}
	check_eq(total, 1002);
	vol_releasedir(h);
}

static void
dir__any_cookie_can_be_returned_to(void **state)
{
	static uint64_t cookies[1002];
	static char names[1002][16];
	struct check_rand r = check_rand_of(check_seed());
	struct vol_dir *h;

	(void)state;
	volume_mkdir(&t, "d");
	fill("d", 0, 1000);
	h = open_dir("d");
	take(h, 0, SEEN_MAX);
	check_eq(seen.count, 1002);
	memcpy(cookies, seen.cookies, sizeof(cookies));
	memcpy(names, seen.names, sizeof(names));
	/* Whatever happens to the entries. */
	empty("d", 0, 1000, 2);
	fill("d", 1000, 1100);
	for (int i = 0; i < 500; i++) {
		size_t at = check_rand_below(&r, 1001);

		take(h, cookies[at], 1);
		check_str(seen.names[0], names[at + 1]);
		check_eq(seen.cookies[0], cookies[at + 1]);
	}
	take(h, cookies[1001], SEEN_MAX);
	check_eq(seen.count, 0);
	/* From the start it is as it is now. */
	take(h, 0, SEEN_MAX);
	check_eq(seen.count, 602);
	vol_releasedir(h);
}

static void
dir__constant_entries_come_exactly_once(void **state)
{
	static int found[2000];
	uint64_t cookie = 0;
	struct vol_dir *h;

	(void)state;
	volume_mkdir(&t, "d");
	fill("d", 0, 1000);
	h = open_dir("d");
	for (int round = 0;; round++) {
		uint64_t next = take(h, cookie, 50);

		if (seen.count == 0)
			break;
		for (size_t i = 0; i < seen.count; i++)
			if (seen.names[i][0] != '.')
				found[atoi(seen.names[i])]++;
		/* The odd ones stay; the cookie's own entry may go. */
		if (round < 19)
			empty("d", round * 50 + 2, round * 50 + 52, 2);
		fill("d", 1000 + round * 10, 1010 + round * 10);
		cookie = next;
	}
	for (int i = 1; i < 1000; i += 2)
		check_eq(found[i], 1);
	vol_releasedir(h);
}

static void
dir__rm_rf_while_listing_empties_it(void **state)
{
	uint64_t cookie = 0;
	struct vol_dir *h;

	(void)state;
	volume_mkdir(&t, "d");
	fill("d", 0, 300);
	h = open_dir("d");
	do {
		char path[64];

		cookie = take(h, cookie, 11);
		for (size_t i = 0; i < seen.count; i++) {
			if (seen.names[i][0] == '.')
				continue;
			snprintf(path, sizeof(path), "d/%s", seen.names[i]);
			check_ok(volume_rm(&t, path));
		}
	} while (seen.count);
	check_ok(volume_rmdir(&t, "d"));
	take(h, 0, 100);
	check_eq(seen.count, 0); /* not even dots */
	vol_releasedir(h);
}

static void
dir__plus_gives_attributes_and_lookups(void **state)
{
	uint64_t ino = volume_file(&t, "a", "12345");
	struct vol_attr a;
	struct vol_dir *h;

	(void)state;
	volume_mkdir(&t, "b");
	volume_reopen(&t);
	check_err(vol_getattr(t.v, ino, &a), -ESTALE);
	h = open_dir("");
	check_ok(vol_readdir(h, 0, true, see, &seen));
	check_eq(seen.count, 4);
	check_eq(seen.vanished, 2); /* the dots */
	check_eq(seen.last.attr.mode, S_IFDIR | 0755);
	check_ok(vol_getattr(t.v, ino, &a));
	check_eq(a.size, 5);
	/* One lookup each: */
	vol_forget(t.v, ino, 1);
	check_err(vol_getattr(t.v, ino, &a), -ESTALE);
	vol_releasedir(h);
}

static void
dir__plus_costs_no_gets_while_nothing_changes(void **state)
{
	uint64_t gets;
	struct vol_dir *h;

	(void)state;
	volume_mkdir(&t, "d");
	fill("d", 0, 100);
	volume_reopen(&t);
	h = open_dir("d");
	gets = store_mem_calls(t.s, STORE_MEM_GET);
	check_ok(vol_readdir(h, 0, true, see, &seen));
	check_eq(seen.count, 102);
	check_eq(store_mem_calls(t.s, STORE_MEM_GET), gets);
	vol_releasedir(h);
}

static void
dir__plus_gives_back_what_was_not_taken(void **state)
{
	uint64_t ino = volume_file(&t, "a", "");
	struct vol_attr a;
	struct vol_dir *h;

	(void)state;
	volume_reopen(&t);
	h = open_dir("");
	seen.room = 2;
	check_ok(vol_readdir(h, 0, true, see, &seen));
	check_eq(seen.count, 2);
	check_err(vol_getattr(t.v, ino, &a), -ESTALE);
	vol_releasedir(h);
}

/* The record of a name in the root; NULL: none. */
static void
plant(const char *name, const char *record)
{
	struct store_written done;
	struct store_batch *b = store_batch_new(t.s);
	struct buf key = {0};

	check_ok(key_entry(&key, bytes_of("", 0), bytes_str(name)));
	if (record)
		check_ok(
		    store_batch_put(b, buf_bytes(&key), bytes_str(record)));
	else
		check_ok(store_batch_delete(b, buf_bytes(&key)));
	check_ok(store_write(t.s, b, NULL, &done));
	store_batch_free(b);
	buf_fini(&key);
}

static void
dir__damage_keeps_what_is_before_it(void **state)
{
	uint64_t ino = volume_file(&t, "a", "");
	struct vol_attr a;
	struct vol_dir *h;

	(void)state;
	volume_file(&t, "b", "");
	volume_reopen(&t);
	plant("b", "\1");
	h = open_dir("");
	for (int i = 0; i < 2; i++) {
		seen.count = 0;
		check_err(vol_readdir(h, 0, true, see, &seen), ERR_DAMAGED);
		check_eq(seen.count, 3); /* with dots */
		check_err(vol_readdir(h, seen.last.cookie, true, see, &seen),
		    ERR_DAMAGED);
		check_eq(seen.count, 3);
		vol_forget(t.v, ino, 1);
		check_err(vol_getattr(t.v, ino, &a), -ESTALE);
	}
	vol_releasedir(h);
	plant("b", NULL);
}

static int
see_size(void *ctx, const struct vol_dirent *e)
{
	if (e->attr.ino)
		*(uint64_t *)ctx = e->attr.size;
	return 0;
}

/* The snapshot's record is old, and the node has left memory again. */
static void
dir__plus_is_never_older_than_the_last_change(void **state)
{
	uint64_t ino = volume_file(&t, "a", "1"), size = 0;
	struct vol_dir *h;

	(void)state;
	h = open_dir("");
	take(h, 0, 2);
	check_ok(vol_write(t.v, &t.ctx, ino, 0, bytes_str("123456789")));
	vol_forget(t.v, ino, 100);
	check_ok(vol_readdir(h, 2, true, see_size, &size));
	check_eq(size, 9);
	vol_releasedir(h);
}

static void
dir__plus_leaves_out_what_has_gone(void **state)
{
	struct vol_dir *h;

	(void)state;
	volume_file(&t, "a", "");
	volume_file(&t, "b", "");
	volume_file(&t, "c", "");
	h = open_dir("");
	take(h, 0, 2);
	check_ok(volume_rm(&t, "a"));
	check_ok(volume_rm(&t, "b"));
	volume_file(&t, "b", ""); /* another one */
	seen.count = seen.vanished = 0;
	seen.room = 100;
	check_ok(vol_readdir(h, 2, true, see, &seen));
	check_eq(seen.count, 3);
	check_eq(seen.vanished, 2);
	check_ne(seen.last.attr.ino, 0);
	vol_releasedir(h);
}

static void
dir__only_directories_are_listed(void **state)
{
	struct vol_dir *h;

	(void)state;
	check_err(vol_opendir(t.v, volume_file(&t, "f", ""), &h), -ENOTDIR);
	check_err(vol_opendir(t.v, 12345, &h), -ESTALE);
}

static void
dir__failed_read_is_reported_until_a_new_start(void **state)
{
	struct vol_dir *h;

	(void)state;
	volume_mkdir(&t, "d");
	fill("d", 0, 200);
	h = open_dir("d");
	take(h, 0, 50);
	store_mem_fail(t.s, STORE_MEM_ITER, 1, -EIO);
	seen.room = 10;
	check_err(vol_readdir(h, 50, false, see, &seen), -EIO);
	check_err(vol_readdir(h, 10, false, see, &seen), -EIO);
	take(h, 0, 1000);
	check_eq(seen.count, 202);
	vol_releasedir(h);
}

int
main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
	    T(dir__dots_come_first),
	    T(dir__root_lists_neither_itself_nor_control),
	    T(dir__neighbours_do_not_mix),
	    T(dir__pages_go_on_where_they_ended),
	    T(dir__any_cookie_can_be_returned_to),
	    T(dir__constant_entries_come_exactly_once),
	    T(dir__rm_rf_while_listing_empties_it),
	    T(dir__plus_gives_attributes_and_lookups),
	    T(dir__plus_costs_no_gets_while_nothing_changes),
	    T(dir__plus_gives_back_what_was_not_taken),
	    T(dir__damage_keeps_what_is_before_it),
	    T(dir__plus_is_never_older_than_the_last_change),
	    T(dir__plus_leaves_out_what_has_gone),
	    T(dir__only_directories_are_listed),
	    T(dir__failed_read_is_reported_until_a_new_start),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
