/*
 * dump: the files of a store as text, one line an operation.
 */
#include <inttypes.h>
#include <libgen.h>
#include <stdlib.h>

#include "engine/db/batch.h"
#include "engine/db/edit.h"
#include "engine/db/file_name.h"
#include "engine/table/table.h"
#include "engine/table/value.h"
#include "engine/table/wal.h"

struct dump {
	struct env env;
	const char *path;
	FILE *out;
};

/* What the file layers have to say stands where it happened. */
static void
dump_message(void *ctx, enum err_level level, const char *text)
{
	struct dump *d = ctx;

	(void)level;
	fprintf(d->out, "# %s\n", text);
}

/* Between quotes; what is not printable ASCII as \xNN. */
static void
dump_bytes(FILE *out, struct bytes s)
{
	fputc('"', out);
	for (size_t i = 0; i < s.size; i++) {
		uint8_t c = s.data[i];

		if (c == '"' || c == '\\')
			fprintf(out, "\\%c", c);
		else if (c >= 0x20 && c < 0x7f)
			fputc(c, out);
		else
			fprintf(out, "\\x%02x", c);
	}
	fputc('"', out);
}

/* The name of a file with values. */
static void
dump_file_name(FILE *out, uint64_t file)
{
	fprintf(out, "%06" PRIu64 "%s", vref_number(file),
	    vref_kind(file) == VREF_KIND_LOG ? ".log" : ".val");
}

static void
dump_reference(FILE *out, struct bytes ref)
{
	struct vref r;

	if (vref_decode(ref, &r)) {
		fputs("malformed reference ", out);
		dump_bytes(out, ref);
		return;
	}
	fprintf(out, "%" PRIu64 " bytes at %" PRIu64 " of ", r.size, r.offset);
	dump_file_name(out, r.file);
}

/* v NULL: a delete. */
static void
dump_entry(FILE *out, uint64_t seq, struct bytes key, const struct value *v)
{
	fprintf(out, "%" PRIu64 " %s ", seq, v ? "put" : "delete");
	dump_bytes(out, key);
	if (v)
		fputc(' ', out);
	if (v && v->is_reference)
		dump_reference(out, v->bytes);
	else if (v)
		dump_bytes(out, v->bytes);
	if (v && v->expires_ms > 0)
		fprintf(out, " until %" PRIu64, v->expires_ms);
	fputc('\n', out);
}

/* end is exclusive; no bytes: none. */
static void
dump_range(FILE *out, struct bytes begin, struct bytes end)
{
	dump_bytes(out, begin);
	fputs(" to before ", out);
	if (end.size > 0)
		dump_bytes(out, end);
	else
		fputs("the end", out);
}

static void
dump_tombstone(FILE *out, uint64_t seq, struct bytes begin, struct bytes end)
{
	fprintf(out, "%" PRIu64 " delete range ", seq);
	dump_range(out, begin, end);
	fputc('\n', out);
}

static void
dump_op(FILE *out, uint64_t seq, const struct batch_op *op)
{
	const struct value v = {
	    .bytes = op->value, .expires_ms = op->expires_ms};

	if (op->kind == IKEY_KIND_RANGE) {
		dump_tombstone(out, seq, op->key, op->value);
		return;
	}
	dump_entry(out, seq, op->key, op->kind == IKEY_KIND_DELETE ? NULL : &v);
}

static int
dump_stored(FILE *out, const struct ikey *key, struct bytes raw)
{
	struct value v;

	if (key->kind == IKEY_KIND_DELETE) {
		dump_entry(out, key->seq, key->user, NULL);
		return 0;
	}
	if (value_decode(key->kind, raw, &v))
		return ERR_DAMAGED;
	dump_entry(out, key->seq, key->user, &v);
	return 0;
}

/* --- logs and manifests ------------------------------------------------------
 */

