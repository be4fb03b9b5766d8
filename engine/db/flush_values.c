#include "engine/db/flush_values.h"

#include "engine/base/must.h"
#include "engine/db/db.h"
#include "engine/db/value_read.h"
#include "engine/table/table_writer.h"
#include "engine/table/value.h"

/* A segment is kept if its values are this part of it: PART of WHOLE. */
#define KEEP_PART  2
#define KEEP_WHOLE 3

void
flush_values_fini(struct flush_values *f)
{
	vref_list_fini(&f->found);
	vref_list_fini(&f->kept);
	buf_fini(&f->key);
	buf_fini(&f->value);
}

static bool
is_reference(enum ikey_kind kind)
{
	return kind == IKEY_KIND_REF || kind == IKEY_KIND_REF_UNTIL;
}

int
flush_values_count(
    struct flush_values *f, enum ikey_kind kind, struct bytes raw)
{
	struct value v;
	struct vref r;

	if (!is_reference(kind))
		return 0;
	/* Memtables hold what we made. */
	must(value_decode(kind, raw, &v) == 0);
	must(vref_decode(v.bytes, &r) == 0);
	return vref_list_add(&f->found, &r);
}

/* The segment of this number, with a reference. */
static struct segment *
take_segment(struct lsm *db, uint64_t number)
{
	struct segment *s;

	lock_acquire(&db->sync_lock);
	s = segment_from(db, number);
	must(s && s->number == number);
	atomic_fetch_add_explicit(&s->refs, 1, memory_order_relaxed);
	lock_release(&db->sync_lock);
	return s;
}

static bool
is_worth_keeping(struct lsm *db, const struct vref_use *u)
{
	struct segment *s = take_segment(db, vref_number(u->file));
	uint64_t bytes = wal_size(s->wal);

	segment_unref(s);
	return u->bytes / KEEP_PART >= bytes / KEEP_WHOLE;
}

int
flush_values_decide(struct flush_values *f)
{
	int err = 0;

	for (size_t i = 0; i < f->found.count && !err; i++) {
		const struct vref_use *u = &f->found.uses[i];
		const struct vref r = {.file = u->file, .size = u->bytes};

		if (is_worth_keeping(f->db, u))
			err = vref_list_add(&f->kept, &r);
	}
	return err;
}

/* The entry with the value itself. */
static int
put_value(struct flush_values *f, struct table_writer *w,
    const struct ikey *key, const struct value *v)
{
	enum ikey_kind kind =
	    key->kind == IKEY_KIND_REF ? IKEY_KIND_PUT : IKEY_KIND_UNTIL;
	struct cache_block *b;
	int err = value_read(&f->db->values, v->bytes, false, &b);

	if (err)
		return err;
	buf_clear(&f->key);
	buf_clear(&f->value);
	err = ikey_append(&f->key, key->user, key->seq, kind);
	if (!err && kind == IKEY_KIND_UNTIL)
		err = buf_append_le64(&f->value, v->expires_ms);
	if (!err)
		err = buf_append_bytes(&f->value, b->data);
	cache_unref(b);
	return err ? err
		   : table_writer_add(
			 w, buf_bytes(&f->key), buf_bytes(&f->value));
}

int
flush_values_put(struct flush_values *f, struct table_writer *w,
    struct bytes ikey, struct bytes raw)
{
	struct value v;
	struct ikey key;
	struct vref r;

	must(ikey_decode(ikey, &key) == 0);
	if (!is_reference(key.kind))
		return table_writer_add(w, ikey, raw);
	must(value_decode(key.kind, raw, &v) == 0);
	must(vref_decode(v.bytes, &r) == 0);
	if (vref_list_find(&f->kept, r.file))
		return table_writer_add(w, ikey, raw);
	return put_value(f, w, &key, &v);
}

static int
sync_segment(struct lsm *db, uint64_t number)
{
	struct segment *s = take_segment(db, number);
	uint64_t end = wal_size(s->wal); /* nobody appends any more */
	bool synced;
	int err = 0;

	lock_acquire(&db->sync_lock);
	synced = s->synced == end;
	lock_release(&db->sync_lock);
	if (!synced) {
		counter_add(&db->counters.syncs, 1);
		err = wal_sync(s->wal);
	}
	if (!synced && !err) {
		lock_acquire(&db->sync_lock);
		s->synced = end;
		lock_release(&db->sync_lock);
	}
	segment_unref(s);
	if (err)
		db_fail(db, err);
	return err;
}

int
flush_values_sync(struct flush_values *f)
{
	int err = 0;

	for (size_t i = 0; i < f->kept.count && !err; i++)
		err = sync_segment(f->db, vref_number(f->kept.uses[i].file));
	return err;
}
