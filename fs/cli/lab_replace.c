/*
 * replace, replace-fsync: a temporary file, renamed over the one that counts.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "engine/base/err.h"
#include "fs/cli/lab_file.h"
#include "fs/cli/lab_line.h"
#include "fs/cli/lab_workload.h"

#define NAME  "state"
#define TMP   "state.tmp"
#define LINES 8 /* that say the same */
#define SIZE  ((size_t)LINES * LAB_LINE_SIZE)

static int
put(int dir, const char *name, uint64_t seed, uint64_t step, bool sync)
{
	char content[SIZE];

	for (size_t i = 0; i < LINES; i++)
		lab_line_format(seed, step, content + i * LAB_LINE_SIZE);
	return lab_file_put(
	    dir, name, bytes_of(content, sizeof(content)), O_TRUNC, sync);
}

static int
begin(int dir, uint64_t seed)
{
	return put(dir, NAME, seed, 0, false);
}

static int
replace_state(struct lab_hand *h, uint64_t step, bool sync)
{
	int err = put(h->dir, TMP, h->seed, step, sync);

	if (err)
		return err;
	if (renameat(h->dir, TMP, h->dir, NAME) != 0)
		return -errno;
	return sync && fsync(h->dir) != 0 ? -errno : 0;
}

static int
replace(struct lab_hand *h, uint64_t step)
{
	return replace_state(h, step, false);
}

static int
replace_fsync(struct lab_hand *h, uint64_t step)
{
	return replace_state(h, step, true);
}

/* Which step wrote the file; false: none did so. */
static bool
written_by(const struct buf *b, uint64_t seed, uint64_t *step)
{
	const char *text = (const char *)b->data;

	if (b->size != SIZE || !lab_line_parse(text, seed, step))
		return false;
	for (size_t i = 1; i < LINES; i++)
		if (memcmp(text, text + i * LAB_LINE_SIZE, LAB_LINE_SIZE) != 0)
			return false;
	return true;
}

static void
check_both(const struct buf *state, const struct buf *tmp, bool has_tmp,
    uint64_t seed, struct lab_found *out)
{
	uint64_t step, next;

	if (!written_by(state, seed, &step))
		lab_workload_is_not(out,
		    NAME ": these %zu bytes are what no step wrote",
		    state->size);
	else if (!has_tmp || tmp->size == 0)
		lab_workload_is(out, step, has_tmp);
	else if (!written_by(tmp, seed, &next))
		lab_workload_is_not(out,
		    TMP ": these %zu bytes are what no step wrote", tmp->size);
	else if (next != step + 1)
		lab_workload_is_not(out,
		    TMP " is of step %" PRIu64 ", " NAME " of step %" PRIu64,
		    next, step);
	else
		lab_workload_is(out, step, true);
}

static void
check(int dir, uint64_t seed, struct lab_found *out)
{
	struct buf state = {0}, tmp = {0};
	int err = lab_file_get(dir, NAME, &state);
	int tmp_err = lab_file_get(dir, TMP, &tmp);

	if (err)
		lab_workload_is_not(out, NAME ": %s", err_text(err));
	else if (tmp_err && tmp_err != -ENOENT)
		lab_workload_is_not(out, TMP ": %s", err_text(tmp_err));
	else
		check_both(&state, &tmp, tmp_err == 0, seed, out);
	buf_fini(&state);
	buf_fini(&tmp);
}

const struct lab_workload lab_replace = {
    .name = "replace",
    .summary = "writes a temporary file and renames it over the old one",
    .changes = 3, /* made, written, renamed */
    .begin = begin,
    .open = lab_workload_open,
    .step = replace,
    .close = lab_workload_close,
    .check = check,
};

const struct lab_workload lab_replace_fsync = {
    .name = "replace-fsync",
    .summary = "the same, and syncs file and directory",
    .durable = true,
    .changes = 3,
    .begin = begin,
    .open = lab_workload_open,
    .step = replace_fsync,
    .close = lab_workload_close,
    .check = check,
};
