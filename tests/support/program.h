/*
 * program: running keyfs and other programs, for harnesses of a mount.
 *
 * $KEYFS is the program.  Errors: end the case.  Threads: one.
 */
#ifndef TESTS_SUPPORT_PROGRAM_H
#define TESTS_SUPPORT_PROGRAM_H

#include <sys/types.h>

#include "tests/check.h"

char *program_keyfs(void);
pid_t program_start(char *const *argv);

/* Waits for it: the exit status, 128 if a signal ended it. */
int program_wait(pid_t pid);
int program_run(char *const *argv);

/* All that is mounted there, dead ones, too; never fails. */
void program_unmount(char *mnt);

uint64_t program_now_us(void); /* monotonic */
void program_pause_us(uint64_t us);

#endif
