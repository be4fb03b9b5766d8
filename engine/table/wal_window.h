/*
 * wal_window: how a record gets into a log file: by write(2), or copied into a
 * part of the file that is mapped (a window), which takes no system call.
 *
 * The window slides over the file.  It is used up to where the file has room:
 * what was written ahead, or filled with zeros shortly before the log comes
 * there, so that copying meets no full disk.  Both ways show the same and may
 * take turns; write(2) is the way for large records, between syncs that follow
 * closely upon one another, and for all that the other way cannot do: what goes
 * wrong there is left to write(2) to say.
 *
 * Why no page of the window can fail in earnest: the file has its blocks, or
 * space that is reserved for them, on filesystems that write in place; who cuts
 * it all the same, or a block that cannot be read back after memory was short,
 * makes the copy fail (guard.h), and then the record is written again, whole,
 * by write(2).
 * Threads: the appender's.
 */
#ifndef ENGINE_TABLE_WAL_WINDOW_H
#define ENGINE_TABLE_WAL_WINDOW_H

#include "engine/table/wal.h"

struct wal_window {
	struct env_file *file;
	struct wal_mapping how;
	uint64_t room;  /* the file reaches to here, if the log does not */
	uint64_t ahead; /* the part of it that was there at the beginning */
	uint64_t retry; /* no more is made before here */
	struct env_map *map;
	unsigned syncs;  /* of the log that were seen */
	unsigned run;    /* records since the last one, */
	unsigned before; /* between that and the one before */
};

/* The file has room bytes (0: it grows with each record); none is mapped. */
void wal_window_init(
    struct wal_window *w, struct env_file *file, uint64_t room);
void wal_window_fini(struct wal_window *w);

/* From now on as how says. */
void wal_window_set(struct wal_window *w, const struct wal_mapping *how);

/* syncs: how many the log has seen so far.  As env_pwrite. */
int wal_window_write(struct wal_window *w, const uint8_t *record, size_t size,
    uint64_t offset, unsigned syncs);

/* The file has been cut: room is what it has now, as in wal_window_init. */
void wal_window_cut(struct wal_window *w, uint64_t room);

#endif
