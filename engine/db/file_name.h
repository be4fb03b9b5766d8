/*
 * file_name: the names of the files in a store directory.
 *
 *	LOCK		who has the store open (engine/os/filelock.h)
 *	CURRENT		name of the manifest in force, and a newline
 *	MANIFEST-000001	edits of the set of tables
 *	RESERVE		space for a day without (engine/db/reserve.h)
 *	000002.log	segment of the log
 *	000003.sst	table
 *	000004.val	large values that were moved out of the log
 *	CURRENT.tmp	any of these with .tmp: being written, removed at open
 *	.forgotten-1	beside the lab (engine/lsm_lab.h), removed at open
 * Numbers are given once in the life of a store, written with six digits at
 * least.
 */
#ifndef ENGINE_DB_FILE_NAME_H
#define ENGINE_DB_FILE_NAME_H

#include <stdbool.h>
#include <stdint.h>

enum file_name_kind {
	FILE_NAME_OTHER, /* not ours: left alone */
	FILE_NAME_LOCK,
	FILE_NAME_CURRENT,
	FILE_NAME_RESERVE,
	FILE_NAME_MANIFEST,
	FILE_NAME_LOG,
	FILE_NAME_TABLE,
	FILE_NAME_VALUES,
	FILE_NAME_TEMPORARY,
};

/* No file has a higher number, so that counting on never overflows. */
#define FILE_NAME_NUMBER_MAX (UINT64_C(1) << 62)

/* Room for any name, with its NUL. */
#define FILE_NAME_SIZE 32

/* kind is one of LOCK, CURRENT and RESERVE (number is ignored), MANIFEST, LOG,
 * TABLE, VALUES. */
void file_name_format(char name[FILE_NAME_SIZE], enum file_name_kind kind,
    uint64_t number);

/* "dir/NAME" in a new malloc'ed string; NULL: no memory. */
char *file_name_path(const char *dir, enum file_name_kind kind,
    uint64_t number);

/* *number is 0 for kinds without one.  A name that file_name_format would not
 * write in exactly this way is not ours. */
enum file_name_kind file_name_parse(const char *name, uint64_t *number);

#endif
