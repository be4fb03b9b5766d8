#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fs/cli/care.h"
#include "fs/cli/commands.h"
#include "fs/cli/progress.h"
#include "fs/cli/report.h"
#include "fs/vol/check.h"

struct check {
	const char *path;
	struct progress progress;
	uint64_t findings;
	struct vol_check_totals totals;
};

static void
on_finding(void *ctx, const char *text)
{
	struct check *c = ctx;

	c->findings++;
	progress_clear(&c->progress);
	report_message((void *)(uintptr_t)c->path, ERR_LEVEL_ERROR, text);
}

static void
on_bytes(void *ctx, uint64_t done, uint64_t total)
{
	struct check *c = ctx;

	progress_show(&c->progress, done, total);
}

static void
on_records(void *ctx, uint64_t records)
{
	struct check *c = ctx;

	progress_show(&c->progress, records, 0);
}

/* --- the store opened here ------------------------------------------------ */

static int
check_files(struct check *c, struct lsm *db)
{
	const struct lsm_check_sink sink = {on_finding, on_bytes, c};
	int r;

	progress_begin(&c->progress, "checking files");
	r = lsm_check(db, &sink);
	progress_clear(&c->progress);
	if (r < 0)
		return report_errno(c->path, "checking the files", r);
	return COMMAND_DONE;
}

static int
check_records(struct check *c, struct store *s)
{
	const struct vol_check_sink sink = {on_finding, on_records, c};
	int r;

	progress_begin(&c->progress, "checking records");
	r = vol_check(s, &sink, &c->totals);
	progress_clear(&c->progress);
	if (r == ERR_DAMAGED) {
		on_finding(c, "the records cannot all be read");
		r = 0;
	}
	if (r < 0)
		return report_errno(c->path, "checking the records", r);
	return COMMAND_DONE;
}

static void
show_files(struct lsm *db)
{
	struct lsm_stats stats;
	uint64_t tables = 0, bytes = 0;

	lsm_stats(db, &stats);
	for (int i = 0; i < LSM_LEVELS; i++) {
		tables += stats.level_tables[i];
		bytes += stats.level_bytes[i];
	}
	printf("; %" PRIu64 " tables with %" PRIu64 " bytes, %" PRIu64
	       " logs with %" PRIu64,
	    tables, bytes, stats.log_files, stats.log_bytes);
	if (stats.value_files > 0)
		printf(", %" PRIu64 " files of large values with %" PRIu64,
		    stats.value_files, stats.value_bytes);
}

/* db NULL: not known. */
static int
conclude(const struct check *c, struct lsm *db)
{
	const struct vol_check_totals *t = &c->totals;

	printf("%s: ", c->path);
	if (c->findings == 0)
		fputs("no damage found", stdout);
	else
		printf("DAMAGED, %" PRIu64 " findings", c->findings);
	printf(": %" PRIu64 " files, %" PRIu64 " directories, %" PRIu64
	       " others, %" PRIu64 " bytes",
	    t->files, t->directories, t->others, t->bytes);
	if (db)
		show_files(db);
	putchar('\n');
	return c->findings == 0 ? COMMAND_DONE : COMMAND_NO;
}

static int
check_here(struct check *c, struct local *l)
{
	int status = check_files(c, l->db);

	if (status == COMMAND_DONE)
		status = check_records(c, l->store);
	return status == COMMAND_DONE ? conclude(c, l->db) : status;
}

/* --- the mounted store ---------------------------------------------------- */

static void
take_line(struct check *c, const char *line)
{
	const struct {
		const char *name;
		uint64_t *to;
	} numbers[] = {
	    {"files ", &c->totals.files},
	    {"directories ", &c->totals.directories},
	    {"others ", &c->totals.others},
	    {"bytes ", &c->totals.bytes},
	    {"findings ", &c->findings},
	};

	if (strncmp(line, "finding ", 8) == 0)
		on_finding(c, line + 8);
	for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++) {
		size_t n = strlen(numbers[i].name);

		if (strncmp(line, numbers[i].name, n) == 0)
			*numbers[i].to = strtoull(line + n, NULL, 10);
	}
}

static int
check_mounted(struct check *c, const struct care *care)
{
	struct buf text = {0};
	char *rest, *line;
	int status = care_order(care, "check");

	if (status == COMMAND_DONE)
		status = care_read(care, "check", &text);
	if (status == COMMAND_DONE && buf_append_u8(&text, 0) != 0)
		status = report_errno(c->path, "check", -ENOMEM);
	if (status == COMMAND_DONE) {
		rest = (char *)text.data;
		while ((line = strsep(&rest, "\n")))
			take_line(c, line);
		status = conclude(c, NULL);
	}
	buf_fini(&text);
	return status;
}

static int
run(int argc, char **argv)
{
	const struct local_options o = {
	    .engine_only = true,
	    .passive = true,
	    .damaged_status = COMMAND_NO,
	};
	struct check c = {0};
	struct care care;
	int status, closed;

	if (argc != 2 || argv[1][0] == '-')
		return command_usage(&cmd_check);
	c.path = argv[1];
	status = care_open(c.path, &o, &care);
	if (status != COMMAND_DONE)
		return status;
	status = care_is_mounted(&care) ? check_mounted(&c, &care)
					: check_here(&c, &care.local);
	closed = care_close(&care);
	return status == COMMAND_DONE ? closed : status;
}

const struct command cmd_check = {
    .name = "check",
    .args = "STORE",
    .summary = "Reads everything and reports what is damaged",
    .help = "Every checksum, every record, and every record against the "
	    "others.\nNothing is changed.  Exit status: 0 no damage found, 1 "
	    "damage found.\n",
    .run = run,
};
