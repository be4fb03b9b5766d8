/*
 * volume: a volume in a store in memory, with verbs for tests.
 *
 * Use: volume_init(&t); ... volume_fini(&t).  Paths are relative to the root
 * ("" is the root).  Verbs fail the test if the call fails, but for those that
 * return int.  volume_fini checks the records (volume_check).
 * Or, if every case has one: volume_case(test, &t) in the table of cases.
 */
#ifndef TESTS_SUPPORT_VOLUME_H
#define TESTS_SUPPORT_VOLUME_H

#include "fs/vol/vol.h"
#include "tests/support/store_mem.h"

struct volume {
	struct store *s;
	struct vol *v;
	struct vol_ctx ctx;
	struct vol_options options;
	struct buf messages; /* lines of the sink */
};

void volume_init(struct volume *t);
void volume_init_sizes(
    struct volume *t, uint32_t block_bytes, uint32_t inline_bytes);
void volume_fini(struct volume *t);
void volume_reopen(struct volume *t);

/* What a crash leaves of the store becomes the store, and is opened. */
void volume_crash(struct volume *t);

/* The same, and the n-th call of this kind fails meanwhile. */
void volume_crash_and_fail(
    struct volume *t, enum store_mem_call call, uint64_t n, int err);

/* A case that begins with a new volume in *t, and ends with volume_fini; of the
 * second one blocks have VOLUME_BLOCK bytes, and entries at most VOLUME_INLINE
 * of content. */
#define volume_case(f, t)                         \
	cmocka_unit_test_prestate_setup_teardown( \
	    f, volume_setup, volume_teardown, t)
#define volume_case_small(f, t)                   \
	cmocka_unit_test_prestate_setup_teardown( \
	    f, volume_setup_small, volume_teardown, t)

#define VOLUME_BLOCK  4096u
#define VOLUME_INLINE 1024u

int volume_setup(void **state);
int volume_setup_small(void **state);
int volume_teardown(void **state);

/* Every record against every other (vol_check), and no orphans. */
void volume_check(struct volume *t);

/* The ino of a path, with a lookup for each directory on the way and it. */
int volume_find(struct volume *t, const char *path, uint64_t *ino);
uint64_t volume_at(struct volume *t, const char *path);
bool volume_exists(struct volume *t, const char *path);
struct vol_attr volume_attr(struct volume *t, const char *path);

uint64_t volume_mkdir(struct volume *t, const char *path);
uint64_t volume_file(struct volume *t, const char *path, const char *content);

/* A file with that many blocks, of one byte each and holes. */
uint64_t volume_blocks(struct volume *t, const char *path, int blocks);
int volume_truncate(struct volume *t, uint64_t ino, uint64_t size);
int volume_mv(
    struct volume *t, const char *from, const char *to, unsigned flags);
int volume_rm(struct volume *t, const char *path);
int volume_rmdir(struct volume *t, const char *path);

/* Content as a string, up to 4,095 bytes; valid until the next call. */
const char *volume_text(struct volume *t, uint64_t ino);
const char *volume_cat(struct volume *t, const char *path);

/* Names of a directory in its order, with a space after each. */
const char *volume_ls(struct volume *t, const char *path);

#endif
