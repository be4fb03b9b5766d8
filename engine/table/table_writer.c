#include "engine/table/table_writer.h"

#include <stdlib.h>

#include "engine/base/hash.h"
#include "engine/base/must.h"
#include "engine/table/block.h"
#include "engine/table/filter.h"
#include "engine/table/table_format.h"
#include "engine/table/table_split.h"
#include "engine/table/value.h"

/* What is collected before it is written. */
#define TABLE_WRITER_BYTES (256u << 10)

/* An index is one block up to here, for it stays in memory while the table is
 * open: 6 % of a table of 16 MiB. */
#define TABLE_INDEX_BYTES (1u << 20)
#define TABLE_LEAF_BYTES  (8u << 10)

struct table_writer {
	struct env *env;
	struct env_file *file;
	uint64_t file_no;
	struct table_writer_options options;
	int err; /* the first one */
	/* Bytes that follow the written ones in the file. */
	struct buf out;
	uint64_t written;
	struct block_builder data;
	struct block_builder index;
	struct filter_builder filter;
	struct table_properties properties; /* but for the keys */
	struct buf smallest;
	struct buf largest; /* the ikey added last */
	struct vref_list refs;
	struct buf expiries; /* the moments */
	struct buf handle;
	struct buf ranges; /* fragments as bytes */
	struct buf ranges_begin;
	struct buf ranges_end;
};

static uint64_t
table_writer_offset(const struct table_writer *w)
{
	return w->written + w->out.size;
}

uint64_t
table_writer_size(const struct table_writer *w)
{
	uint64_t filter_bytes =
	    w->filter.hashes.size / 8 * w->options.filter_bits / 8;

	return table_writer_offset(w) + block_builder_size(&w->data) +
	       block_builder_size(&w->index) + filter_bytes + w->ranges.size +
	       TABLE_FOOTER;
}

/* --- opening and closing ----------------------------------------------- */

/* With the file's removal if it is not kept. */
static void
table_writer_free(struct table_writer *w, bool keep)
{
	char *path = keep || !w->file ? NULL : w->file->path;

	/* Its name goes while the file is open: path belongs to the file.
	 * A failure leaves a file that nothing names, and env has said so. */
	if (path)
		env_unlink(w->env, path);
	env_close(w->file);
	buf_fini(&w->out);
	block_builder_fini(&w->data);
	block_builder_fini(&w->index);
	filter_builder_fini(&w->filter);
	buf_fini(&w->smallest);
	buf_fini(&w->largest);
	vref_list_fini(&w->refs);
	buf_fini(&w->expiries);
	buf_fini(&w->handle);
	buf_fini(&w->ranges);
	buf_fini(&w->ranges_begin);
	buf_fini(&w->ranges_end);
	free(w);
}

int
table_writer_open(struct env *env, const char *path, uint64_t file_no,
    const struct table_writer_options *o, struct table_writer **out)
{
	struct table_writer *w = calloc(1, sizeof(*w));
	int err;

	if (!w)
		return -ENOMEM;
	w->env = env;
	w->file_no = file_no;
	w->options = *o;
	w->properties.seq_min = IKEY_SEQ_MAX;
	block_builder_init(&w->data, TABLE_DATA_INTERVAL);
	block_builder_init(&w->index, TABLE_INDEX_INTERVAL);
	filter_builder_init(&w->filter, o->filter_bits);
	err = buf_append(&w->out, TABLE_MAGIC, TABLE_MAGIC_SIZE);
	if (!err)
		err = env_open(env, path,
		    ENV_OPEN_WRITE | ENV_OPEN_CREATE | ENV_OPEN_EXCL, &w->file);
	if (err)
		table_writer_free(w, true);
	else
		*out = w;
	return err;
}

void
table_writer_abandon(struct table_writer *w)
{
	if (w)
		table_writer_free(w, false);
}

/* --- writing ----------------------------------------------------------- */

static int
table_writer_flush(struct table_writer *w)
{
	int err = env_pwrite(w->file, w->out.data, w->out.size, w->written);

	if (err)
		return err;
	w->written += w->out.size;
	buf_clear(&w->out);
	return 0;
}

static int
table_writer_frame(struct table_writer *w, struct bytes block,
    enum frame_compression compress, struct frame_handle *h)
{
	int err = frame_encode(
	    &w->out, block, compress, w->file_no, table_writer_offset(w), h);

	if (err || w->out.size < TABLE_WRITER_BYTES)
		return err;
	return table_writer_flush(w);
}

