/*
 * seeds DIR: writes the first inputs of the fuzz targets, DIR/NAME/seed-*.
 *
 * They are made by the encoders, always the same, and small.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/base/durability.h"
#include "engine/base/hash.h"
#include "engine/db/batch.h"
#include "engine/db/edit.h"
#include "engine/table/block.h"
#include "engine/table/filter.h"
#include "engine/table/ranges_build.h"
#include "engine/table/table_format.h"
#include "engine/table/table_writer.h"
#include "engine/table/wal.h"
#include "fs/record/entry.h"
#include "fs/record/key.h"
#include "fs/record/super.h"
#include "tests/fuzz/fuzz.h"
#include "tests/support/edits.h"
#include "tests/support/picture.h"
#include "tests/support/sorted.h"

static const char *out_dir;
static const char *work_dir;
static struct env env;

/* --- writing ---------------------------------------------------------------
 */

/* A seed of target `name`: its first bytes, then the rest. */
static void
seed(const char *name, const char *which, struct bytes head, struct bytes rest)
{
	char path[512];
	FILE *f;

	(void)snprintf(path, sizeof(path), "%s/%s", out_dir, name);
	(void)mkdir(path, 0777);
	(void)snprintf(
	    path, sizeof(path), "%s/%s/seed-%s", out_dir, name, which);
	f = fopen(path, "wb");
	check_true(f != NULL);
	check_eq(fwrite(head.data, 1, head.size, f), head.size);
	if (rest.size > 0)
		check_eq(fwrite(rest.data, 1, rest.size, f), rest.size);
	check_ok(fclose(f));
}

static void
seed_flags(
    const char *name, const char *which, uint8_t flags, struct bytes rest)
{
	seed(name, which, bytes_of(&flags, 1), rest);
}

static const char *
work_path(const char *name)
{
	static char path[512];

	(void)snprintf(path, sizeof(path), "%s/%s", work_dir, name);
	return path;
}

/* As seed_flags, from a file, which is removed. */
static void
seed_file(const char *name, const char *which, uint8_t flags, const char *path)
{
	uint8_t *data;
	size_t size;

	check_ok(env_read_file(&env, path, 1 << 20, &data, &size));
	seed_flags(name, which, flags, bytes_of(data, size));
	free(data);
	check_ok(env_unlink(&env, path));
}

/* --- log and manifest ------------------------------------------------------
 */

static void
fill_batch(struct lsm_batch *b, unsigned n)
{
	static const uint8_t value[300] = {1, 2, 3};
	char key[32];

	lsm_batch_clear(b);
	for (unsigned i = 0; i < n; i++) {
		(void)snprintf(key, sizeof(key), "key%u", i * 7 % 11);
		check_ok(lsm_batch_put(b, bytes_str(key),
		    bytes_of(value, i * 31 % sizeof(value))));
		if (i % 3 == 0)
			check_ok(lsm_batch_delete(b, bytes_str(key)));
	}
	check_ok(lsm_batch_put_until(
	    b, bytes_str("until"), bytes_str("value"), 1700000000000));
	check_ok(lsm_batch_delete_range(b, bytes_str("a"), bytes_str("k")));
}

static void
seed_batches(void)
{
	struct lsm_batch *b = lsm_batch_new();

	fill_batch(b, 0);
	seed("batch", "few", batch_payload(b), bytes_of(NULL, 0));
	fill_batch(b, 9);
	seed("batch", "more", batch_payload(b), bytes_of(NULL, 0));
	lsm_batch_free(b);
}

/* Records of batches, each durable before the next but one. */
static void
seed_log(void)
{
	const struct wal_id id = {WAL_KIND_LOG, 7, 0x0123456789abcdef};
	const char *path = work_path("log");
	struct lsm_batch *b = lsm_batch_new();
	struct wal_stamp stamp = {.seq = 41};
	struct wal *w;

	check_ok(wal_create(&env, path, &id, stamp.seq, &w));
	for (unsigned i = 0; i < 5; i++) {
		uint8_t *record;
		size_t size;

		fill_batch(b, i);
		stamp.count = lsm_batch_count(b);
		record = batch_record(b, &size);
		check_ok(wal_append(w, record, size, &stamp));
		stamp.durable = stamp.seq - 1;
		stamp.seq += stamp.count;
	}
	wal_close(w);
	lsm_batch_free(b);
	seed_file("wal", "log", FUZZ_FIX, path);
}

