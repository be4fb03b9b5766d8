/*
 * daemon: going into the background when the work has begun well.
 *
 * Use: daemon_fork before any thread exists.  The parent waits and exits with
 * the status that the child gives to daemon_ready, or that the child exits
 * with before.
 */
#ifndef FS_CLI_DAEMON_H
#define FS_CLI_DAEMON_H

/*
 * Returns in the child only, with 0; -errno in the parent if there is no
 * child.
 */
int daemon_fork(void);

/* In the child: the parent exits with 0; standard descriptors go to
 * /dev/null.  Without daemon_fork: nothing. */
void daemon_ready(void);

#endif
