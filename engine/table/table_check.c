#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/base/hash.h"
#include "engine/table/block.h"
#include "engine/table/filter.h"
#include "engine/table/table_cursor.h"
#include "engine/table/value.h"
#include "engine/table/vref_list.h"

#define TABLE_CHECK_TEXT 512

struct table_check {
	struct table *t;
	void (*finding)(void *ctx, const char *text);
	void *ctx;
	int found;
	struct buf raw; /* a frame */
	struct buf room;
	/* What the data blocks hold; keys are in the bufs. */
	struct table_properties seen;
	struct buf first_key;
	struct buf last_key; /* empty: unknown */
	struct vref_list refs;
	struct buf expiries; /* the moments */
	uint64_t filter_misses;
};

static void
table_check_report(
    struct table_check *c, uint64_t offset, const char *what, const char *why)
{
	char text[TABLE_CHECK_TEXT];

	snprintf(text, sizeof(text), "%s: offset %" PRIu64 ": %s: %s",
	    c->t->file->path, offset, what, why);
	c->finding(c->ctx, text);
	c->found++;
}

/* An error while something was read: damage and unreadable places are
 * findings (0), others end the check. */
static int
table_check_error(
    struct table_check *c, uint64_t offset, const char *what, int err)
{
	if (err != ERR_DAMAGED && err != -EIO)
		return err;
	table_check_report(
	    c, offset, what, err == -EIO ? "cannot be read" : "cut short");
	return 0;
}

/*
 * The frame at h: 1 and *block is set, 0 a finding was reported, <0.  Frames
 * are read one by one, so that a place that cannot be read costs only its own.
 */
static int
table_check_frame(struct table_check *c, struct frame_handle h,
    const char *what, struct bytes *block)
{
	const char *why;
	int err;

	buf_clear(&c->raw);
	err = buf_reserve(&c->raw, (size_t)frame_handle_bytes(h));
	if (err)
		return err;
	c->raw.size = (size_t)frame_handle_bytes(h);
	err = env_pread_full(c->t->file, c->raw.data, c->raw.size, h.offset);
	if (err)
		return table_check_error(c, h.offset, what, err);
	err = frame_decode(
	    c->t->file_no, h.offset, buf_bytes(&c->raw), &c->room, block, &why);
	if (err == ERR_DAMAGED) {
		table_check_report(c, h.offset, what, why);
		return 0;
	}
	return err ? err : 1;
}

/* --- data -------------------------------------------------------------- */

static void
table_check_seq(struct table_properties *seen, uint64_t seq)
{
	if (seq < seen->seq_min)
		seen->seq_min = seq;
	if (seq > seen->seq_max)
		seen->seq_max = seq;
}

/* Counts what the entry refers to, and when it expires; *why if that is
 * malformed. */
static int
table_check_value(struct table_check *c, const struct ikey *k, struct bytes raw,
    const char **why)
{
	struct value v = {0};
	struct vref r;
	int err = 0;

	if (k->kind == IKEY_KIND_DELETE)
		return 0;
	if (value_decode(k->kind, raw, &v))
		*why = "a value does not fit its kind";
	else if (v.is_reference && vref_decode(v.bytes, &r))
		*why = "a reference is malformed";
	if (v.is_reference && !*why)
		err = vref_list_add(&c->refs, &r, k->user.size);
	if (!err && v.expires_ms > 0)
		err = buf_append(
		    &c->expiries, &v.expires_ms, sizeof(v.expires_ms));
	return err;
}

/* *why is what is wrong with an entry; -ENOMEM. */
static int
table_check_entry(struct table_check *c, struct bytes key, struct bytes value,
    const char **why)
{
	struct table_properties *seen = &c->seen;
	struct ikey k;

	if (ikey_decode(key, &k))
		*why = "a key is malformed";
	else if (c->last_key.size > 0 &&
		 ikey_cmp(buf_bytes(&c->last_key), key) >= 0)
		*why = "its keys are not behind those of the block before";
	if (*why)
		return 0;
	if (!filter_may_contain(c->t->filter, hash_64(k.user, 0)))
		c->filter_misses++;
	seen->entries++;
	seen->deletes += k.kind == IKEY_KIND_DELETE;
	seen->key_bytes += k.user.size;
	seen->value_bytes += value.size;
	table_check_seq(seen, k.seq);
	hidden_note(&seen->hidden, buf_bytes(&c->last_key), &k);
	return table_check_value(c, &k, value, why);
}