/* The one of docs/SPEC.md, with everything else that there is. */
static void
example_edit(struct edit *e)
{
	struct table_info info = {.file_no = 13,
	    .file_bytes = 300,
	    .entries = 2,
	    .deletes = 1,
	    .seq_min = 41,
	    .seq_max = 42,
	    .ranges = 1};
	struct version_file *f;

	edits_example(e);
	check_ok(
	    ikey_append(&info.smallest, bytes_str("a"), 42, IKEY_KIND_PUT));
	check_ok(
	    ikey_append(&info.largest, bytes_str("k"), 41, IKEY_KIND_DELETE));
	check_ok(buf_assign(&info.ranges_begin, bytes_str("m")));
	check_ok(buf_assign(&info.ranges_end, bytes_str("p")));
	check_ok(vref_list_add(&info.refs,
	    &(struct vref){.file = vref_file(5, VREF_KIND_LOG),
		.offset = 99,
		.size = 1000},
	    1));
	check_ok(version_file_new(NULL, &info, &f));
	check_ok(edit_add_file(e, 2, f));
	version_file_unref(f);
	table_info_fini(&info);
	check_ok(named_add(&e->snapshots, "new", 42, 1700000000000));
	check_ok(named_add(&e->drops, "old", 0, 0));
}

/* Keys that were overwritten. */
static void
seed_hidden(void)
{
	struct edit e = {0};
	struct buf b = {0};

	picture_edit("6:1:a-c^25,15", &e);
	check_ok(edit_encode(&e, &b));
	seed("edit", "hidden", buf_bytes(&b), bytes_of(NULL, 0));
	edit_fini(&e);
	buf_fini(&b);
}

/* Longer inputs take a fuzzer long to come by. */
static void
seed_long_names(void)
{
	char name[NAMED_MAX + 1];
	struct edit e = {0};
	struct buf b = {0};

	memset(name, 'n', NAMED_MAX);
	name[NAMED_MAX] = '\0';
	check_ok(named_add(&e.snapshots, name, 42, 1700000000000));
	name[0] = 'd';
	check_ok(named_add(&e.drops, name, 0, 0));
	check_ok(edit_encode(&e, &b));
	seed("edit", "long-names", buf_bytes(&b), bytes_of(NULL, 0));
	edit_fini(&e);
	buf_fini(&b);
}

static void
seed_edits(void)
{
	const struct wal_id id = {WAL_KIND_MANIFEST, 1, 0x0123456789abcdef};
	const char *path = work_path("manifest");
	static const uint8_t room[WAL_RECORD_HEADER];
	struct buf b = {0}, record = {0};
	struct edit e;
	struct wal *w;

	example_edit(&e);
	check_ok(edit_encode(&e, &b));
	seed("edit", "all", buf_bytes(&b), bytes_of(NULL, 0));
	b.data[0] = 1;
	seed("edit", "version-1", buf_bytes(&b), bytes_of(NULL, 0));
	check_ok(wal_create(&env, path, &id, 1, &w));
	for (uint64_t i = 1; i <= 3; i++) {
		struct wal_stamp stamp = {i, 1, i - 1};

		check_ok(buf_assign(&record, bytes_of(room, sizeof(room))));
		check_ok(buf_append_bytes(&record, buf_bytes(&b)));
		check_ok(wal_append(w, record.data, record.size, &stamp));
	}
	wal_close(w);
	seed_file("wal", "manifest", FUZZ_FIX, path);
	edit_fini(&e);
	buf_fini(&b);
	buf_fini(&record);
}

/* --- blocks and tables -----------------------------------------------------
 */

