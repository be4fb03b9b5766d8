#include <inttypes.h>
#include <stdlib.h>

#include "engine/base/must.h"
#include "engine/db/file_name.h"
#include "engine/db/reaper.h"
#include "engine/db/span.h"
#include "engine/db/values.h"
#include "engine/db/version.h"

/* Lets go of what hold_values held so far. */
static void
drop_values(struct version_file *f)
{
	for (size_t i = 0; f->values && i < f->value_refs.count; i++)
		values_unref(f->values[i]);
	free(f->values);
	f->values = NULL;
}

static int
hold_values(struct version_file *f, struct values *s)
{
	int err = 0;

	if (f->value_refs.count == 0 || f->values)
		return 0;
	must(s);
	f->values = calloc(f->value_refs.count, sizeof(struct value_file *));
	if (!f->values)
		return -ENOMEM;
	for (size_t i = 0; i < f->value_refs.count && !err; i++)
		err = values_hold(s, f->value_refs.uses[i].file, &f->values[i]);
	if (err)
		drop_values(f);
	return err;
}

static void
version_file_free(struct version_file *f)
{
	drop_values(f);
	vref_list_fini(&f->value_refs);
	buf_fini(&f->smallest);
	buf_fini(&f->largest);
	buf_fini(&f->ranges_begin);
	buf_fini(&f->ranges_end);
	free(f->path);
	free(f);
}

int
version_file_place(struct version_file *f, const struct version_place *p)
{
	char *path = file_name_path(p->dir, FILE_NAME_TABLE, f->number);
	int err = path ? hold_values(f, p->values) : -ENOMEM;

	if (err) {
		free(path);
		return err;
	}
	free(f->path);
	f->path = path;
	f->env = p->env;
	f->cache = p->cache;
	f->reaper = p->reaper;
	return 0;
}

static int
copy_keys(struct version_file *f, const struct table_info *info)
{
	int err = buf_assign(&f->smallest, buf_bytes(&info->smallest));

	if (!err)
		err = buf_assign(&f->largest, buf_bytes(&info->largest));
	if (!err)
		err = buf_assign(
		    &f->ranges_begin, buf_bytes(&info->ranges_begin));
	if (!err)
		err = buf_assign(&f->ranges_end, buf_bytes(&info->ranges_end));
	return err;
}

static struct span
ranges_span(const struct version_file *f)
{
	return (struct span){buf_bytes(&f->ranges_begin),
	    buf_bytes(&f->ranges_end),
	    f->ranges_end.size > 0 ? SPAN_EXCLUDED : SPAN_OPEN};
}

static struct span
span_of_all(const struct version_file *f)
{
	const struct span ranges = ranges_span(f);
	struct span s;

	if (f->entries == 0)
		return ranges;
	s.first = ikey_user(buf_bytes(&f->smallest));
	s.last = ikey_user(buf_bytes(&f->largest));
	s.end = SPAN_INCLUDED;
	if (f->ranges == 0)
		return s;
	if (bytes_cmp(ranges.first, s.first) < 0)
		s.first = ranges.first;
	span_extend(&s, &ranges);
	return s;
}

int
version_file_new(const struct version_place *p, const struct table_info *info,
    struct version_file **out)
{
	struct version_file *f = calloc(1, sizeof(*f));
	int err;

	if (!f)
		return -ENOMEM;
	atomic_init(&f->refs, 1);
	atomic_init(&f->obsolete, false);
	atomic_init(&f->table, NULL);
	f->number = info->file_no;
	f->bytes = info->file_bytes;
	f->entries = info->entries;
	f->deletes = info->deletes;
	f->seq_min = info->seq_min;
	f->seq_max = info->seq_max;
	f->ranges = info->ranges;
	f->expiries = info->expiries;
	f->hidden = info->hidden;
	err = copy_keys(f, info);
	if (!err)
		err = vref_list_copy(&info->refs, &f->value_refs);
	f->value_bytes = vref_list_bytes(&f->value_refs);
	if (!err)
		f->span = span_of_all(f);
	if (!err && p)
		err = version_file_place(f, p);
	if (err)
		version_file_free(f);
	else
		*out = f;
	return err;
}