static int
dump_batch(FILE *out, const struct wal_record *rec)
{
	struct batch_cursor c;
	struct batch_op op;
	uint64_t seq = rec->stamp.seq;
	int rc;

	fprintf(out,
	    "record at %" PRIu64 ": numbers %" PRIu64 " to %" PRIu64
	    ", durable %" PRIu64 "\n",
	    rec->offset, rec->stamp.seq, rec->stamp.seq + rec->stamp.count - 1,
	    rec->stamp.durable);
	rc = batch_cursor_init(&c, rec->payload);
	while (!rc && (rc = batch_cursor_next(&c, &op)) > 0) {
		dump_op(out, seq++, &op);
		rc = 0;
	}
	return rc;
}

static void
dump_uses(FILE *out, const struct vref_list *l)
{
	for (size_t i = 0; i < l->count; i++) {
		fprintf(
		    out, ", %" PRIu64 " bytes of values in ", l->uses[i].bytes);
		dump_file_name(out, l->uses[i].file);
	}
}

static void
dump_add(FILE *out, const struct edit_add *add)
{
	const struct version_file *f = add->file;

	fprintf(out,
	    "add level %u table %06" PRIu64 " bytes %" PRIu64
	    " entries %" PRIu64 " deletes %" PRIu64 " numbers %" PRIu64
	    " to %" PRIu64 " keys ",
	    add->level, f->number, f->bytes, f->entries, f->deletes, f->seq_min,
	    f->seq_max);
	if (f->entries > 0) {
		dump_bytes(out, ikey_user(buf_bytes(&f->smallest)));
		fputs(" to ", out);
		dump_bytes(out, ikey_user(buf_bytes(&f->largest)));
	} else {
		fputs("none", out);
	}
	if (f->ranges > 0) {
		fprintf(out, " ranges %" PRIu64 " ", f->ranges);
		dump_range(out, buf_bytes(&f->ranges_begin),
		    buf_bytes(&f->ranges_end));
	}
	if (f->hidden.count > 0)
		fprintf(out, " hidden %" PRIu64, f->hidden.count);
	dump_uses(out, &f->value_refs);
	fputc('\n', out);
}

static void
dump_number(FILE *out, const char *name, uint64_t v)
{
	if (v > 0)
		fprintf(out, "%s %" PRIu64 "\n", name, v);
}

static void
dump_snapshots(FILE *out, const struct edit *e)
{
	const struct named *n;

	for (n = named_first(&e->drops); n; n = named_next(n)) {
		fputs("drop snapshot ", out);
		dump_bytes(out, bytes_str(n->name));
		fputc('\n', out);
	}
	for (n = named_first(&e->snapshots); n; n = named_next(n)) {
		fputs("snapshot ", out);
		dump_bytes(out, bytes_str(n->name));
		fprintf(out, " number %" PRIu64 " created %" PRIu64 " ms\n",
		    n->seq, n->created_ms);
	}
}

static int
dump_edit(FILE *out, const struct wal_record *rec)
{
	struct edit e = {0};
	int err;

	fprintf(out, "record at %" PRIu64 ": edit %" PRIu64 "\n", rec->offset,
	    rec->stamp.seq);
	err = edit_decode(rec->payload, &e);
	if (err)
		return err;
	for (size_t i = 0; i < e.remove_count; i++)
		fprintf(out, "remove level %u table %06" PRIu64 "\n",
		    e.removes[i].level, e.removes[i].number);
	for (size_t i = 0; i < e.add_count; i++)
		dump_add(out, &e.adds[i]);
	dump_snapshots(out, &e);
	dump_number(out, "log", e.log_number);
	dump_number(out, "next number", e.next_number);
	dump_number(out, "last seq", e.last_seq);
	edit_fini(&e);
	return 0;
}

static int
dump_records(struct dump *d, struct wal_reader *r, enum wal_kind kind)
{
	struct wal_record rec;
	struct wal_tail tail;
	int rc;

	while ((rc = wal_reader_next(r, &rec)) > 0) {
		rc = kind == WAL_KIND_MANIFEST ? dump_edit(d->out, &rec)
					       : dump_batch(d->out, &rec);
		if (rc) {
			fprintf(d->out,
			    "# %s: record at offset %" PRIu64 ": %s\n", d->path,
			    rec.offset, err_text(rc));
			return rc;
		}
	}
	if (rc < 0)
		return rc;
	wal_reader_tail(r, &tail);
	fprintf(d->out, "end at %" PRIu64 "%s\n", tail.end,
	    tail.torn ? ", a torn record behind it" : "");
	return 0;
}

