/*
 * lab_store: the store of a mount with -o lab, whose power can be cut.
 *
 * Use: local_open with options.lab; lab_store_new before the volume is used;
 * lab_store_fill for session_open; lab_store_begin when there is a session,
 * lab_store_end before it is closed (an armed cut that has not come by then
 * never comes); lab_store_free after local_close.
 * What is written to .keyfs/power-cut arrives here, cuts the power under the
 * engine and tells the session; the session calls back when nothing is in
 * work, and the store is closed, loses what it has to lose, and is opened
 * again, with the options of the mount, as after a reboot.
 * Threads: orders and reports from any; the rest from one.
 */
#ifndef FS_CLI_LAB_STORE_H
#define FS_CLI_LAB_STORE_H

#include "fs/cli/local.h"
#include "fs/fuse/session.h"

struct lab_store;

struct lab_store_options {
	const char *path;                  /* of the store */
	const struct local_options *local; /* it was opened with */
	bool fsync_ignored;                /* to be reported */
};

/* What o points to outlives it.  NULL: no memory. */
struct lab_store *lab_store_new(
    const struct lab_store_options *o, struct local *l);
void lab_store_free(struct lab_store *ls); /* NULL allowed, as below */

void lab_store_fill(struct lab_store *ls, struct session_options *o);
void lab_store_begin(struct lab_store *ls, struct session *s);
void lab_store_end(struct lab_store *ls);

#endif
