/*
 * wal_file: one log file in a temporary directory, for tests that write it,
 * hurt it and read it back.
 *
 * Use: wal_file_init(&f), f.env goes to the wal functions, f.path is the file;
 * wal_file_fini(&f).  A failing call ends the test case.
 */
#ifndef TESTS_SUPPORT_WAL_FILE_H
#define TESTS_SUPPORT_WAL_FILE_H

#include "engine/base/buf.h"
#include "engine/os/env_fault.h"
#include "engine/table/wal.h"

#define WAL_FILE_NUMBER 7
#define WAL_FILE_SALT   UINT64_C(0x0123456789abcdef)

/* For the functions of wal.h: a const struct wal_id *. */
#define WAL_FILE_ID(kind, number) \
	(&(const struct wal_id){(kind), (number), WAL_FILE_SALT})

struct wal_file {
	char path[512];
	struct env posix;
	struct env_fault fault; /* over posix */
	struct env *env;        /* &fault.env */
	char message[1024];     /* the last one */
};

void wal_file_init(struct wal_file *f);
void wal_file_fini(struct wal_file *f);

/* A new log whose first record has sequence number 1. */
struct wal *wal_file_create(struct wal_file *f);

bool wal_file_can_map(struct wal_file *f);

/* Ends the case as skipped where files cannot be mapped. */
void wal_file_need_mapping(struct wal_file *f);

/* Appends text as one record of count operations; what wal_append says. */
int wal_file_append(struct wal *w, struct wal_stamp stamp, const char *text);

/* One record of size bytes that promises nothing. */
int wal_file_append_one(struct wal *w, uint64_t seq, size_t size);

/* A new log over so many bytes of records of another number. */
struct wal *wal_file_lay_over_old(struct wal_file *f, uint64_t size);

/* The whole file, and back. */
void wal_file_load(struct wal_file *f, struct buf *out);
void wal_file_store(struct wal_file *f, struct bytes content);

uint64_t wal_file_size(struct wal_file *f);

/* Makes the file at path one of another version, its checksum right. */
void wal_file_set_version(const char *path, uint32_t version);

/*
 * Reads all records.  What the last wal_reader_next (or wal_reader_open) said;
 * *last is the sequence number up to which the records reach (0 none), *tail
 * what the reader says of the end, if it came to one.
 */
int wal_file_read(struct wal_file *f, uint64_t *last, struct wal_tail *tail);

/* A log of n records with the payloads "1", "22", "333"..., record i with
 * sequence number i, promising durable(i).  offsets[i] is where it begins (and
 * offsets[n + 1] the end); may be NULL. */
void wal_file_fill(struct wal_file *f, unsigned n,
    uint64_t (*durable)(unsigned i), uint64_t *offsets);

/* Promises for wal_file_fill: none; or in each record the one two before it,
 * as when a sync is under way. */
uint64_t wal_file_nothing_durable(unsigned i);
uint64_t wal_file_two_behind(unsigned i);

/* The records reach to number last and end at this offset, torn or not. */
void wal_file_check_end(
    struct wal_file *f, uint64_t last, uint64_t end, bool torn);

/* The records reach to number last; then reading fails, with a message that
 * names this offset. */
void wal_file_check_damaged(struct wal_file *f, uint64_t last, uint64_t offset);

#endif
