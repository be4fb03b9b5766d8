/*
 * command: what a subcommand is, and the table of them.
 *
 * Each cmd_NAME.c exports one struct command.  run gets argv with argv[0] the
 * subcommand's name (set getopt's optind to 0) and returns the exit status.
 */
#ifndef FS_CLI_COMMAND_H
#define FS_CLI_COMMAND_H

enum command_status {
	COMMAND_DONE = 0,
	COMMAND_NO = 1, /* the answer is no: key absent, damage found */
	COMMAND_USAGE = 2,
	COMMAND_UNUSABLE = 3, /* the store could not be used */
};

struct tree;

struct command {
	const char *name;
	const char *args;    /* as in "STORE KEY" */
	const char *summary; /* one line */
	const char *help;    /* more lines, or NULL */
	/* One of the two.  run_on: a command on keys; t is its store if that
	 * is open already, and then argv is without STORE, else NULL. */
	int (*run)(int argc, char **argv);
	int (*run_on)(struct tree *t, int argc, char **argv);
	const char *(*more)(void); /* still more help, or NULL */
};

int command_run(const struct command *c, int argc, char **argv);

/* Ends with NULL. */
extern const struct command *const command_table[];

/* NULL: no such subcommand. */
const struct command *command_find(const char *name);

/* Usage of c on standard error; returns COMMAND_USAGE. */
int command_usage(const struct command *c);

/* Help of c on standard output; returns COMMAND_DONE. */
int command_help(const struct command *c);

#endif
