/*
 * collect_plan: how much garbage there is in files of values, and which of them
 * are worth emptying.  Pure functions of a version and the options.
 *
 * A file is garbage as far as no table refers to it: values that were
 * overwritten or deleted, and what else stood in a log.  Nothing is counted
 * apart from what tables say, so no figure can go wrong; what tables say of
 * values that newer tables have overwritten counts as live until they are
 * merged (pick_values.h).
 * A file that was emptied in part is all the more worth it, and what a copy has
 * beside its values (keys, a header) is no garbage: so a plan that is made anew
 * comes to an end.  Of files from before the store was opened nobody knows how
 * much that is; they are copied once more at most.
 */
#ifndef ENGINE_DB_COLLECT_PLAN_H
#define ENGINE_DB_COLLECT_PLAN_H

#include "engine/db/version.h"
#include "engine/table/vref_list.h"

struct collect_plan_figures {
	uint64_t live;    /* what tables refer to */
	uint64_t garbage; /* the rest of the files */
	uint64_t max;     /* more garbage than this is too much */
};

void collect_plan_figures(const struct version *v, const struct lsm_options *o,
    struct collect_plan_figures *out);

/*
 * The files to be emptied; only that they are in the list has a meaning.  None
 * if there is not too much garbage; else those with most of it, so many that
 * their copies take little room.  eager: all that are worth it.  -ENOMEM.
 */
int collect_plan_make(const struct version *v, const struct lsm_options *o,
    bool eager, struct vref_list *out);

struct collect_part {
	uint64_t end;  /* only files of numbers below */
	uint64_t room; /* for copies, in bytes */
};

/* A part of the eager plan: the files with most garbage, so many that their
 * copies fit, and take no more than a part of what is live, but one if there is
 * any; *copies: the bytes of these. */
int collect_plan_part(const struct version *v, const struct lsm_options *o,
    const struct collect_part *part, struct vref_list *out, uint64_t *copies);

#endif
