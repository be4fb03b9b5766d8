#include "fs/cli/progress.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#define FIRST_MS 300 /* what is over sooner needs no line */
#define EVERY_MS 100

static uint64_t
now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

void
progress_begin(struct progress *p, const char *what)
{
	*p = (struct progress){.what = what, .on = isatty(STDERR_FILENO)};
	if (p->on)
		p->next_ms = now_ms() + FIRST_MS;
}

void
progress_show(struct progress *p, uint64_t done, uint64_t total)
{
	uint64_t now;

	if (!p->on)
		return;
	now = now_ms();
	if (now < p->next_ms)
		return;
	p->next_ms = now + EVERY_MS;
	p->shown = true;
	if (total)
		fprintf(stderr, "\r%s: %3.0f %% of %.1f MiB\033[K", p->what,
		    100.0 * (double)done / (double)total,
		    (double)total / 1048576);
	else
		fprintf(stderr, "\r%s: %" PRIu64 "\033[K", p->what, done);
	fflush(stderr);
}

void
progress_clear(struct progress *p)
{
	if (p->shown)
		fputs("\r\033[K", stderr);
	p->shown = false;
}
