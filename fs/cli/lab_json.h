/*
 * lab_json: what the lab found as one JSON document.
 */
#ifndef FS_CLI_LAB_JSON_H
#define FS_CLI_LAB_JSON_H

#include <stdio.h>

#include "fs/cli/lab_result.h"

void lab_json_put(
    FILE *out, const struct lab_result *r, const struct lab_option *o);

#endif