static void
seed_blocks(void)
{
	static const uint8_t head[] = {
	    11, 'k', 'e', 'y', 1, 9, 0, 0, 0, 0, 0, 0};
	struct check_rand r = check_rand_of(1);
	struct block_builder b;
	struct sorted s = {0};
	struct buf frame = {0};
	struct frame_handle h;
	struct bytes block;

	sorted_random(&s, &r, 40);
	for (unsigned interval = 1; interval <= 16; interval *= 4) {
		char which[32];

		block_builder_init(&b, interval);
		for (size_t i = 0; i < s.count; i++)
			check_ok(block_builder_add(
			    &b, s.entries[i].key, s.entries[i].value));
		check_ok(block_builder_finish(&b, &block));
		(void)snprintf(which, sizeof(which), "every-%u", interval);
		seed("block", which, bytes_of(head, sizeof(head)), block);
		for (uint8_t c = 0; c < 3; c++) {
			uint8_t flags[2] = {FUZZ_FIX, 0};

			buf_clear(&frame);
			check_ok(frame_encode(&frame, block,
			    (enum frame_compression)c, 5, 0, &h));
			(void)snprintf(
			    which, sizeof(which), "c%u-every-%u", c, interval);
			seed("frame", which, bytes_of(flags, 2),
			    buf_bytes(&frame));
		}
		block_builder_fini(&b);
	}
	buf_fini(&frame);
	sorted_fini(&s);
}

static void
seed_filters(void)
{
	uint8_t hash[8];
	struct filter_builder b;
	struct buf out = {0};

	filter_builder_init(&b, 10);
	for (uint64_t i = 0; i < 100; i++)
		check_ok(filter_builder_add(
		    &b, hash_64(bytes_of(&i, sizeof(i)), 0)));
	check_ok(filter_builder_finish(&b, &out));
	memset(hash, 0x35, sizeof(hash));
	seed("filter", "100-keys", bytes_of(hash, 8), buf_bytes(&out));
	filter_builder_fini(&b);
	buf_fini(&out);
}

static struct ranges *
example_ranges(void)
{
	struct ranges_build b = {0};
	struct ranges *r;

	check_ok(ranges_build_add(&b, bytes_str("b"), bytes_str("d"), 6, 0));
	check_ok(ranges_build_add(&b, bytes_str("b"), bytes_of("", 0), 5, 1));
	check_ok(ranges_build_add(&b, bytes_str("c"), bytes_str("k1"), 9, 2));
	check_ok(ranges_build_finish(&b, &r));
	ranges_build_fini(&b);
	return r;
}

static void
seed_ranges(void)
{
	static const uint8_t head[] = {1, 'c'};
	struct ranges *r = example_ranges();
	struct buf b = {0};

	for (size_t i = 0; i < r->count; i++)
		check_ok(ranges_append(&b, &r->fragments[i]));
	seed("ranges", "three", bytes_of(head, 2), buf_bytes(&b));
	ranges_free(r);
	buf_fini(&b);
}

/* index_bytes: larger ones are split into leaves. */
static void
seed_table(const char *which, const struct sorted *s,
    enum frame_compression compress, size_t index_bytes,
    const struct ranges *ranges)
{
	const struct table_writer_options o = {.block_bytes = 256,
	    .filter_bits = 10,
	    .compress = compress,
	    .index_bytes = index_bytes};
	const char *path = work_path("table");
	struct table_writer *w;
	struct table_info info = {0};

	check_ok(table_writer_open(&env, path, 12, &o, &w));
	for (size_t i = 0; i < s->count; i++)
		check_ok(table_writer_add(
		    w, s->entries[i].key, s->entries[i].value));
	for (size_t i = 0; ranges && i < ranges->count; i++)
		check_ok(table_writer_add_range(w, &ranges->fragments[i]));
	check_ok(table_writer_finish(w, &info));
	table_info_fini(&info);
	seed_file("table", which, FUZZ_FIX, path);
}

static void
seed_tables(void)
{
	struct check_rand r = check_rand_of(2);
	struct ranges *ranges = example_ranges();
	struct sorted s = {0}, none = {0};

	sorted_random(&s, &r, 60);
	seed_table("plain", &s, FRAME_PLAIN, 0, NULL);
	seed_table("lz4", &s, FRAME_LZ4, 0, ranges);
	seed_table("zstd", &s, FRAME_ZSTD, 0, NULL);
	seed_table("leaves", &s, FRAME_PLAIN, 100, ranges);
	seed_table("ranges", &none, FRAME_PLAIN, 0, ranges);
	sorted_fini(&s);
	ranges_free(ranges);
}

