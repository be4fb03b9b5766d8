/*
 * file_name: the names of the files in a store directory.
 *
 *	LOCK		who has the store open (engine/os/filelock.h)
 *	CURRENT		name of the manifest in force, and a newline
 *	MANIFEST-000001	edits of the set of tables
 *	000002.log	segment of the log
 *	000003.sst	table
 *	*.tmp		being written; removed at open
 * Numbers are given once in the life of a store.
 */
#ifndef ENGINE_DB_FILE_NAME_H
#define ENGINE_DB_FILE_NAME_H

#include <stdbool.h>
#include <stdint.h>

enum file_name_kind {
	FILE_NAME_OTHER, /* not ours: left alone */
	FILE_NAME_LOCK,
	FILE_NAME_CURRENT,
	FILE_NAME_MANIFEST,
	FILE_NAME_LOG,
	FILE_NAME_TABLE,
	FILE_NAME_TEMPORARY,
};

/* "dir/NAME" in a new malloc'ed string; NULL: no memory. */
char *file_name_path(const char *dir, enum file_name_kind kind,
    uint64_t number);

enum file_name_kind file_name_parse(const char *name, uint64_t *number);

#endif
