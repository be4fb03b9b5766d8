#include "tests/support/history.h"

#include <stdio.h>

#include "engine/base/hash.h"
#include "engine/db/db.h"
#include "tests/support/vset_check.h"

void
history_init(struct history *h)
{
	*h = (struct history){.keys = 40};
	TAILQ_INIT(&h->running);
	h->db = db_new();
	check_true(h->db != NULL);
	work_init(&h->db->compaction, h->db, "compaction", NULL);
	/* So that compactions are cut into pieces. */
	h->db->compaction.thread_count = 2;
	store_dir_init(&h->d);
	check_ok(vset_create(&h->set, &h->d.place, &h->d.sink));
	h->options = (struct lsm_options){
	    .table_bytes = 600,
	    .level_base_bytes = 100,
	    .level0_tables = 2,
	    .block_bytes = 200,
	    .filter_bits = 10,
	    .compression = LSM_COMPRESSION_LZ4,
	};
}

void
history_fini(struct history *h)
{
	h->db->compaction.thread_count = 0;
	db_free(h->db);
	vset_fini(&h->set);
	sorted_fini(&h->model);
	for (unsigned i = 0; i < LSM_LEVELS; i++)
		buf_fini(&h->cursors[i]);
	store_dir_fini(&h->d);
}

void
history_user(unsigned key, char user[16])
{
	snprintf(user, 16, "key%03u", key);
}

void
history_put(struct history *h, struct sorted *to, unsigned key, bool put)
{
	char user[16], value[64];

	history_user(key, user);
	h->seq++;
	snprintf(value, sizeof(value), "%s as of %u", user, (unsigned)h->seq);
	sorted_add(to, bytes_str(user), h->seq,
	    put ? IKEY_KIND_PUT : IKEY_KIND_DELETE,
	    put ? bytes_str(value) : bytes_of("", 0));
}

static void
history_copy(struct sorted *to, const struct sorted *from)
{
	for (size_t i = 0; i < from->count; i++) {
		struct ikey key;

		check_ok(ikey_decode(from->entries[i].key, &key));
		sorted_add(
		    to, key.user, key.seq, key.kind, from->entries[i].value);
	}
	sorted_sort(to);
}

void
history_flush(struct history *h, struct sorted *memtable)
{
	uint64_t number = vset_new_number(&h->set);
	struct edit e = {.last_seq = h->seq};
	struct version_file *f;

	sorted_sort(memtable);
	history_copy(&h->model, memtable);
	f = store_dir_table(&h->d, number, memtable, 0, memtable->count);
	check_ok(edit_add_file(&e, 0, f));
	version_file_unref(f);
	vset_check_apply(&h->set, &e);
	sorted_fini(memtable);
}

void
history_write(struct history *h, struct check_rand *r)
{
	struct sorted memtable = {0};

	for (uint64_t n = 1 + check_rand_below(r, 60); n > 0; n--)
		history_put(h, &memtable,
		    (unsigned)check_rand_below(r, h->keys),
		    !check_rand_one_in(r, 3));
	history_flush(h, &memtable);
}

void
history_choose_snapshots(struct history *h, struct check_rand *r)
{
	uint64_t hidden = check_rand_one_in(r, 2) ? check_rand_below(r, 9) : 0;
	size_t n = 0;

	for (size_t i = 0; i < h->snapshot_count; i++)
		if (n < HISTORY_SNAPSHOTS_MAX - 2 && !check_rand_one_in(r, 3))
			h->snapshots[n++] = h->snapshots[i];
	if (h->seq > hidden && h->seq - hidden > h->visible)
		h->visible = h->seq - hidden;
	if (n == 0 || h->snapshots[n - 1] < h->visible)
		h->snapshots[n++] = h->visible;
	h->snapshot_count = n;
}

int
history_get(const struct history *h, struct bytes user, uint64_t seq,
    struct bytes *value)
{
	struct buf target = {0};
	struct ikey key;
	size_t at;

	check_ok(ikey_append(&target, user, seq, IKEY_KIND_SEEK));
	at = sorted_seek(&h->model, buf_bytes(&target));
	buf_fini(&target);
	if (at == h->model.count)
		return 0;
	check_ok(ikey_decode(h->model.entries[at].key, &key));
	*value = h->model.entries[at].value;
	return bytes_eq(key.user, user) && key.kind == IKEY_KIND_PUT;
}

