/*
 * outage: a mounted volume whose power can be cut, in a process of its own.
 *
 * Use: main returns outage_run(), since the program starts itself again as the
 * server; it runs the cases twice: for a kernel that can be told of all names
 * at once, and as for an older one.  Each begins with one of the setups, in the
 * root of an empty volume, and ends with outage_teardown, if it has not ended
 * the server itself.  What was there at the last outage_keep, or fsync, is what
 * a cut leaves.  Without /dev/fuse the suite is skipped.
 * Threads: outage_keep and outage_cut from any.  Errors: end the case.
 */
#ifndef TESTS_SUPPORT_OUTAGE_H
#define TESTS_SUPPORT_OUTAGE_H

#include <sys/types.h>

#include "tests/check.h"

#define OUTAGE_BUSY_US      2000000
#define OUTAGE_DAMAGED_NAME "damaged"

int outage_run(
    int argc, char **argv, const struct CMUnitTest *tests, size_t count);

int outage_setup(void **state);
int outage_setup_slow(void **state);     /* a restart takes 50 ms */
int outage_setup_failing(void **state);  /* ... or fails */
int outage_setup_ignoring(void **state); /* fsync=ignore */
int outage_setup_late(void **state);     /* orders come twice */
int outage_setup_batch(void **state);    /* durability=batch */
int outage_setup_busy(void **state);     /* statvfs takes OUTAGE_BUSY_US */
/* A listing that comes to a name like this one fails. */
int outage_setup_damaged(void **state);
int outage_teardown(void **state);

/* Ends a server whose mount has gone; its exit status. */
int outage_server_ended(void);
pid_t outage_server(void);
const char *outage_root(void); /* absolute */

void outage_keep(void);
void outage_cut(void);

/* The log fails, as a device does that nobody is waiting for. */
void outage_fail(void);

/* The figure of this name in .keyfs/stats. */
unsigned outage_figure(const char *name);

/* As outage_cut: 0 or -errno of the write that orders it. */
int outage_try_cut(void);

#endif
