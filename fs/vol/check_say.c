#include "fs/vol/check_say.h"

#include <limits.h>
#include <stdarg.h>
#include <stdio.h>

#include "engine/base/buf.h"

#define SAY_REASON_MAX 400

static int
check_say_escaped(struct buf *line, struct bytes s)
{
	int err = 0;

	for (size_t i = 0; i < s.size && err == 0; i++) {
		uint8_t c = s.data[i];

		if (c >= 0x20 && c < 0x7f && c != '\\')
			err = buf_append_u8(line, c);
		else
			err = buf_printf(line, "\\x%02x", c);
	}
	return err;
}

int
check_say(struct check_say *say, struct bytes key, const char *fmt, ...)
{
	char reason[SAY_REASON_MAX];
	struct buf line = {0};
	va_list ap;
	int err;

	va_start(ap, fmt);
	vsnprintf(reason, sizeof(reason), fmt, ap);
	va_end(ap);
	err = check_say_escaped(&line, key);
	if (err == 0)
		err = buf_printf(&line, ": %s", reason);
	if (err == 0)
		err = buf_append_u8(&line, 0);
	if (err == 0) {
		say->sink->finding(say->sink->ctx, (const char *)line.data);
		say->findings += say->findings < INT_MAX;
	}
	buf_fini(&line);
	return err;
}
