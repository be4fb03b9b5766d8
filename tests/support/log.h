/*
 * log: a sink that remembers the lines given to it.
 *
 * Use: struct log log = {0}; pass log_sink(&log).  Threads: one at a time.
 */
#ifndef TESTS_SUPPORT_LOG_H
#define TESTS_SUPPORT_LOG_H

#include "engine/base/err.h"

struct log {
	int count;
	char last[1024];
};

struct err_sink log_sink(struct log *log);

/* Forgets all lines. */
void log_clear(struct log *log);

#endif
