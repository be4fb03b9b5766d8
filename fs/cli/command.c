#include "fs/cli/command.h"

#include <stdio.h>
#include <string.h>

#include "fs/cli/commands.h"

const struct command *const command_table[] = {
    &cmd_mount,
    &cmd_umount,
    &cmd_put,
    &cmd_get,
    &cmd_del,
    &cmd_ls,
    &cmd_scan,
    &cmd_stat,
    &cmd_check,
    &cmd_dump,
    &cmd_stats,
    &cmd_compact,
    &cmd_sync,
    &cmd_lab,
    &cmd_shell,
    NULL,
};

const struct command *
command_find(const char *name)
{
	for (size_t i = 0; command_table[i]; i++)
		if (strcmp(command_table[i]->name, name) == 0)
			return command_table[i];
	return NULL;
}

int
command_run(const struct command *c, int argc, char **argv)
{
	return c->run ? c->run(argc, argv) : c->run_on(NULL, argc, argv);
}

int
command_usage(const struct command *c)
{
	fprintf(stderr, "usage: keyfs %s %s\n", c->name, c->args);
	return COMMAND_USAGE;
}

int
command_help(const struct command *c)
{
	printf("usage: keyfs %s %s\n\n%s.\n", c->name, c->args, c->summary);
	if (c->help)
		printf("\n%s", c->help);
	if (c->more)
		printf("%s", c->more());
	return COMMAND_DONE;
}
