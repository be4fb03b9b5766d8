#include "engine/db/compact_output.h"

#include <stdlib.h>

#include "engine/db/compression.h"
#include "engine/db/file_name.h"
#include "engine/db/pick.h"
#include "engine/db/span.h"

static int
begin_table(struct compact_output *o)
{
	const struct table_writer_options wo = {
	    .block_bytes = o->options->block_bytes,
	    .filter_bits = o->options->filter_bits,
	    .compress = compression_of(o->options, o->bottom),
	};
	const struct version_place *p = &o->vset->place;
	uint64_t number = vset_new_number(o->vset);

	free(o->path);
	o->path = file_name_path(p->dir, FILE_NAME_TABLE, number);
	if (!o->path)
		return -ENOMEM;
	o->below_bytes = 0;
	o->below_passed = 0;
	return table_writer_open(p->env, o->path, number, &wo, &o->writer);
}

/* The finished table becomes a file of the edit, or is removed. */
static int
keep_table(struct compact_output *o, const struct table_info *info)
{
	struct version_file *file;
	int err = version_file_new(&o->vset->place, info, &file);

	if (err) {
		env_unlink(o->vset->place.env, o->path);
		return err;
	}
	err = edit_add_file(&o->edit, o->level, file);
	if (err)
		atomic_store_explicit(
		    &file->obsolete, true, memory_order_relaxed);
	else
		o->bytes_written += info->file_bytes;
	version_file_unref(file);
	return err;
}

static int
end_table(struct compact_output *o)
{
	struct table_writer *w = o->writer;
	struct table_info info = {0};
	int err;

	if (!w)
		return 0;
	o->writer = NULL;
	err = table_writer_finish(w, &info);
	if (!err)
		err = keep_table(o, &info);
	table_info_fini(&info);
	return err;
}

/* Counts the tables below that the output leaves behind at this user key.
 * True: it leaves one. */
static bool
pass_below(struct compact_output *o, struct bytes user)
{
	bool passed = false;

	while (o->below && o->below_index < o->below->count) {
		const struct version_file *f = o->below->files[o->below_index];

		if (!span_ends_before(&f->span, user))
			break;
		o->below_index++;
		/* What lies between two outputs belongs to neither. */
		if (!o->writer)
			continue;
		o->below_bytes += f->bytes;
		o->below_passed++;
		passed = true;
	}
	return passed;
}

/* passed: a table below ends here. */
static bool
is_full(const struct compact_output *o, bool passed)
{
	uint64_t size = table_writer_size(o->writer);
	uint64_t full = o->options->table_bytes;
	/* The more edges it has seen, the less it gains from this one. */
	unsigned percent = 50 + 5 * o->below_passed;

	if (!o->below || o->below->count == 0)
		return size >= full;
	if (passed && size >= full / 100 * (percent < 90 ? percent : 90))
		return true;
	return size / 2 >= full ||
	       o->below_bytes > pick_overlap_limit(o->options);
}

/* --- range tombstones ---------------------------------------------------- */

static int
add_range(struct compact_output *o, const struct ranges_fragment *f)
{
	int err = o->writer ? 0 : begin_table(o);

	return err ? err : table_writer_add_range(o->writer, f);
}

/* Those that end at or before the user key (data NULL: all).  Many of them may
 * follow one another without an entry between: they fill tables, too. */
static int
add_ranges(struct compact_output *o, struct bytes user)
{
	struct ranges_fragment f;
	int err = 0, rc;

	while (!err && (rc = compact_ranges_next(
			    o->ranges, user, COMPACT_RANGES_WHOLE, &f)) != 0) {
		err = rc < 0 ? rc : add_range(o, &f);
		if (!err && is_full(o, false))
			err = end_table(o);
	}
	return err;
}

/* The table ends before the user key: so does what it has of the tombstone
 * that reaches beyond. */
static int
end_table_before(struct compact_output *o, struct bytes user)
{
	struct ranges_fragment f;
	int rc = compact_ranges_next(o->ranges, user, COMPACT_RANGES_CUT, &f);

	if (rc > 0)
		rc = table_writer_add_range(o->writer, &f);
	return rc < 0 ? rc : end_table(o);
}

/* --- entries ------------------------------------------------------------- */

/* A new user key begins; passed: it leaves a table below. */
static int
make_room(struct compact_output *o, struct bytes user, bool passed)
{
	int err = add_ranges(o, user);

	if (!err && o->writer && is_full(o, passed))
		err = end_table_before(o, user);
	return err;
}

int
compact_output_add(struct compact_output *o, struct bytes ikey,
    struct bytes value, bool may_cut)
{
	bool passed = pass_below(o, ikey_user(ikey));
	struct ikey key;
	int err = ikey_decode(ikey, &key);

	if (!err && may_cut)
		err = make_room(o, key.user, passed);
	if (!err && !o->writer)
		err = begin_table(o);
	if (!err)
		err = table_writer_add(o->writer, ikey, value);
	if (!err)
		compact_ranges_note(o->ranges, &key);
	return err;
}

int
compact_output_finish(struct compact_output *o)
{
	int err = add_ranges(o, (struct bytes){NULL, 0});

	if (!err)
		err = end_table(o);
	free(o->path);
	o->path = NULL;
	return err;
}

void
compact_output_abandon(struct compact_output *o)
{
	if (o->writer)
		table_writer_abandon(o->writer);
	for (size_t i = 0; i < o->edit.add_count; i++)
		atomic_store_explicit(&o->edit.adds[i].file->obsolete, true,
		    memory_order_relaxed);
	edit_fini(&o->edit);
	free(o->path);
	o->path = NULL;
	o->writer = NULL;
}