static int
dump_wal(struct dump *d, enum wal_kind kind, uint64_t number)
{
	static const char *const names[] = {
	    [WAL_KIND_LOG] = "log",
	    [WAL_KIND_MANIFEST] = "manifest",
	    [WAL_KIND_VALUES] = "values",
	};
	/* The salt is in the header. */
	const struct wal_id id = {.kind = kind, .number = number};
	struct wal_reader *r;
	int err = wal_reader_open(&d->env, d->path, &id, &r);

	if (err == -ENODATA) {
		fprintf(d->out, "# %s: nothing was written to it\n", d->path);
		return 0;
	}
	if (err)
		return err;
	fprintf(d->out, "%s %06" PRIu64 ", first number %" PRIu64 "\n",
	    names[kind], number, wal_reader_first_seq(r));
	err = dump_records(d, r, kind);
	wal_reader_close(r);
	return err;
}

/* --- tables ------------------------------------------------------------------
 */

static int
dump_entries(struct dump *d, struct iter *it)
{
	struct ikey key;
	int rc, err;

	for (rc = iter_first(it); rc > 0; rc = iter_next(it)) {
		err = ikey_decode(it->key, &key);
		if (!err)
			err = dump_stored(d->out, &key, it->value);
		if (err)
			return err;
	}
	return rc;
}

static void
dump_ranges(FILE *out, const struct ranges *r)
{
	for (size_t i = 0; r && i < r->count; i++) {
		const struct ranges_fragment *f = &r->fragments[i];

		for (size_t j = 0; j < f->seq_count; j++)
			dump_tombstone(out, f->seqs[j], f->begin, f->end);
	}
}

static int
dump_table(struct dump *d, uint64_t number)
{
	const struct table_properties *p;
	struct table *t;
	struct iter *it;
	int err = table_open(&d->env, d->path, number, NULL, &t);

	if (err)
		return err;
	p = table_properties(t);
	fprintf(d->out,
	    "table %06" PRIu64 ", entries %" PRIu64 ", deletes %" PRIu64
	    ", numbers %" PRIu64 " to %" PRIu64 ", blocks %" PRIu64,
	    number, p->entries, p->deletes, p->seq_min, p->seq_max,
	    p->data_blocks);
	if (p->index_leaves > 0)
		fprintf(d->out, ", index leaves %" PRIu64, p->index_leaves);
	if (p->hidden.count > 0)
		fprintf(d->out, ", hidden %" PRIu64, p->hidden.count);
	if (p->ranges.count > 0)
		fprintf(d->out, ", ranges %" PRIu64, p->ranges.count);
	fputc('\n', d->out);
	dump_ranges(d->out, table_ranges(t));
	err = table_iter_open(t, false, &it);
	if (!err) {
		err = dump_entries(d, it);
		iter_close(it);
	}
	table_close(t);
	return err;
}

static int
dump_kind(struct dump *d, enum file_name_kind kind, uint64_t number)
{
	switch (kind) {
	case FILE_NAME_LOG:
		return dump_wal(d, WAL_KIND_LOG, number);
	case FILE_NAME_VALUES:
		return dump_wal(d, WAL_KIND_VALUES, number);
	case FILE_NAME_MANIFEST:
		return dump_wal(d, WAL_KIND_MANIFEST, number);
	case FILE_NAME_TABLE:
		return dump_table(d, number);
	default:
		fprintf(d->out,
		    "# %s: the name is not that of a log, table, file of"
		    " values or manifest\n",
		    d->path);
		return -EINVAL;
	}
}

int
lsm_dump_file(const char *path, FILE *out)
{
	struct dump d = {.path = path, .out = out};
	char *copy = strdup(path);
	enum file_name_kind kind;
	uint64_t number;
	int err;

	if (!copy)
		return -ENOMEM;
	/* The number in the name is part of every checksum in the file. */
	kind = file_name_parse(basename(copy), &number);
	free(copy);
	env_posix_init(&d.env, (struct err_sink){dump_message, &d});
	err = dump_kind(&d, kind, number);
	return !err && ferror(out) ? -EIO : err;
}
