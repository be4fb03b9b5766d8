/*
 * lab_repeat: the command line that repeats one cut.
 *
 * The seed fixes what is written, the moment of the cut and what it keeps; how
 * far the writers come until then depends on the machine.
 */
#ifndef FS_CLI_LAB_REPEAT_H
#define FS_CLI_LAB_REPEAT_H

#include "engine/base/buf.h"
#include "fs/cli/lab_result.h"

/* Appends it, in words of the shell.  0 or -ENOMEM. */
int lab_repeat_command(struct buf *out, const struct lab_cell *c,
    const struct lab_cut *cut, const struct lab_option *o);

#endif
