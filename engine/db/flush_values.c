#include "engine/db/flush_values.h"

#include "engine/base/must.h"
#include "engine/db/db.h"
#include "engine/db/value_read.h"
#include "engine/table/table_writer.h"
#include "engine/table/value.h"

/* A segment is kept if its values are this part of it: PART of WHOLE. */
#define KEEP_PART  2
#define KEEP_WHOLE 3

/* So little is copied into the table: this part of a memtable. */
#define INLINE_PART 8

void
flush_values_fini(struct flush_values *f)
{
	value_writer_fini(&f->writer);
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
    struct flush_values *f, const struct ikey *key, struct bytes raw)
{
	struct value v;
	struct vref r;

	if (!is_reference(key->kind))
		return 0;
	/* Memtables hold what we made. */
	must(value_decode(key->kind, raw, &v) == 0);
	must(vref_decode(v.bytes, &r) == 0);
	return vref_list_add(&f->found, &r, key->user.size);
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
	uint64_t copied = 0;
	int err = 0;

	for (size_t i = 0; i < f->found.count && !err; i++) {
		const struct vref_use *u = &f->found.uses[i];
		const struct vref r = {.file = u->file};

		if (f->keep || is_worth_keeping(f->db, u))
			err = vref_list_add(&f->kept, &r, 0);
		else
			copied += u->bytes;
	}
	f->apart = copied >= f->db->options.memtable_bytes / INLINE_PART;
	return err;
}

/* An entry on its way into the table. */
struct entry {
	struct ikey key;
	struct bytes ikey;
	struct bytes raw;
	struct value value;
};

/* With a reference to a copy of the value. */
static int
put_apart(struct flush_values *f, struct table_writer *w, const struct entry *e,
    struct bytes content)
{
	size_t head = e->raw.size - e->value.bytes.size, size;
	int err;

	buf_clear(&f->value);
	err = buf_append(&f->value, e->raw.data, head); /* the expiry */
	if (!err)
		err = buf_reserve(&f->value, vref_bytes(content.size));
	if (!err)
		err = value_writer_add(&f->writer, e->key.user, content,
		    f->value.data + head, &size);
	if (err)
		return err;
	f->value.size = head + size;
	return table_writer_add(w, e->ikey, buf_bytes(&f->value));
}

/* With the value itself. */
static int
put_inline(struct flush_values *f, struct table_writer *w,
    const struct entry *e, struct bytes content)
{
	enum ikey_kind kind =
	    e->key.kind == IKEY_KIND_REF ? IKEY_KIND_PUT : IKEY_KIND_UNTIL;
	int err;

	buf_clear(&f->key);
	buf_clear(&f->value);
	err = ikey_append(&f->key, e->key.user, e->key.seq, kind);
	if (!err && kind == IKEY_KIND_UNTIL)
		err = buf_append_le64(&f->value, e->value.expires_ms);
	if (!err)
		err = buf_append_bytes(&f->value, content);
	if (err)
		return err;
	return table_writer_add(w, buf_bytes(&f->key), buf_bytes(&f->value));
}

int
flush_values_put(struct flush_values *f, struct table_writer *w,
    struct bytes ikey, struct bytes raw)
{
	struct entry e = {.ikey = ikey, .raw = raw};
	struct cache_block *b;
	struct vref r;
	int err;

	must(ikey_decode(ikey, &e.key) == 0);
	if (!is_reference(e.key.kind))
		return table_writer_add(w, ikey, raw);
	must(value_decode(e.key.kind, raw, &e.value) == 0);
	must(vref_decode(e.value.bytes, &r) == 0);
	if (vref_list_find(&f->kept, r.file))
		return table_writer_add(w, ikey, raw);
	err = value_read(&f->db->values, e.value.bytes, false, &b);
	if (err)
		return err;
	err = f->apart ? put_apart(f, w, &e, b->data)
		       : put_inline(f, w, &e, b->data);
	cache_unref(b);
	return err;
}

/* As long as its records are, and synced. */
static int
settle_segment(struct lsm *db, uint64_t number)
{
	struct segment *s = take_segment(db, number);
	uint64_t end = wal_size(s->wal); /* nobody appends any more */
	bool synced;
	int err = 0;

	/* Now, for once the manifest names it as a file of values no recovery
	 * cuts it.  A failure was logged; segment_keep tries again. */
	(void)wal_cut(s->wal);
	lock_acquire(&db->sync_lock);
	synced = s->synced == end;
	lock_release(&db->sync_lock);
	if (!synced) {
		counter_add(&db->counters.syncs, 1);
		err = wal_sync(s->wal);
	}
	if (!synced && !err) {
		lock_acquire(&db->sync_lock);
		/* Else who syncs the log would not see to its name. */
		if (s->named)
			s->synced = end;
		lock_release(&db->sync_lock);
	}
	segment_unref(s);
	if (!err)
		return 0;
	db_fail(db, err);
	return db_failed(db);
}

void
flush_values_abandon(struct flush_values *f)
{
	value_writer_abandon(&f->writer);
}

int
flush_values_finish(struct flush_values *f)
{
	int err = value_writer_finish(&f->writer);

	for (size_t i = 0; i < f->kept.count && !err; i++)
		err = settle_segment(f->db, vref_number(f->kept.uses[i].file));
	return err;
}
