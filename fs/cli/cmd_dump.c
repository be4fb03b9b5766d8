#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "fs/cli/care.h"
#include "fs/cli/commands.h"
#include "fs/cli/mount_table.h"
#include "fs/cli/record_text.h"
#include "fs/cli/report.h"

/* --- files, whether the store can be opened or not ------------------------ */

/* ctx: the worst exit status so far; the other files are shown anyway. */
static int
dump_file(void *ctx, const char *path)
{
	int *status = ctx;
	int err = lsm_dump_file(path, stdout);

	if (err == 0 || err == -ENOENT)
		return 0; /* a mounted store deletes what is not needed */
	if (err == -EINVAL)
		report(path, "is no log, table or manifest");
	else
		report_errno(path, "cannot be shown to its end", err);
	*status = err == ERR_DAMAGED ? COMMAND_NO : COMMAND_UNUSABLE;
	return err == -EIO ? err : 0;
}

static int
dump_listed(void *ctx, const char *path)
{
	printf("== %s\n", path);
	return dump_file(ctx, path);
}

static int
dump_files(const char *path)
{
	char dir[PATH_MAX];
	char source[PATH_MAX];
	struct stat st;
	int status = COMMAND_DONE;
	int err = 0;

	if (!realpath(path, dir))
		snprintf(dir, sizeof(dir), "%s", path);
	if (mount_table_find(dir, source, sizeof(source)))
		memcpy(dir, source, sizeof(dir));
	if (stat(dir, &st) != 0) {
		report(path, "cannot be read: %s", err_text(-errno));
		return COMMAND_UNUSABLE;
	}
	if (!S_ISDIR(st.st_mode)) {
		dump_file(&status, path);
		return status;
	}
	err = lsm_list_files(dir, dump_listed, &status);
	if (err && status == COMMAND_DONE)
		status = report_errno(path, "listing its files", err);
	return status;
}

/* --- records -------------------------------------------------------------- */

static int
dump_iter(struct store_iter *it)
{
	int at = store_iter_seek(it, bytes_of("", 0));

	while (at == 1) {
		record_text_put(stdout, it->key, it->value);
		at = store_iter_next(it);
	}
	return at;
}

static int
dump_store(const char *path, struct store *s)
{
	struct store_iter *it;
	int err = store_iter_open(s, bytes_of(NULL, 0), bytes_of(NULL, 0), &it);

	if (err == 0) {
		err = dump_iter(it);
		store_iter_close(it);
	}
	if (err)
		report_errno(path, "reading the records", err);
	if (err == ERR_DAMAGED)
		return COMMAND_NO;
	return err ? COMMAND_UNUSABLE : COMMAND_DONE;
}

static int
dump_records(const char *path)
{
	const struct local_options o = {
	    .engine_only = true,
	    .passive = true,
	    .damaged_status = COMMAND_NO,
	};
	struct care care;
	int status = care_open(path, &o, &care);
	int closed;

	if (status != COMMAND_DONE)
		return status;
	if (care_is_mounted(&care)) {
		report(path,
		    "is mounted on %s; its records can be shown when it is "
		    "unmounted",
		    care.mountpoint);
		return COMMAND_UNUSABLE;
	}
	status = dump_store(path, care.local.store);
	closed = care_close(&care);
	return status == COMMAND_DONE ? closed : status;
}

static int
run(int argc, char **argv)
{
	const char *path = NULL;
	bool records = false;
	int status;

	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--records") == 0)
			records = true;
		else if (argv[i][0] == '-' || path)
			return command_usage(&cmd_dump);
		else
			path = argv[i];
	}
	if (!path)
		return command_usage(&cmd_dump);
	status = records ? dump_records(path) : dump_files(path);
	if (fflush(stdout) != 0 || ferror(stdout))
		return report_errno(NULL, "standard output", -EIO);
	return status;
}

const struct command cmd_dump = {
    .name = "dump",
    .args = "STORE|FILE [--records]",
    .summary = "Shows logs, tables and manifests as text",
    .help = "Of a store, or one file of it; it need not be sound, nor "
	    "unmounted.\n\n"
	    "  --records  the records of the files and directories, decoded, "
	    "one line\n"
	    "             each; for a store that can be opened\n",
    .run = run,
};
