#include "fs/vol/control_check.h"

#include <inttypes.h>

#include "engine/base/err.h"
#include "fs/vol/check.h"

#define CHECK_FINDINGS_MAX 1000

struct control_check {
	struct buf *out;
	int count;
	int err;
};

static void
control_check_finding(void *ctx, const char *text)
{
	struct control_check *c = ctx;

	if (c->err == 0 && c->count++ < CHECK_FINDINGS_MAX)
		c->err = buf_printf(c->out, "finding %s\n", text);
}

int
control_check(struct store *s, struct buf *out)
{
	struct control_check c = {.out = out};
	const struct vol_check_sink sink = {
	    .finding = control_check_finding, .ctx = &c};
	struct vol_check_totals t;
	int r = store_check(s, control_check_finding, &c);

	if (r < 0)
		return r;
	r = vol_check(s, &sink, &t);
	if (r == ERR_DAMAGED)
		control_check_finding(&c, "the records cannot all be read");
	else if (r < 0)
		return r;
	if (c.err)
		return c.err;
	return buf_printf(out,
	    "files %" PRIu64 "\n"
	    "directories %" PRIu64 "\n"
	    "others %" PRIu64 "\n"
	    "orphans %" PRIu64 "\n"
	    "bytes %" PRIu64 "\n"
	    "findings %d\n",
	    t.files, t.directories, t.others, t.orphans, t.bytes, c.count);
}
