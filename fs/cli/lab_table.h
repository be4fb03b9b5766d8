/*
 * lab_table: what the lab found, for people: a table with columns in line, and
 * how to repeat what is broken.
 */
#ifndef FS_CLI_LAB_TABLE_H
#define FS_CLI_LAB_TABLE_H

#include <stdio.h>

#include "fs/cli/lab_result.h"

void lab_table_put(FILE *out, const struct lab_result *r);

/* For each cut that broke the contract, of the first ten: what is broken, and
 * the command that repeats it. */
void lab_table_put_broken(
    FILE *out, const struct lab_result *r, const struct lab_option *o);

#endif
