/*
 * lab_crew: who works in the mount until the power is cut: the writers of a
 * workload, or a script.
 *
 * Use: lab_crew_begin, _start, _go, _wait until it is time for the cut, _stop
 * when the cut is over, _look, _end; a zeroed struct may be ended.  Between
 * _start and _go all are ready, and nothing is done.
 * Errors: an exit status, messages shown; 0 is done.
 */
#ifndef FS_CLI_LAB_CREW_H
#define FS_CLI_LAB_CREW_H

#include "fs/cli/lab_option.h"
#include "fs/cli/lab_script.h"
#include "fs/cli/lab_writer.h"

struct lab_crew {
	struct lab_writer *writers; /* of a workload, else NULL */
	struct lab_script script;
	struct lab_track *tracks; /* after _look, `count` of them */
	size_t count;
	const char *name;
	uint64_t start_ns;
	uint64_t late_ns; /* the most by which a sleep in _wait was longer than
			   * asked for */
};

struct lab_crew_order {
	const struct lab_option *option;
	const struct lab_workload *workload; /* NULL: the script */
	const char *script; /* its path, from lab_script_find */
	const char *dir;    /* that is theirs, and exists */
	uint64_t seed;
	atomic_int *group; /* as in struct lab_script */
};

int lab_crew_begin(struct lab_crew *c, const struct lab_crew_order *o);
int lab_crew_start(struct lab_crew *c);
void lab_crew_go(struct lab_crew *c);

/* At most a millisecond.  False: one of them has ended. */
bool lab_crew_wait(struct lab_crew *c, uint64_t until_ns);
int lab_crew_stop(struct lab_crew *c);

/* Steps acknowledged so far. */
uint64_t lab_crew_acked(const struct lab_crew *c);

/* When the first of the writers met an error, or 0; and a message for it. */
uint64_t lab_crew_ended(const struct lab_crew *c);
void lab_crew_report(const struct lab_crew *c);

/* What is there: fills tracks; found is the first that is no state of its
 * workload, or one of the others; *who its writer. */
int lab_crew_look(struct lab_crew *c, struct lab_found *found, size_t *who);
void lab_crew_end(struct lab_crew *c);

#endif
