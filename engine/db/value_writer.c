#include "engine/db/value_writer.h"

#include <stdlib.h>

#include "engine/base/must.h"
#include "engine/db/batch.h"
#include "engine/table/wal.h"

/* Written at a time. */
#define RECORD_BYTES (256u << 10)

/* A file does not get much larger. */
#define FILE_BYTES (64u << 20)

/* Room for one more. */
static int
make_room(struct value_writer *w)
{
	struct value_file **files =
	    reallocarray(w->files, w->count + 1, sizeof(struct value_file *));

	if (!files)
		return -ENOMEM;
	w->files = files;
	return 0;
}

static int
begin_file(struct value_writer *w)
{
	const struct version_place *p = &w->vset->place;
	const struct wal_id id = {
	    WAL_KIND_VALUES, vset_new_number(w->vset), w->vset->salt};
	struct value_file *f;
	int err = make_room(w);

	if (!err && !w->batch) {
		w->batch = lsm_batch_new();
		err = w->batch ? 0 : -ENOMEM;
	}
	if (!err)
		err = values_hold(
		    p->values, vref_file(id.number, VREF_KIND_VALUES), &f);
	if (err)
		return err;
	w->seq = 1;
	w->value_bytes = 0;
	err = wal_create(p->env, f->path, &id, w->seq, &w->wal);
	if (err)
		values_unref(f);
	else
		w->files[w->count++] = f;
	return err;
}

/* The batch becomes a record. */
static int
write_record(struct value_writer *w)
{
	struct wal_stamp stamp = {
	    .seq = w->seq,
	    .count = lsm_batch_count(w->batch),
	    .durable = 0,
	};
	size_t size;
	uint8_t *record = batch_record(w->batch, &size);
	int err;

	if (stamp.count == 0)
		return 0;
	err = wal_append(w->wal, record, size, &stamp);
	if (err)
		return err;
	w->seq += stamp.count;
	lsm_batch_clear(w->batch);
	return 0;
}

static int
end_file(struct value_writer *w)
{
	int err;

	if (!w->wal)
		return 0;
	err = write_record(w);
	if (!err)
		err = wal_sync(w->wal);
	if (!err) {
		values_set_bytes(w->files[w->count - 1], wal_size(w->wal));
		values_set_overhead(
		    w->files[w->count - 1], wal_size(w->wal) - w->value_bytes);
		w->bytes += wal_size(w->wal);
	}
	wal_close(w->wal);
	w->wal = NULL;
	return err;
}

/* The value goes to the end of the batch: where in the file that will be. */
static int
add_to_batch(struct value_writer *w, struct bytes key, struct bytes value,
    uint64_t *offset)
{
	size_t before;
	uint8_t *room;
	int err = lsm_batch_put_room(w->batch, key, value.size, &room);

	if (err)
		return err;
	memcpy(room, value.data, value.size);
	before = (size_t)(room - batch_payload(w->batch).data);
	*offset = wal_size(w->wal) + WAL_RECORD_HEADER + before;
	return 0;
}

int
value_writer_add(struct value_writer *w, struct bytes key, struct bytes value,
    uint8_t *ref, size_t *ref_size)
{
	uint64_t offset;
	int err = 0;

	must(value.size > 0);
	if (w->wal && wal_size(w->wal) >= FILE_BYTES)
		err = end_file(w);
	if (!err && !w->wal)
		err = begin_file(w);
	if (!err)
		err = add_to_batch(w, key, value, &offset);
	if (err)
		return err;
	w->value_bytes += value.size;
	*ref_size =
	    vref_encode(ref, w->files[w->count - 1]->file, offset, value);
	if (lsm_batch_bytes(w->batch) >= RECORD_BYTES)
		err = write_record(w);
	return err;
}

int
value_writer_finish(struct value_writer *w)
{
	return end_file(w);
}

void
value_writer_abandon(struct value_writer *w)
{
	for (size_t i = 0; i < w->count; i++)
		values_set_obsolete(w->files[i]);
}

void
value_writer_fini(struct value_writer *w)
{
	wal_close(w->wal);
	for (size_t i = 0; i < w->count; i++)
		values_unref(w->files[i]);
	free(w->files);
	lsm_batch_free(w->batch);
	*w = (struct value_writer){.vset = w->vset};
}
