/*
 * file: system calls on files, checked, in few words.
 *
 * Errors: what is not expected ends the case, but for call().
 */
#ifndef TESTS_SUPPORT_FILE_H
#define TESTS_SUPPORT_FILE_H

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/check.h"

/* A system call's answer with the error in it: check_ok(call(mkdir(...))),
 * check_err(call(rmdir(...)), -ENOTEMPTY). */
static inline int64_t
call(int64_t rc)
{
	return rc < 0 ? -errno : rc;
}

int file_open(const char *path, int flags); /* creates with 0644 */
void file_close(int fd);

/* The file is this text and nothing else. */
void file_put(const char *path, const char *text);
void file_is(const char *path, const char *text);

/* The file that fd is open on is this text. */
void file_fd_is(int fd, const char *text);

/* Bytes that tell their place in the file and the tag. */
void file_fill(int fd, uint64_t offset, size_t size, unsigned tag);
void file_holds(int fd, uint64_t offset, size_t size, unsigned tag);
void file_is_zero(int fd, uint64_t offset, size_t size);

struct stat file_stat(const char *path); /* of a link, itself */
struct stat file_fstat(int fd);
bool file_exists(const char *path);
uint64_t file_size(const char *path);

/* Entries of a directory without . and .. */
size_t file_count(const char *path);

/* Long enough for a filesystem's clock to go on. */
void file_nap(void);

#endif