static void
seed_properties(void)
{
	struct ranges *r = example_ranges();
	struct table_properties p = {.entries = 2,
	    .deletes = 1,
	    .key_bytes = 10,
	    .value_bytes = 3,
	    .data_blocks = 1,
	    .seq_min = 7,
	    .seq_max = 9};
	struct buf smallest = {0}, largest = {0}, b = {0};

	check_ok(ikey_append(&smallest, bytes_str("apple"), 7, IKEY_KIND_PUT));
	check_ok(
	    ikey_append(&largest, bytes_str("apply"), 9, IKEY_KIND_DELETE));
	p.smallest = buf_bytes(&smallest);
	p.largest = buf_bytes(&largest);
	check_ok(table_format_properties_encode(&b, &p));
	seed_flags("properties", "version-1", 1, buf_bytes(&b));
	p.ranges = (struct table_ranges){
	    .handle = {90, 12},
	    .count = 2,
	    .begin = bytes_str("b"),
	    .end = bytes_str("k"),
	};
	buf_clear(&b);
	check_ok(table_format_properties_encode(&b, &p));
	seed_flags("properties", "version-2", 2, buf_bytes(&b));
	p.hidden = (struct hidden){1, 9};
	buf_clear(&b);
	check_ok(table_format_properties_encode(&b, &p));
	seed_flags("properties", "hidden", 2, buf_bytes(&b));
	ranges_free(r);
	buf_fini(&smallest);
	buf_fini(&largest);
	buf_fini(&b);
}

/* --- values ----------------------------------------------------------------
 */

static void
seed_vrefs(void)
{
	uint8_t *value = calloc(1, 150000);
	uint8_t *ref = malloc(vref_bytes(150000));
	uint64_t file = vref_file(5, VREF_KIND_LOG);
	struct vref_list l = {0};
	struct vref r;
	struct buf b = {0};
	size_t size;

	check_true(value != NULL && ref != NULL);
	size = vref_encode(ref, file, 88, bytes_of(value, 150000));
	seed_flags("vref", "reference", IKEY_KIND_REF, bytes_of(ref, size));
	check_ok(buf_append_le64(&b, 1700000000000));
	check_ok(buf_append(&b, ref, size));
	seed_flags(
	    "vref", "reference-until", IKEY_KIND_REF_UNTIL, buf_bytes(&b));
	buf_clear(&b);
	check_ok(vref_decode(bytes_of(ref, size), &r));
	check_ok(vref_list_add(&l, &r, 1));
	r.file = vref_file(9, VREF_KIND_VALUES);
	check_ok(vref_list_add(&l, &r, 1));
	check_ok(vref_list_encode(&l, &b));
	seed_flags("vref", "list", 255, buf_bytes(&b));
	vref_list_fini(&l);
	buf_fini(&b);
	free(value);
	free(ref);
}

/* --- the filesystem --------------------------------------------------------
 */

static void
seed_entry(const char *which, const struct entry *e)
{
	struct buf b = {0}, o = {0};
	char name[64];

	check_ok(entry_encode(&b, e));
	seed_flags("record", which, 0, buf_bytes(&b));
	check_ok(super_orphan_encode(
	    &o, &(struct super_orphan){.entry = buf_bytes(&b)}));
	(void)snprintf(name, sizeof(name), "orphan-%s", which);
	seed_flags("record", name, 2, buf_bytes(&o));
	buf_fini(&b);
	buf_fini(&o);
}

