/*
 * lab_steps: the lines that a script printed, with the time of each.
 *
 * Use: a zeroed struct has no lines; lab_steps_feed as bytes arrive;
 * lab_steps_fini.  A line without its newline is not there yet.
 * Errors: -ENOMEM.
 */
#ifndef FS_CLI_LAB_STEPS_H
#define FS_CLI_LAB_STEPS_H

#include "engine/base/buf.h"
#include "fs/cli/lab_workload.h"

struct lab_steps {
	struct buf text;
	size_t *ends; /* of the lines in text; behind each is its newline */
	uint64_t *at; /* ns */
	size_t count;
	size_t cap;
};

int lab_steps_feed(struct lab_steps *s, struct bytes more, uint64_t now_ns);
struct bytes lab_steps_name(const struct lab_steps *s, size_t index);
void lab_steps_fini(struct lab_steps *s);

/*
 * The steps that were claimed, in their order, against those that are there,
 * in any order: *out is the number of the first ones that are there, or says
 * that a later one is there although an earlier one is not.  Steps that are
 * there and were not claimed were in work.
 */
int lab_steps_compare(const struct lab_steps *claimed,
    const struct lab_steps *there, struct lab_found *out);

#endif
