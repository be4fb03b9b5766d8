/*
 * lab_option: what `keyfs lab` is told to do.
 *
 * Use: lab_option_parse fills the struct from the words of the command line,
 * with the defaults for what is not named.
 */
#ifndef FS_CLI_LAB_OPTION_H
#define FS_CLI_LAB_OPTION_H

#include "engine/base/durability.h"
#include "fs/cli/lab_workload.h"

#define LAB_POLICIES_MAX 8

enum lab_keep {
	LAB_KEEP_NONE, /* of what was not synced nothing stays */
	LAB_KEEP_RANDOM,
	LAB_KEEP_PREFIX,
	LAB_KEEP_TURNS, /* each in its turn */
};

struct lab_option {
	const struct lab_workload *workloads[LAB_WORKLOADS_MAX];
	size_t workload_count;
	struct durability policies[LAB_POLICIES_MAX];
	size_t policy_count;
	unsigned cuts;    /* per workload and policy */
	unsigned writers; /* at once */
	enum lab_keep keep;
	uint64_t seed;
	double seconds;     /* until the cut, at most */
	uint64_t cut_after; /* at this change of the disk; 0: any moment */
	uint64_t sync_delay_ms;
	const char *script; /* NULL: none */
	bool durable;       /* its steps are synced */
	const char *svg;    /* NULL: none */
	const char *dir;    /* NULL: TMPDIR or /var/tmp */
	const char *mount;  /* more mount options, or NULL */
	bool keep_store;
	bool json;
	bool verbose;
};

#define LAB_OPTION_ERROR_MAX 320

/* -EINVAL, and why (LAB_OPTION_ERROR_MAX bytes) says which word and what is
 * allowed. */
int lab_option_parse(int argc, char **argv, struct lab_option *out, char *why);

/* "none", "random", "prefix" */
const char *lab_option_keep_word(enum lab_keep keep);

/* What the n-th cut keeps. */
enum lab_keep lab_option_keep(const struct lab_option *o, unsigned cut);

#endif
