/*
 * check_say: the findings of a check, counted and put into words.
 */
#ifndef FS_VOL_CHECK_SAY_H
#define FS_VOL_CHECK_SAY_H

#include "engine/base/bytes.h"
#include "fs/vol/check.h"

struct check_say {
	const struct vol_check_sink *sink;
	int findings;
};

/* "KEY: what is wrong".  0 or -ENOMEM. */
int check_say(struct check_say *say, struct bytes key, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

#endif