/* The data block collected goes to the file and into the index. */
static int
table_writer_cut(struct table_writer *w)
{
	struct frame_handle h;
	struct bytes block;
	int err;

	if (w->data.count == 0)
		return 0;
	err = block_builder_finish(&w->data, &block);
	if (!err)
		err = table_writer_frame(w, block, w->options.compress, &h);
	buf_clear(&w->handle);
	if (!err)
		err = frame_handle_append(&w->handle, h);
	if (!err)
		err = block_builder_add(
		    &w->index, buf_bytes(&w->largest), buf_bytes(&w->handle));
	if (err)
		return err;
	w->properties.data_blocks++;
	block_builder_clear(&w->data);
	return 0;
}

static int
table_writer_refuse(struct table_writer *w, const char *why)
{
	env_log(w->env, ERR_LEVEL_ERROR,
	    "%s: not written: %s; one of the tables it is made from is damaged",
	    w->file->path, why);
	return ERR_DAMAGED;
}

/* ERR_DAMAGED if the key is none or does not come next. */
static int
table_writer_check_key(
    struct table_writer *w, struct bytes ikey, struct ikey *out)
{
	if (ikey_decode(ikey, out))
		return table_writer_refuse(w, "a key is malformed");
	if (w->properties.entries > 0 &&
	    ikey_cmp(buf_bytes(&w->largest), ikey) >= 0)
		return table_writer_refuse(w, "keys come out of order");
	return 0;
}

static void
table_writer_note_seq(struct table_writer *w, uint64_t seq)
{
	struct table_properties *p = &w->properties;

	if (seq < p->seq_min)
		p->seq_min = seq;
	if (seq > p->seq_max)
		p->seq_max = seq;
}

static void
table_writer_count(
    struct table_writer *w, const struct ikey *k, struct bytes value)
{
	struct table_properties *p = &w->properties;

	p->entries++;
	p->deletes += k->kind == IKEY_KIND_DELETE;
	p->key_bytes += k->user.size;
	p->value_bytes += value.size;
	table_writer_note_seq(w, k->seq);
}

/* Counts what the entry refers to, and when it expires. */
static int
table_writer_count_value(
    struct table_writer *w, const struct ikey *k, struct bytes raw)
{
	struct value v;
	struct vref r;
	int err = 0;

	if (k->kind == IKEY_KIND_PUT || k->kind == IKEY_KIND_DELETE)
		return 0;
	if (value_decode(k->kind, raw, &v))
		return table_writer_refuse(w, "a value does not fit its kind");
	if (v.is_reference && vref_decode(v.bytes, &r))
		return table_writer_refuse(w, "a reference is malformed");
	if (v.is_reference)
		err = vref_list_add(&w->refs, &r, k->user.size);
	if (!err && v.expires_ms > 0)
		err = buf_append(
		    &w->expiries, &v.expires_ms, sizeof(v.expires_ms));
	return err;
}

static int
table_writer_put(struct table_writer *w, struct bytes ikey, struct bytes value)
{
	struct ikey k;
	int err = table_writer_check_key(w, ikey, &k);

	if (!err)
		err = table_writer_count_value(w, &k, value);
	/* A block ends before the entry that would make it too large, so that
	 * a large value stands alone. */
	if (!err && block_builder_size(&w->data) + ikey.size + value.size >
			w->options.block_bytes)
		err = table_writer_cut(w);
	if (!err)
		err = block_builder_add(&w->data, ikey, value);
	if (!err)
		err = filter_builder_add(&w->filter, hash_64(k.user, 0));
	if (!err && w->properties.entries == 0)
		err = buf_assign(&w->smallest, ikey);
	if (!err)
		hidden_note(&w->properties.hidden, buf_bytes(&w->largest), &k);
	if (!err)
		err = buf_assign(&w->largest, ikey);
	if (!err)
		table_writer_count(w, &k, value);
	return err;
}

int
table_writer_add(struct table_writer *w, struct bytes ikey, struct bytes value)
{
	if (!w->err)
		w->err = table_writer_put(w, ikey, value);
	return w->err;
}

/* Whether f may come next. */
static bool
table_writer_range_fits(
    const struct table_writer *w, const struct ranges_fragment *f)
{
	if (f->seq_count == 0 || f->seqs[f->seq_count - 1] == 0 ||
	    f->seqs[0] > IKEY_SEQ_MAX || !ranges_ends_behind(f->end, f->begin))
		return false;
	return w->properties.ranges.count == 0 ||
	       (w->ranges_end.size > 0 &&
		   bytes_cmp(buf_bytes(&w->ranges_end), f->begin) <= 0);
}

static int
table_writer_put_range(struct table_writer *w, const struct ranges_fragment *f)
{
	int err = 0;

	if (!table_writer_range_fits(w, f)) {
		env_log(w->env, ERR_LEVEL_ERROR,
		    "%s: not written: range tombstones come out of order; one"
		    " of the tables it is made from is damaged",
		    w->file->path);
		return ERR_DAMAGED;
	}
	if (w->properties.ranges.count == 0)
		err = buf_assign(&w->ranges_begin, f->begin);
	if (!err)
		err = buf_assign(&w->ranges_end, f->end);
	if (!err)
		err = ranges_append(&w->ranges, f);
	if (err)
		return err;
	w->properties.ranges.count++;
	table_writer_note_seq(w, f->seqs[0]);
	table_writer_note_seq(w, f->seqs[f->seq_count - 1]);
	return 0;
}