/* Goes through a block that block_check found in order; 0 or -ENOMEM. */
static int
table_check_entries(struct table_check *c, struct bytes block, const char **why)
{
	struct block_iter it = {0};
	int rc = block_iter_set(&it, block);

	if (rc == 0)
		rc = block_iter_first(&it);
	while (rc == 1 && !*why) {
		rc = table_check_entry(c, it.iter.key, it.iter.value, why);
		if (rc == 0 && c->first_key.size == 0)
			rc = buf_assign(&c->first_key, it.iter.key);
		if (rc == 0)
			rc = buf_assign(&c->last_key, it.iter.key);
		if (rc == 0)
			rc = block_iter_next(&it);
	}
	block_iter_fini(&it);
	return rc < 0 ? rc : 0;
}

static int
table_check_block(
    struct table_check *c, const struct table_index *index, size_t i)
{
	struct frame_handle h = table_index_handle(index, i);
	const char *why = NULL;
	struct bytes block;
	int rc = table_check_frame(c, h, "data block", &block);

	/* Behind a block that is lost the order starts anew. */
	if (rc != 1) {
		buf_clear(&c->last_key);
		return rc;
	}
	rc = block_check(block, &why);
	if (rc == 0) {
		why = NULL;
		rc = table_check_entries(c, block, &why);
	}
	if (rc < 0 && rc != ERR_DAMAGED)
		return rc;
	if (!why &&
	    !bytes_eq(buf_bytes(&c->last_key), table_index_key(index, i)))
		why = "its last key is not the index's";
	if (why)
		table_check_report(c, h.offset, "data block", why);
	c->seen.data_blocks++;
	return 0;
}

static int
table_check_blocks(struct table_check *c, const struct table_index *index)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < index->count; i++)
		rc = table_check_block(c, index, i);
	return rc;
}

/* What leaf i of the index leads to.  Behind one that is lost, the order
 * starts anew. */
static int
table_check_leaf(struct table_check *c, size_t i)
{
	const struct table_index_bounds bounds = table_cursor_bounds(c->t, i);
	struct frame_handle h = table_index_handle(&c->t->index, i);
	struct table_index leaf;
	struct bytes block;
	const char *why;
	uint8_t *piece;
	size_t size;
	int rc = table_check_frame(c, h, "index", &block);

	if (rc == 1) {
		rc = table_index_make(block, &bounds, &piece, &size, &why);
		if (rc == ERR_DAMAGED)
			table_check_report(c, h.offset, "index", why);
		if (rc == 0) {
			leaf = table_index_of(piece);
			rc = table_check_blocks(c, &leaf);
			free(piece);
			return rc;
		}
	}
	buf_clear(&c->last_key);
	return rc == ERR_DAMAGED ? 0 : rc;
}

static int
table_check_data(struct table_check *c)
{
	int rc = 0;

	if (c->t->leaves == 0)
		return table_check_blocks(c, &c->t->index);
	for (size_t i = 0; rc == 0 && i < c->t->leaves; i++)
		rc = table_check_leaf(c, i);
	return rc;
}

/* --- the rest ---------------------------------------------------------- */

/* Whether the properties say what the data refers to; -ENOMEM. */
static int
table_check_refs(struct table_check *c, bool *same)
{
	struct bytes said = c->t->properties.refs;
	struct buf seen = {0};
	int err = 0;

	if (c->refs.count > 0)
		err = vref_list_encode(&c->refs, &seen);
	*same = bytes_eq(buf_bytes(&seen), said);
	buf_fini(&seen);
	return err;
}

