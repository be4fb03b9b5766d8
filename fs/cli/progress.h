/*
 * progress: one line on the terminal about work that takes seconds.
 *
 * Use: progress_begin, progress_show as often as one likes, progress_clear.
 * Shows nothing if standard error is no terminal.  Threads: one.
 */
#ifndef FS_CLI_PROGRESS_H
#define FS_CLI_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

struct progress {
	const char *what; /* "checking tables" */
	bool on;
	bool shown;
	uint64_t next_ms;
};

void progress_begin(struct progress *p, const char *what);

/* total 0: unknown; then done is a count of records, else bytes. */
void progress_show(struct progress *p, uint64_t done, uint64_t total);

/* Takes the line away: before other messages, and at the end. */
void progress_clear(struct progress *p);

#endif
