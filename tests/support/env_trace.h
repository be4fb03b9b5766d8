/*
 * env_trace: an env that writes down what changes on disk, in order.
 *
 * Use: env_trace_init over nothing (POSIX files), open what is under test on
 * &t->env, compare t->lines; a line is `create NAME`, `write NAME`, `sync
 * NAME`, `rename FROM TO`, `unlink NAME` or `sync-dir`, and ends with a
 * newline.  Writes to a file that follow one another are one line.
 * Owns: lines.  Threads: one.
 */
#ifndef TESTS_SUPPORT_ENV_TRACE_H
#define TESTS_SUPPORT_ENV_TRACE_H

#include "engine/base/buf.h"
#include "engine/os/env.h"

struct env_trace {
	struct env env; /* pass &t->env */
	struct env_ops ops;
	const struct env_ops *base;
	struct buf lines;
};

void env_trace_init(struct env_trace *t);
void env_trace_fini(struct env_trace *t);

/* The lines so far as a string, valid until something changes again. */
const char *env_trace_text(struct env_trace *t);

#endif