/* Meaningful only if all data could be read. */
static int
table_check_properties(struct table_check *c)
{
	const struct table_properties *p = &c->t->properties;
	uint64_t at = c->t->footer.properties.offset;
	const struct expiries expiries = expiries_of(&c->expiries);
	bool same_refs = true;
	int err = table_check_refs(c, &same_refs);
	const struct {
		const char *name;
		bool same;
	} fields[] = {
	    {"entries", c->seen.entries == p->entries},
	    {"deletes", c->seen.deletes == p->deletes},
	    {"key bytes", c->seen.key_bytes == p->key_bytes},
	    {"value bytes", c->seen.value_bytes == p->value_bytes},
	    {"data blocks", c->seen.data_blocks == p->data_blocks},
	    {"lowest sequence number", c->seen.seq_min == p->seq_min},
	    {"highest sequence number", c->seen.seq_max == p->seq_max},
	    {"smallest key", bytes_eq(buf_bytes(&c->first_key), p->smallest)},
	    {"largest key", bytes_eq(buf_bytes(&c->last_key), p->largest)},
	    {"references", same_refs},
	    {"expiries", expiries_eq(&expiries, &p->expiries)},
	    {"hidden entries",
		p->hidden.count == 0 || hidden_eq(&c->seen.hidden, &p->hidden)},
	};

	if (err)
		return err;
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		if (!fields[i].same)
			table_check_report(c, at,
			    "properties do not fit the data", fields[i].name);
	}
	if (c->filter_misses > 0)
		table_check_report(c, c->t->footer.filter.offset, "filter",
		    "denies keys that the table has");
	return 0;
}

/* Frames that were read when the table was opened: are they still right? */
static int
table_check_meta(struct table_check *c)
{
	const struct {
		const char *what;
		struct frame_handle h;
	} frames[] = {
	    {"filter", c->t->footer.filter},
	    {"index", c->t->footer.index},
	    {"properties", c->t->footer.properties},
	    {"range tombstones", c->t->properties.ranges.handle},
	};
	size_t count = sizeof(frames) / sizeof(frames[0]);
	struct bytes block;
	int rc;

	if (!c->t->ranges)
		count--;
	for (size_t i = 0; i < count; i++) {
		rc = table_check_frame(c, frames[i].h, frames[i].what, &block);
		if (rc < 0)
			return rc;
	}
	return 0;
}

static int
table_check_ends(struct table_check *c)
{
	uint64_t at = c->t->file_size - TABLE_FOOTER;
	uint8_t magic[TABLE_MAGIC_SIZE], footer[TABLE_FOOTER];
	struct table_footer f;
	int err;

	err = env_pread_full(c->t->file, magic, sizeof(magic), 0);
	if (err)
		err = table_check_error(c, 0, "beginning", err);
	else if (memcmp(magic, TABLE_MAGIC, sizeof(magic)) != 0)
		table_check_report(c, 0, "beginning", "the magic is wrong");
	if (err)
		return err;
	err = env_pread_full(c->t->file, footer, sizeof(footer), at);
	if (err)
		return table_check_error(c, at, "footer", err);
	if (table_format_footer_decode(footer, &f))
		table_check_report(c, at, "footer", "checksum does not match");
	return 0;
}

int
table_check(
    struct table *t, void (*finding)(void *ctx, const char *text), void *ctx)
{
	struct table_check c = {
	    .t = t,
	    .finding = finding,
	    .ctx = ctx,
	    .seen = {.seq_min = IKEY_SEQ_MAX},
	};
	int rc;

	/* As they were, and compared, when the table was opened. */
	if (t->ranges) {
		table_check_seq(&c.seen, t->ranges->seq_min);
		table_check_seq(&c.seen, t->ranges->seq_max);
	}
	rc = table_check_data(&c);
	if (rc == 0 && c.found == 0)
		rc = table_check_properties(&c);
	if (rc == 0)
		rc = table_check_meta(&c);
	if (rc == 0)
		rc = table_check_ends(&c);
	buf_fini(&c.raw);
	buf_fini(&c.room);
	buf_fini(&c.first_key);
	buf_fini(&c.last_key);
	vref_list_fini(&c.refs);
	buf_fini(&c.expiries);
	return rc < 0 ? rc : c.found;
}
