/*
 * wal: a file of records that grows at its end: a segment of the log, or the
 * manifest.
 *
 * File header, WAL_FILE_HEADER bytes: magic "keyfsWAL", le32 version, le32
 * kind, le64 number, le64 first_seq (the sequence number that its first record
 * must have), le64 salt of the store, le64 checksum.  Record, WAL_RECORD_HEADER
 * bytes and the payload: le64 checksum of the header behind it, le64 checksum
 * of the payload, le32 payload size, le32 count, le64 seq, le64 durable;
 * checksums are seeded with the file's number and the salt, which nobody
 * outside knows: no value can hold bytes that pass for a record.  The record
 * covers the sequence numbers seq to seq + count - 1, and the next record
 * begins where it ends.  durable: the newest number that was known to be on
 * stable storage when the record was written: a promise to the reader, which
 * holds even if the payload is torn.
 *
 * Torn-tail rule: the first record that does not check ends the log, unless an
 * intact header behind it promises that it was durable: then it is damage.
 * Zeros behind the end are a written-ahead tail; records of another number are
 * what stood there before the file was used again.
 *
 * A record is in the kernel's hands when wal_append returns, by write(2) or by
 * a copy into the mapped file (wal_map); the end of the process in the middle
 * of either leaves a torn tail.
 *
 * Threads: one writer; syncing may run beside appending.
 * Errors: -ENOSPC on append leaves the log as before (the partial record is
 * cut off, or its header written over with zeros); any other failure, or a
 * failing cut, poisons the writer: every later append and sync returns -EROFS.
 */
#ifndef ENGINE_TABLE_WAL_H
#define ENGINE_TABLE_WAL_H

#include "engine/base/buf.h"
#include "engine/os/env.h"

#define WAL_FILE_HEADER   48
#define WAL_RECORD_HEADER 40
#define WAL_PAYLOAD_MAX   (320u << 20)

/* VALUES: large values that were moved out of a log (engine/db/value_writer.h).
 */
enum wal_kind {
	WAL_KIND_LOG = 1,
	WAL_KIND_MANIFEST = 2,
	WAL_KIND_VALUES = 3,
};

/* What tells the records of a file from all others. */
struct wal_id {
	enum wal_kind kind;
	uint64_t number;
	uint64_t salt; /* for a reader, 0: that of the file's header */
};

struct wal;

/* Creates path (-EEXIST if there) and writes the header; nothing is synced. */
int wal_create(struct env *env, const char *path, const struct wal_id *id,
    uint64_t first_seq, struct wal **out);

/*
 * As wal_create, in a file that was written full ahead, with WAL_FILE_HEADER
 * zeros where the header goes: the log is laid over what stands there, and
 * does not change the file's size until it has outgrown it.  Behind the header
 * may be anything but records of this number.  After an error the file is good
 * for nothing.
 */
int wal_create_in(struct env *env, const char *path, const struct wal_id *id,
    uint64_t first_seq, struct wal **out);

/* Goes on with a file that a reader read up to end: cuts it there (synced if
 * anything was cut). */
int wal_append_to(struct env *env, const char *path, const struct wal_id *id,
    uint64_t end, struct wal **out);
void wal_close(struct wal *w);

/* A log that is written through memory. */
struct wal_mapping {
	uint64_t from; /* records from this offset on */
	/* So many bytes at a time; 0: no more.  A file that grows may have as
	 * many zeros behind its end. */
	size_t step;
	/* Records from one sync to the next for which it pays: from here on. */
	unsigned run;
};

#define WAL_WINDOW_STEP_MIN 4096

/* From the next append on, if the env can; else nothing changes.  For the
 * appender. */
void wal_map(struct wal *w, const struct wal_mapping *how);

struct wal_stamp {
	uint64_t seq;     /* first number the record covers */
	uint32_t count;   /* how many: 1, or up to the payload's bytes */
	uint64_t durable; /* newest number known durable */
};

/*
 * record: WAL_RECORD_HEADER bytes of room, then the payload, size bytes in
 * all; the header is filled in there, so that one write(2) moves it all.
 */
int wal_append(
    struct wal *w, uint8_t *record, size_t size, const struct wal_stamp *stamp);

/* A hint, after an append: wal_sync comes at once, so the disk may begin with
 * this record while the caller does something else.  For the appender. */
void wal_sync_ahead(struct wal *w, size_t size);

/* Everything appended before the call is on stable storage when it returns.
 * The first failure poisons the writer. */
int wal_sync(struct wal *w);
uint64_t wal_size(const struct wal *w); /* where the log ends */
uint64_t wal_number(const struct wal *w);

/* Up to where the file was written before the log began in it; 0: it grows.
 * For the appender, or when it has gone. */
uint64_t wal_prepared(const struct wal *w);

/* Cuts the file to the log's end, if it is longer; it grows from then on.
 * Nothing is synced: a power cut may leave it as it was.  For the appender, or
 * when it has gone. */
int wal_cut(struct wal *w);

struct wal_record {
	struct wal_stamp stamp;
	uint64_t offset;
	struct bytes payload; /* valid until the next call */
};

struct wal_reader;

/* Reads and checks the file header.  -ENODATA (no message): the file ends
 * within its header or the header is all zeros, as after a crash at creation;
 * ERR_FORMAT or ERR_DAMAGED with a message otherwise. */
int wal_reader_open(struct env *env, const char *path, const struct wal_id *id,
    struct wal_reader **out);
/* The same; after -ENODATA *promised is as in struct wal_tail: the header was
 * lost, but records behind it may be intact. */
int wal_reader_open_noting(struct env *env, const char *path,
    const struct wal_id *id, struct wal_reader **out, uint64_t *promised);
void wal_reader_close(struct wal_reader *r);
uint32_t wal_reader_version(const struct wal_reader *r); /* of its format */
uint64_t wal_reader_first_seq(const struct wal_reader *r);
uint64_t wal_reader_salt(const struct wal_reader *r);

/* 1 a record, 0 the end, ERR_DAMAGED by the torn-tail rule (with a message). */
int wal_reader_next(struct wal_reader *r, struct wal_record *out);

/* After 0: where the intact records end, whether anything but zeros stands
 * behind, and the highest durable number promised by any intact header of this
 * file (0 none), also behind its end: more than the caller has read means that
 * another file of the log is damaged. */
struct wal_tail {
	uint64_t end;
	bool torn;
	uint64_t promised;
};
void wal_reader_tail(const struct wal_reader *r, struct wal_tail *out);

#endif
