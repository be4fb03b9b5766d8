/*
 * content: the content of files in a test's volume, by inode number.
 *
 * Use: as volume.h, whose struct volume it works on.
 */
#ifndef TESTS_SUPPORT_CONTENT_H
#define TESTS_SUPPORT_CONTENT_H

#include "tests/support/volume.h"

#define CONTENT_MAX (64u << 10)

/* Up to CONTENT_MAX bytes, none of them zero, so that they are told from
 * holes; and zeros.  They stay. */
struct bytes content_pattern(size_t size);
struct bytes content_zeros(size_t size);

/* 0 or -errno. */
int content_write(
    struct volume *t, uint64_t ino, uint64_t offset, struct bytes data);
int content_truncate(struct volume *t, uint64_t ino, uint64_t size);

uint64_t content_size(struct volume *t, uint64_t ino);

/* The bytes from offset on are these; so many can be read. */
void content_check_read(
    struct volume *t, uint64_t ino, uint64_t offset, struct bytes want);

/* The whole content is this. */
void content_check(struct volume *t, uint64_t ino, struct bytes want);

/* Records of the store: blocks, big xattrs, orphans. */
size_t content_blocks(struct volume *t);
size_t content_xattrs(struct volume *t);
size_t content_orphans(struct volume *t);

/* Opens what a crash at this moment would leave; t goes on. */
void content_open_crashed(struct volume *out, struct volume *t);

#endif
