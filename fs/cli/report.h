/*
 * report: messages for people, "keyfs: SUBJECT: what is wrong; what to do".
 *
 * Lines go to standard error, and after report_to_syslog to syslog(3).
 * Threads: any.
 */
#ifndef FS_CLI_REPORT_H
#define FS_CLI_REPORT_H

#include <stdbool.h>

#include "engine/base/err.h"

/* subject: a store, key or mount point; NULL: none. */
void report(const char *subject, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* "SUBJECT: DOING: text of err"; returns the exit status that fits err. */
int report_errno(const char *subject, const char *doing, int err);

/* For everything below that takes messages; warnings and errors are shown. */
struct err_sink report_sink(const char *subject);

/* As struct lsm_options.message; ctx is the subject. */
void report_message(void *subject, int level, const char *text);
void report_to_syslog(void);

/* Between the two, lines are kept back; then they are shown or dropped. */
void report_hold(void);
void report_release(bool show);

#endif
