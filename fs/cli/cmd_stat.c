#include <inttypes.h>
#include <stdio.h>
#include <sys/sysmacros.h>

#include "fs/cli/answer.h"
#include "fs/cli/attr_text.h"
#include "fs/cli/commands.h"
#include "fs/cli/text.h"
#include "fs/cli/tree.h"

static void
print(const char *key, const struct stat *st, const struct buf *target)
{
	printf("key       ");
	text_put_name(stdout, bytes_str(key));
	printf("\ntype      %s\n", attr_text_type(st->st_mode));
	if (S_ISLNK(st->st_mode)) {
		printf("target    ");
		text_put_name(stdout, buf_bytes(target));
		putchar('\n');
	}
	if (S_ISCHR(st->st_mode) || S_ISBLK(st->st_mode))
		printf("device    %u, %u\n", major(st->st_rdev),
		    minor(st->st_rdev));
	printf("size      %" PRIu64 "\n", (uint64_t)st->st_size);
	printf("mode      %04o %s\n", (unsigned)(st->st_mode & 07777),
	    attr_text_mode(st->st_mode).text);
	printf("owner     %u %s\n", st->st_uid, attr_text_user(st->st_uid));
	printf("group     %u %s\n", st->st_gid, attr_text_group(st->st_gid));
	printf("links     %" PRIu64 "\n", (uint64_t)st->st_nlink);
	printf("inode     %" PRIu64 "\n", (uint64_t)st->st_ino);
	printf("modified  %s\n", attr_text_exact_time(st->st_mtim).text);
	printf("changed   %s\n", attr_text_exact_time(st->st_ctim).text);
}

static int
show(struct tree *t, struct tree_place at, const char *key)
{
	struct buf target = {0};
	struct stat st;
	int err = t->ops->stat(t, at, &st);

	if (err == 0 && S_ISLNK(st.st_mode))
		err = t->ops->readlink(t, at, &target);
	if (err == 0)
		print(key, &st, &target);
	buf_fini(&target);
	return err;
}

static int
show_key(struct tree *t, const char *key)
{
	struct tree_place at;
	int err = tree_find(t, bytes_str(key), &at);

	if (err == 0) {
		err = show(t, at, key);
		t->ops->dir_close(t, at.dir);
	}
	return err ? answer_error(t->path, bytes_str(key), err) : COMMAND_DONE;
}

static int
run(struct tree *open, int argc, char **argv)
{
	int at = open ? 1 : 2;
	const char *store = open ? open->path : argv[1];
	struct tree *t;
	int status;

	if (argc - at != 1)
		return command_usage(&cmd_stat);
	status = answer_check_key(store, argv[at]);
	if (status == COMMAND_DONE)
		status = tree_enter(open, store, TREE_READ, &t);
	if (status != COMMAND_DONE)
		return status;
	answer_begin();
	status = show_key(t, argv[at]);
	return answer_end(tree_leave(open, t, status));
}

const struct command cmd_stat = {
    .name = "stat",
    .args = "STORE KEY",
    .summary = "Shows what kind of file a key is, its size, owner and times",
    .run_on = run,
};
