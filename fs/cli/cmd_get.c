#include <stdio.h>

#include "fs/cli/answer.h"
#include "fs/cli/commands.h"
#include "fs/cli/report.h"
#include "fs/cli/tree.h"

/* *last: the last byte that was printed. */
static int
print(void *last, struct bytes chunk)
{
	*(uint8_t *)last = chunk.data[chunk.size - 1];
	fwrite(chunk.data, 1, chunk.size, stdout);
	return answer_goes_on() ? 0 : -EPIPE;
}

static int
refuse_link(struct tree *t, struct tree_place at, const char *key)
{
	struct buf target = {0};
	int err = t->ops->readlink(t, at, &target);
	int status = COMMAND_NO;

	if (err == 0)
		report(t->path, "%s: is a symbolic link to %.*s", key,
		    (int)target.size, (char *)target.data);
	else
		status = answer_error(t->path, bytes_str(key), err);
	buf_fini(&target);
	return status;
}

static int
get(struct tree *t, struct tree_place at, const char *key, uint8_t *last)
{
	struct stat st;
	int err = t->ops->stat(t, at, &st);

	if (err == 0 && S_ISLNK(st.st_mode))
		return refuse_link(t, at, key);
	if (err == 0 && S_ISDIR(st.st_mode))
		err = -EISDIR;
	else if (err == 0 && !S_ISREG(st.st_mode))
		err = -ENXIO;
	if (err == 0)
		err = tree_read(t, at, print, last);
	if (err != 0 && answer_goes_on())
		return answer_error(t->path, bytes_str(key), err);
	return COMMAND_DONE;
}

static int
get_key(struct tree *t, const char *key, uint8_t *last)
{
	struct tree_place at;
	int err = tree_find(t, bytes_str(key), &at);
	int status;

	if (err != 0)
		return answer_error(t->path, bytes_str(key), err);
	status = get(t, at, key, last);
	t->ops->dir_close(t, at.dir);
	return status;
}

static int
run(struct tree *open, int argc, char **argv)
{
	int at = open ? 1 : 2;
	const char *store = open ? open->path : argv[1];
	uint8_t last = 0;
	struct tree *t;
	int status;

	if (argc - at != 1)
		return command_usage(&cmd_get);
	status = answer_check_key(store, argv[at]);
	if (status == COMMAND_DONE)
		status = tree_enter(open, store, TREE_READ, &t);
	if (status != COMMAND_DONE)
		return status;
	answer_begin();
	status = get_key(t, argv[at], &last);
	if (open && status == COMMAND_DONE && last != '\n')
		putchar('\n'); /* what a prompt shows are lines */
	return answer_end(tree_leave(open, t, status));
}

const struct command cmd_get = {
    .name = "get",
    .args = "STORE KEY",
    .summary = "Writes the value of a key to standard output",
    .run_on = run,
};
