/*
 * control: the files in .keyfs of a mount, for harnesses.
 *
 * Errors: end the case, unless said otherwise.  Threads: one.
 */
#ifndef TESTS_SUPPORT_CONTROL_H
#define TESTS_SUPPORT_CONTROL_H

#include "tests/check.h"

/* Power cuts so far. */
unsigned control_cuts(const char *mnt);

/* Writes to power-cut: 0, or -1 with errno. */
int control_order_cut(const char *mnt, const char *text);

#endif
