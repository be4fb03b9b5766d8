#include "engine/table/hidden.h"

#include "engine/base/wire.h"

void
hidden_note(struct hidden *h, struct bytes before, const struct ikey *k)
{
	uint64_t seq;

	if (k->kind == IKEY_KIND_DELETE || before.size == 0 ||
	    !bytes_eq(ikey_user(before), k->user))
		return;
	seq = ikey_trailer(before) >> 8;
	if (seq > h->by_seq)
		h->by_seq = seq;
	h->count++;
}

bool
hidden_eq(const struct hidden *a, const struct hidden *b)
{
	return a->count == b->count && a->by_seq == b->by_seq;
}

int
hidden_encode(const struct hidden *h, struct buf *out)
{
	int err = buf_append_varint(out, h->count);

	return err ? err : buf_append_varint(out, h->by_seq);
}

int
hidden_decode(struct bytes content, uint64_t entries, uint64_t seq_max,
    struct hidden *out)
{
	struct wire_in in = wire_in_of(content);
	struct hidden h;
	int err = wire_in_varint(&in, &h.count);

	if (!err)
		err = wire_in_varint(&in, &h.by_seq);
	if (err)
		return err;
	if (wire_in_left(&in) != 0 || h.count == 0 || h.count >= entries ||
	    h.by_seq == 0 || h.by_seq > seq_max)
		return ERR_DAMAGED;
	*out = h;
	return 0;
}
