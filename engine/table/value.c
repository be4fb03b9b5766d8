#include "engine/table/value.h"

static int
take_expiry(struct bytes raw, struct value *v)
{
	struct wire_in in = wire_in_of(raw);

	if (wire_in_le64(&in, &v->expires_ms) || v->expires_ms == 0)
		return ERR_DAMAGED;
	v->bytes = bytes_of(in.pos, wire_in_left(&in));
	return 0;
}

int
value_decode(enum ikey_kind kind, struct bytes raw, struct value *out)
{
	struct value v = {.bytes = raw};
	int err = 0;

	switch (kind) {
	case IKEY_KIND_PUT:
		break;
	case IKEY_KIND_REF:
		v.is_reference = true;
		break;
	case IKEY_KIND_UNTIL:
		err = take_expiry(raw, &v);
		break;
	case IKEY_KIND_REF_UNTIL:
		v.is_reference = true;
		err = take_expiry(raw, &v);
		break;
	default:
		err = ERR_DAMAGED;
	}
	if (!err)
		*out = v;
	return err;
}
