/*
 * lab_svg: what the lab found as a picture: throughput against the largest
 * loss, a colour per policy, a mark per workload.
 *
 * One file, without references to others; colours follow the reader's choice
 * of light or dark.
 */
#ifndef FS_CLI_LAB_SVG_H
#define FS_CLI_LAB_SVG_H

#include <stdio.h>

#include "fs/cli/lab_result.h"

void lab_svg_put(FILE *out, const struct lab_result *r);

#endif