static void
seed_records(void)
{
	struct buf one = {0}, two = {0}, b = {0};
	char name[KEY_NAME_MAX];
	struct bytes value = bytes_str("value");
	struct entry e = {.type = ENTRY_FILE,
	    .perm = 0644,
	    .uid = 1000,
	    .gid = 100,
	    .ino = 0x1234,
	    .nlink = 1,
	    .size = 6,
	    .btime = 1700000000000000000,
	    .atime = 1700000000000000000,
	    .mtime = 1700000000000000001,
	    .ctime = 1699999999999999999,
	    .is_inline = true,
	    .content = bytes_str("hello\n")};
	struct super s = {.version = SUPER_VERSION,
	    .block_bytes = 65536,
	    .inline_bytes = 4096,
	    .created = 1700000000000000000};

	seed_entry("inline", &e);
	check_ok(entry_xattr_set(
	    &one, bytes_of(NULL, 0), bytes_str("user.a"), &value));
	check_ok(entry_xattr_set(
	    &two, buf_bytes(&one), bytes_str("user.b"), &value));
	e.xattrs = buf_bytes(&two);
	e.has_big_xattrs = true;
	seed_entry("xattrs", &e);
	memset(name, 'n', KEY_NAME_MAX);
	check_ok(entry_xattr_set(
	    &one, buf_bytes(&two), bytes_of(name, KEY_NAME_MAX), &value));
	e.xattrs = buf_bytes(&one);
	seed_entry("long-xattr", &e);
	e.xattrs = buf_bytes(&two);
	e.is_inline = false;
	e.content = bytes_of(NULL, 0);
	e.size = 1 << 20;
	seed_entry("blocks", &e);
	e.type = ENTRY_DIR;
	e.size = 0;
	e.prefix = bytes_str("a/b");
	seed_entry("dir", &e);
	check_ok(super_encode(&b, &s));
	seed_flags("record", "super", 1, buf_bytes(&b));
	buf_clear(&b);
	check_ok(super_ino_encode(&b, 0x1234));
	seed_flags("record", "ino", 3, buf_bytes(&b));
	buf_clear(&b);
	check_ok(super_orphan_encode(
	    &b, &(struct super_orphan){.is_trim = true, .from_block = 3}));
	seed_flags("record", "trim", 2, buf_bytes(&b));
	buf_fini(&one);
	buf_fini(&two);
	buf_fini(&b);
}

static void
seed_keys(void)
{
	const struct bytes none = bytes_of(NULL, 0);
	char name[KEY_NAME_MAX];
	struct buf b = {0};

	check_ok(key_entry(&b, bytes_str("a/b"), bytes_str("c")));
	seed("key", "entry", buf_bytes(&b), none);
	check_ok(key_entry(&b, none, none));
	seed("key", "root", buf_bytes(&b), none);
	check_ok(key_block(&b, 0x1234, 2));
	seed("key", "block", buf_bytes(&b), none);
	check_ok(key_xattr(&b, 0x1234, bytes_str("user.x")));
	seed("key", "xattr", buf_bytes(&b), none);
	check_ok(key_orphan(&b, 0x1234));
	seed("key", "orphan", buf_bytes(&b), none);
	check_ok(key_prefix(&b, bytes_str("/1a/b")));
	seed("key", "prefix", buf_bytes(&b), none);
	check_ok(key_super(&b, "super"));
	seed("key", "super", buf_bytes(&b), none);
	memset(name, 'n', KEY_NAME_MAX);
	check_ok(key_entry(&b, bytes_str("a"), bytes_of(name, KEY_NAME_MAX)));
	seed("key", "long-name", buf_bytes(&b), none);
	check_ok(key_xattr(&b, 0x1234, bytes_of(name, KEY_NAME_MAX)));
	seed("key", "long-xattr", buf_bytes(&b), none);
	buf_fini(&b);
}

static void
seed_policies(void)
{
	static const char *const texts[] = {"sync", "none\n",
	    "batch batch_ops=20 batch_ms=5", "adaptive adaptive_ms=10"};
	char which[2] = "0";

	for (size_t i = 0; i < 4; i++, which[0]++)
		seed("durability", which, bytes_str(texts[i]),
		    bytes_of(NULL, 0));
}

int
main(int argc, char **argv)
{
	if (argc != 2)
		return 2;
	out_dir = argv[1];
	(void)mkdir(out_dir, 0777);
	work_dir = check_tmpdir();
	env_posix_init(&env, (struct err_sink){.write = NULL});
	seed_batches();
	seed_log();
	seed_edits();
	seed_long_names();
	seed_hidden();
	seed_blocks();
	seed_filters();
	seed_ranges();
	seed_tables();
	seed_properties();
	seed_vrefs();
	seed_records();
	seed_keys();
	seed_policies();
	return 0;
}
