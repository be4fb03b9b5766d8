/*
 * attr_text: attributes of files as text for people.
 *
 * Threads: one.
 */
#ifndef FS_CLI_ATTR_TEXT_H
#define FS_CLI_ATTR_TEXT_H

#include <sys/stat.h>

/* "file", "dir", "link", "fifo", "socket", "char", "block". */
const char *attr_text_type(mode_t mode);

/* The name, or the number as text; valid until the next call. */
const char *attr_text_user(uid_t uid);
const char *attr_text_group(gid_t gid);

/* "drwxr-xr-x". */
struct attr_mode {
	char text[12];
};
struct attr_mode attr_text_mode(mode_t mode);

/* In local time: "2024-02-29 12:34", or with seconds, nanoseconds, zone. */
struct attr_time {
	char text[64];
};
struct attr_time attr_text_time(struct timespec t);
struct attr_time attr_text_exact_time(struct timespec t);

#endif
