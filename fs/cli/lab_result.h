/*
 * lab_result: what the lab found: cuts, and cells of workload and policy.
 *
 * Use: a zeroed struct is empty; lab_result_add makes the next cell,
 * lab_result_note adds a cut to it, lab_result_fini frees.
 * Errors: -ENOMEM.
 */
#ifndef FS_CLI_LAB_RESULT_H
#define FS_CLI_LAB_RESULT_H

#include "fs/cli/lab_latency.h"
#include "fs/cli/lab_loss.h"
#include "fs/cli/lab_option.h"

#define LAB_RESULT_WHY_MAX 400

/* One power cut. */
struct lab_cut {
	uint64_t seed;
	enum lab_keep keep;
	struct lab_loss loss;
	struct lab_allowance allowance;
	uint64_t run_ns; /* until the last acknowledgement */
	/* Up to a moment shortly before the cut: */
	uint64_t syncs;
	uint64_t synced_steps;        /* acknowledged meanwhile */
	unsigned broken;              /* LAB_LOSS_ bits */
	char why[LAB_RESULT_WHY_MAX]; /* if something is */
};

/* A workload under a policy. */
struct lab_cell {
	const char *workload;
	bool is_script;
	struct durability policy;
	char policy_text[DURABILITY_TEXT_MAX];
	struct lab_bound bound;
	struct lab_cut *cuts;
	size_t cut_count;
	size_t cut_cap;
	struct lab_latency latency;
};

struct lab_result {
	struct lab_cell *cells;
	size_t count;
};

/* The cuts of a cell taken together. */
struct lab_sum {
	uint64_t acked, survived, lost;
	uint64_t worst_lost;   /* of one cut */
	uint64_t worst_age_ns; /* of one cut, and what it was allowed on */
	uint64_t worst_allowance_ns; /* top of the bound */
	uint64_t unsure_ns;          /* the highest */
	uint64_t prefixes;           /* cuts that left one */
	uint64_t syncs;
	double steps_per_second;
	double steps_per_sync; /* 0: there was no sync */
	uint64_t p50_ns, p99_ns;
	uint64_t broken; /* cuts */
};

/* Space for so many cells, once. */
int lab_result_init(struct lab_result *r, size_t cells);
void lab_result_fini(struct lab_result *r);

/* The next cell, without cuts. */
struct lab_cell *lab_result_add(struct lab_result *r, const char *workload,
    const struct durability *policy, const struct lab_bound *bound);
int lab_result_note(struct lab_cell *c, const struct lab_cut *cut);

void lab_result_sum(const struct lab_cell *c, struct lab_sum *out);

/* Was a contract broken? */
bool lab_result_is_broken(const struct lab_result *r);

#endif
