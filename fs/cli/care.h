/*
 * care: a store for commands that look after it as a whole.
 *
 * Use: care_open; if care_is_mounted, the control files, else care.local;
 * care_close.  Messages are shown; functions return an exit status.
 */
#ifndef FS_CLI_CARE_H
#define FS_CLI_CARE_H

#include "fs/cli/command.h"
#include "fs/cli/local.h"

struct care {
	const char *path;          /* as the user gave it */
	char mountpoint[PATH_MAX]; /* empty: not mounted */
	struct local local;        /* if it is not mounted */
};

/* path is a store, or where one is mounted, and must live until care_close. */
int care_open(
    const char *path, const struct local_options *o, struct care *out);
int care_close(struct care *c);

static inline bool
care_is_mounted(const struct care *c)
{
	return c->mountpoint[0] != '\0';
}

/* A command with one argument, the store: a mounted one is ordered to do what
 * the command's name says, else `here` does it. */
int care_run(const struct command *command, int argc, char **argv,
    const struct local_options *o, int (*here)(const struct care *c));

/* The control file of a mounted store: has it do what its name says. */
int care_order(const struct care *c, const char *file);

/* Its content; out is empty before. */
int care_read(const struct care *c, const char *file, struct buf *out);

#endif
