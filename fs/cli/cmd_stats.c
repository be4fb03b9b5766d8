#include <stdio.h>
#include <string.h>

#include "fs/cli/care.h"
#include "fs/cli/commands.h"
#include "fs/cli/report.h"
#include "fs/cli/text.h"

static int
find_stats(struct vol *v, struct vol_attr *file)
{
	struct vol_attr dir;
	int err = vol_lookup(v, VOL_INO_ROOT, ".keyfs", &dir);

	return err ? err : vol_lookup(v, dir.ino, "stats", file);
}

/* The same text that a mounted store has. */
static int
stats_here(const struct care *care, struct buf *out)
{
	struct vol_attr file;
	size_t got = 0;
	int err = find_stats(care->local.vol, &file);

	if (err == 0)
		err = buf_reserve(out, file.size);
	if (err == 0)
		err = vol_read(
		    care->local.vol, file.ino, 0, out->data, file.size, &got);
	out->size = got;
	return err ? report_errno(care->path, "stats", err) : COMMAND_DONE;
}

static struct bytes
next_line(struct bytes *rest)
{
	const uint8_t *end = memchr(rest->data, '\n', rest->size);
	size_t n = end ? (size_t)(end - rest->data) : rest->size;
	struct bytes line = bytes_of(rest->data, n);

	n += end ? 1 : 0;
	*rest = bytes_of(rest->data + n, rest->size - n);
	return line;
}

static bool
is_number(struct bytes s)
{
	for (size_t i = 0; i < s.size; i++)
		if (s.data[i] < '0' || s.data[i] > '9')
			return false;
	return s.size > 0;
}

static void
put_json_line(struct bytes line)
{
	const uint8_t *space = memchr(line.data, ' ', line.size);
	size_t n = space ? (size_t)(space - line.data) : line.size;
	size_t skip = space ? n + 1 : n;
	struct bytes value = bytes_of(line.data + skip, line.size - skip);
	char name[64];

	snprintf(name, sizeof(name), "%.*s", (int)n, (const char *)line.data);
	if (!is_number(value)) {
		text_put_json(stdout, name, value);
		return;
	}
	printf("\"%s\":", name);
	text_put(stdout, value);
}

static void
put_json(struct bytes text)
{
	putchar('{');
	for (bool first = true; text.size > 0; first = false) {
		if (!first)
			putchar(',');
		put_json_line(next_line(&text));
	}
	puts("}");
}

static int
stats(const char *path, bool json)
{
	const struct local_options o = {
	    .passive = true, .vol = {.read_only = true}};
	struct buf text = {0};
	struct care care;
	int status = care_open(path, &o, &care);
	int closed;

	if (status != COMMAND_DONE)
		return status;
	status = care_is_mounted(&care) ? care_read(&care, "stats", &text)
					: stats_here(&care, &text);
	if (status == COMMAND_DONE && json)
		put_json(buf_bytes(&text));
	else if (status == COMMAND_DONE)
		text_put(stdout, buf_bytes(&text));
	buf_fini(&text);
	closed = care_close(&care);
	return status == COMMAND_DONE ? closed : status;
}

static int
run(int argc, char **argv)
{
	const char *path = NULL;
	bool json = false;

	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--json") == 0)
			json = true;
		else if (argv[i][0] == '-' || path)
			return command_usage(&cmd_stats);
		else
			path = argv[i];
	}
	return path ? stats(path, json) : command_usage(&cmd_stats);
}

const struct command cmd_stats = {
    .name = "stats",
    .args = "STORE [--json]",
    .summary = "Shows figures of a store",
    .help = "One name and its value a line; counts are since the store was "
	    "opened.\n\n"
	    "  --json  one JSON object\n",
    .run = run,
};
