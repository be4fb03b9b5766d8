#include "tests/support/log.h"

#include <stdio.h>

static void
log_write(void *ctx, enum err_level level, const char *text)
{
	struct log *log = ctx;

	(void)level;
	log->count++;
	snprintf(log->last, sizeof(log->last), "%s", text);
}

struct err_sink
log_sink(struct log *log)
{
	return (struct err_sink){log_write, log};
}

void
log_clear(struct log *log)
{
	*log = (struct log){0};
}