void
version_file_ref(struct version_file *f)
{
	/* Relaxed: who refs has a reference already, or holds the lock under
	 * which the version that has one was found. */
	atomic_fetch_add_explicit(&f->refs, 1, memory_order_relaxed);
}

/* Errors and the directory: see reaper.h. */
static void
delete_file(struct version_file *f)
{
	if (f->reaper) {
		reaper_take(f->reaper, f->path, f->number, f->bytes);
		return;
	}
	if (f->cache)
		cache_drop_file(f->cache, f->number);
	env_unlink(f->env, f->path);
}

void
version_file_unref(struct version_file *f)
{
	struct table *t;

	/* Release: what this thread did with the file is done before the last
	 * one frees it; acquire: and the last one sees it, `obsolete` too. */
	if (atomic_fetch_sub_explicit(&f->refs, 1, memory_order_acq_rel) != 1)
		return;
	t = atomic_load_explicit(&f->table, memory_order_relaxed);
	if (t)
		table_close(t);
	if (atomic_load_explicit(&f->obsolete, memory_order_relaxed))
		delete_file(f);
	version_file_free(f);
}

/* Whether the table says that it refers to what the manifest says; *same. */
static int
compare_refs(const struct version_file *f, struct bytes said, bool *same)
{
	struct buf refs = {0};
	int err = 0;

	if (f->value_refs.count > 0)
		err = vref_list_encode(&f->value_refs, &refs);
	*same = bytes_eq(buf_bytes(&refs), said);
	buf_fini(&refs);
	return err;
}

/* The table may be a good one that stands in the wrong place. */
static int
check_table(const struct version_file *f, const struct table *t)
{
	const struct table_properties *p = table_properties(t);
	bool same_refs;
	int err = compare_refs(f, p->refs, &same_refs);

	if (err)
		return err;
	if (p->entries == f->entries && p->deletes == f->deletes &&
	    p->seq_min == f->seq_min && p->seq_max == f->seq_max && same_refs &&
	    expiries_eq(&p->expiries, &f->expiries) &&
	    hidden_eq(&p->hidden, &f->hidden) &&
	    bytes_eq(p->smallest, buf_bytes(&f->smallest)) &&
	    bytes_eq(p->largest, buf_bytes(&f->largest)) &&
	    p->ranges.count == f->ranges &&
	    bytes_eq(p->ranges.begin, buf_bytes(&f->ranges_begin)) &&
	    bytes_eq(p->ranges.end, buf_bytes(&f->ranges_end)))
		return 0;
	env_log(f->env, ERR_LEVEL_ERROR,
	    "%s: damaged: holds %" PRIu64
	    " entries of sequence numbers %" PRIu64 " to %" PRIu64
	    ", but the manifest says %" PRIu64 " entries of %" PRIu64
	    " to %" PRIu64 " or other keys or values elsewhere",
	    f->path, p->entries, p->seq_min, p->seq_max, f->entries, f->seq_min,
	    f->seq_max);
	return ERR_DAMAGED;
}

static int
open_table(struct version_file *f, struct table **out)
{
	struct table *t, *other = NULL;
	int err = table_open(f->env, f->path, f->number, f->cache, &t);

	if (err)
		return err;
	err = check_table(f, t);
	if (err) {
		table_close(t);
		return err;
	}
	/* Release: the table is whole before others see the pointer; acquire:
	 * if another thread was first, its table is whole for us. */
	if (atomic_compare_exchange_strong_explicit(&f->table, &other, t,
		memory_order_release, memory_order_acquire)) {
		*out = t;
		return 0;
	}
	table_close(t);
	*out = other;
	return 0;
}

int
version_file_table(struct version_file *f, struct table **out)
{
	/* Acquire: pairs with the release in open_table. */
	struct table *t = atomic_load_explicit(&f->table, memory_order_acquire);

	if (!t)
		return open_table(f, out);
	*out = t;
	return 0;
}