static void
check_read(struct history *h, struct version *v, unsigned number, uint64_t seq)
{
	struct buf target = {0};
	struct table_entry got;
	struct bytes want;
	struct version_met met = {0};
	char user[16];
	int rc;

	history_user(number, user);
	check_ok(ikey_append(&target, bytes_str(user), seq, IKEY_KIND_SEEK));
	rc = version_get(
	    v, buf_bytes(&target), hash_64(bytes_str(user), 0), &got, &met);
	check_le(0, rc);
	if (history_get(h, bytes_str(user), seq, &want)) {
		check_eq(rc, 1);
		check_eq(got.kind, IKEY_KIND_PUT);
		check_bytes_eq(got.value, want);
	} else if (rc == 1) {
		check_eq(got.kind, IKEY_KIND_DELETE);
	}
	if (rc == 1)
		cache_unref(got.block);
	buf_fini(&target);
}

void
history_check_reads(struct history *h)
{
	struct version *v = vset_current(&h->set);
	uint64_t last = h->snapshots[h->snapshot_count - 1];

	for (unsigned key = 0; key < h->keys; key++) {
		for (size_t i = 0; i < h->snapshot_count; i++)
			check_read(h, v, key, h->snapshots[i]);
		for (uint64_t seq = last; seq <= h->seq + 1; seq++)
			check_read(h, v, key, seq);
	}
	version_unref(v);
}

struct pick_scene
history_scene(struct history *h, const struct version *v)
{
	return (struct pick_scene){
	    .version = v,
	    .options = &h->options,
	    .running = &h->running,
	    .cursors = h->cursors,
	};
}

struct compact_job
history_job(struct history *h, struct version *v, const struct pick *p)
{
	return (struct compact_job){
	    .vset = &h->set,
	    .options = &h->options,
	    .version = v,
	    .pick = p,
	    .helpers = &h->db->compaction,
	    .snapshots = h->snapshots,
	    .snapshot_count = h->snapshot_count,
	};
}

static void
history_advance(struct history *h, const struct pick *p)
{
	const struct pick_input *in = &p->inputs[p->level];

	check_ok(buf_assign(
	    &h->cursors[p->level], in->files[in->count - 1]->span.last));
}

static void
history_compact(struct history *h, struct version *v, const struct pick *p)
{
	struct compact_job job = history_job(h, v, p);
	struct edit e = {0};

	check_ok(compact_run(&job, &e));
	vset_check_apply(&h->set, &e);
}

bool
history_begin(struct history *h, struct history_run *run)
{
	struct pick_scene scene;
	int rc;

	*run = (struct history_run){.version = vset_current(&h->set)};
	scene = history_scene(h, run->version);
	rc = pick_next(&scene, &run->pick);
	check_le(0, rc);
	if (rc == 0) {
		version_unref(run->version);
		return false;
	}
	history_advance(h, &run->pick);
	TAILQ_INSERT_TAIL(&h->running, &run->pick, link);
	run->job = history_job(h, run->version, &run->pick);
	return true;
}

void
history_merge(struct history_run *run)
{
	check_ok(compact_run(&run->job, &run->edit));
}

void
history_end(struct history *h, struct history_run *run)
{
	vset_check_apply(&h->set, &run->edit);
	TAILQ_REMOVE(&h->running, &run->pick, link);
	pick_fini(&run->pick);
	version_unref(run->version);
}

bool
history_compact_next(struct history *h)
{
	struct history_run run;

	if (!history_begin(h, &run))
		return false;
	history_merge(&run);
	history_end(h, &run);
	return true;
}

void
history_compact_level(struct history *h, unsigned level)
{
	struct version *v = vset_current(&h->set);
	struct pick p;
	int rc = pick_whole_level(v, level, 0, &p);

	check_le(0, rc);
	if (rc == 1) {
		history_compact(h, v, &p);
		pick_fini(&p);
	}
	version_unref(v);
}

void
history_compact_all(struct history *h)
{
	for (unsigned level = 0; level < LSM_LEVELS; level++)
		history_compact_level(h, level);
}
