#include "engine/table/ikey.h"

int
ikey_append(struct buf *b, struct bytes user, uint64_t seq, enum ikey_kind kind)
{
	int err = buf_reserve(b, user.size + IKEY_TRAILER);

	if (err)
		return err;
	err = buf_append_bytes(b, user);
	return err ? err : buf_append_le64(b, ikey_pack(seq, kind));
}

int
ikey_decode(struct bytes encoded, struct ikey *out)
{
	uint64_t trailer;

	if (encoded.size < IKEY_TRAILER)
		return ERR_DAMAGED;
	trailer = ikey_trailer(encoded);
	switch (trailer & 0xff) {
#define IKEY_KIND_CASE(name, number)          \
	case number:                          \
		out->kind = IKEY_KIND_##name; \
		break;
		IKEY_KINDS(IKEY_KIND_CASE)
#undef IKEY_KIND_CASE
	default:
		return ERR_DAMAGED;
	}
	out->user = ikey_user(encoded);
	out->seq = trailer >> 8;
	return 0;
}
