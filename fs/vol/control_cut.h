/*
 * control_cut: the text that orders a power cut.
 *
 * Words separated by blanks, in any order: `now` or `after=N`, and if wanted
 * `seed=S` and `keep=none|prefix|random`.  Each at most once.
 * Pure functions.
 */
#ifndef FS_VOL_CONTROL_CUT_H
#define FS_VOL_CONTROL_CUT_H

#include "engine/base/bytes.h"
#include "fs/vol/vol_lab.h"

#define CONTROL_CUT_AFTER_MAX 1000000000
#define CONTROL_CUT_ERROR_MAX 256

/* What may be written. */
const char *control_cut_allowed(void);

/* Seed and keep stay as they are in *how if text does not name them.  -EINVAL:
 * *how is as it was, and why (CONTROL_CUT_ERROR_MAX bytes) names the word and
 * lists what is allowed. */
int control_cut_parse(struct bytes text, struct vol_cut *how, char *why);

#endif
