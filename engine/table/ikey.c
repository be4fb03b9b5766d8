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
	if (encoded.size < IKEY_TRAILER ||
	    ikey_unpack(ikey_trailer(encoded), &out->seq, &out->kind))
		return ERR_DAMAGED;
	out->user = ikey_user(encoded);
	return 0;
}