int
table_writer_add_range(struct table_writer *w, const struct ranges_fragment *f)
{
	if (!w->err)
		w->err = table_writer_put_range(w, f);
	return w->err;
}

/* --- finishing --------------------------------------------------------- */

static int
table_writer_put_filter(struct table_writer *w, struct frame_handle *h)
{
	struct buf filter = {0};
	int err = filter_builder_finish(&w->filter, &filter);

	if (!err)
		err = table_writer_frame(w, buf_bytes(&filter), FRAME_PLAIN, h);
	buf_fini(&filter);
	return err;
}

/* As table_writer_frame, of a part of the index. */
static int
table_writer_index_frame(void *ctx, struct bytes block, struct frame_handle *h)
{
	struct table_writer *w = ctx;

	return table_writer_frame(w, block, w->options.compress, h);
}

static int
table_writer_put_index(struct table_writer *w, struct frame_handle *h)
{
	size_t bytes_max =
	    w->options.index_bytes ? w->options.index_bytes : TABLE_INDEX_BYTES;
	const struct table_split_out out = {
	    .frame = table_writer_index_frame,
	    .ctx = w,
	    .leaf_bytes =
		bytes_max < TABLE_LEAF_BYTES ? bytes_max : TABLE_LEAF_BYTES,
	};
	struct bytes block;
	int err = block_builder_finish(&w->index, &block);

	if (err)
		return err;
	if (block.size <= bytes_max)
		return table_writer_index_frame(w, block, h);
	return table_split_write(block, &out, &w->properties.index_leaves, h);
}

static int
table_writer_put_ranges(struct table_writer *w)
{
	struct table_ranges *r = &w->properties.ranges;

	if (r->count == 0)
		return 0;
	r->begin = buf_bytes(&w->ranges_begin);
	r->end = buf_bytes(&w->ranges_end);
	return table_writer_frame(
	    w, buf_bytes(&w->ranges), w->options.compress, &r->handle);
}

static int
table_writer_put_properties(struct table_writer *w, struct frame_handle *h)
{
	struct buf b = {0}, refs = {0};
	int err = 0;

	w->properties.smallest = buf_bytes(&w->smallest);
	w->properties.largest = buf_bytes(&w->largest);
	if (w->refs.count > 0)
		err = vref_list_encode(&w->refs, &refs);
	w->properties.refs = buf_bytes(&refs);
	w->properties.expiries = expiries_of(&w->expiries);
	if (!err)
		err = table_format_properties_encode(&b, &w->properties);
	if (!err)
		err = table_writer_frame(w, buf_bytes(&b), FRAME_PLAIN, h);
	buf_fini(&refs);
	buf_fini(&b);
	return err;
}

/* Everything behind the data, and the sync. */
static int
table_writer_end(struct table_writer *w)
{
	struct table_footer f = {.file_no = w->file_no};
	uint8_t raw[TABLE_FOOTER];
	int err;

	if (w->properties.entries == 0 && w->properties.ranges.count == 0)
		return -EINVAL;
	err = table_writer_cut(w);
	if (!err)
		err = table_writer_put_filter(w, &f.filter);
	if (!err)
		err = table_writer_put_index(w, &f.index);
	if (!err)
		err = table_writer_put_ranges(w);
	if (!err)
		err = table_writer_put_properties(w, &f.properties);
	if (err)
		return err;
	table_format_footer_encode(raw, &f);
	err = buf_append(&w->out, raw, sizeof(raw));
	if (!err)
		err = table_writer_flush(w);
	return err ? err : env_sync(w->file);
}

int
table_writer_finish(struct table_writer *w, struct table_info *info)
{
	const struct table_properties *p = &w->properties;
	int err = w->err ? w->err : table_writer_end(w);

	if (!err) {
		*info = (struct table_info){
		    .file_no = w->file_no,
		    .file_bytes = w->written,
		    .entries = p->entries,
		    .deletes = p->deletes,
		    .seq_min = p->seq_min,
		    .seq_max = p->seq_max,
		    .smallest = w->smallest,
		    .largest = w->largest,
		    .ranges = p->ranges.count,
		    .ranges_begin = w->ranges_begin,
		    .ranges_end = w->ranges_end,
		    .refs = w->refs,
		    .expiries = p->expiries,
		    .hidden = p->hidden,
		};
		w->smallest = w->largest = (struct buf){0};
		w->ranges_begin = w->ranges_end = (struct buf){0};
		w->refs = (struct vref_list){0};
	}
	table_writer_free(w, !err);
	return err;
}
