/*
 * commands: every subcommand, one file each.
 */
#ifndef FS_CLI_COMMANDS_H
#define FS_CLI_COMMANDS_H

#include "fs/cli/command.h"

extern const struct command cmd_check;
extern const struct command cmd_compact;
extern const struct command cmd_dump;
extern const struct command cmd_lab;
extern const struct command cmd_mount;
extern const struct command cmd_stats;
extern const struct command cmd_sync;
extern const struct command cmd_umount;
extern const struct command cmd_put;
extern const struct command cmd_get;
extern const struct command cmd_del;
extern const struct command cmd_ls;
extern const struct command cmd_scan;
extern const struct command cmd_stat;
extern const struct command cmd_shell;

#endif
