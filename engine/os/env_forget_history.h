/*
 * env_forget_history: what was done to one file since its last sync, and how to
 * go back.
 *
 * Use: note a write or a truncate before it is made in the base; drop what a
 * sync covers; restore after a cut.  A zeroed struct is an empty history.
 * Owns: its memory, of which an operation takes a few words and the old bytes
 * that it changed, as far as they were not zeros.
 * Threads: one at a time.
 * Errors: those of the base and -ENOMEM; then nothing was noted.
 */
#ifndef ENGINE_OS_ENV_FORGET_HISTORY_H
#define ENGINE_OS_ENV_FORGET_HISTORY_H

#include "engine/os/env_forget_pick.h"

/* A write or a truncate; it changed bytes offset to offset + size (those that
 * a truncate cut off) and the size of the file. */
struct env_forget_done {
	uint64_t op;
	uint64_t offset;
	uint64_t size;
	uint64_t size_before; /* of the file */
	uint8_t *old;         /* the bytes that were at offset, */
	size_t old_size;      /* and only zeros behind those */
	bool truncate;
};

struct env_forget_history {
	struct env_forget_done *all; /* op grows */
	size_t count;
	size_t cap;
};

void env_forget_history_fini(struct env_forget_history *h);

int env_forget_history_write(struct env_forget_history *h, struct env_file *f,
    uint64_t op, uint64_t offset, uint64_t size);
int env_forget_history_truncate(struct env_forget_history *h,
    struct env_file *f, uint64_t op, uint64_t size);

/* The last write moved fewer bytes than was noted. */
void env_forget_history_shorten(struct env_forget_history *h, uint64_t size);

/* What was done before op is synced. */
void env_forget_history_drop(struct env_forget_history *h, uint64_t op);

/* Makes f what a cut left of it and adds that to the report.  The history
 * stays as it is. */
int env_forget_history_restore(const struct env_forget_history *h,
    struct env_file *f, const struct env_forget_pick *p,
    struct env_forget_report *report);

/* The same for the report alone, if the file is lost (or was removed). */
void env_forget_history_report(const struct env_forget_history *h, bool lost,
    struct env_forget_report *report);

#endif
