#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/sysmacros.h>

#include "fs/cli/answer.h"
#include "fs/cli/attr_text.h"
#include "fs/cli/commands.h"
#include "fs/cli/text.h"
#include "fs/cli/tree.h"

struct ls {
	struct tree *t;
	bool recursive;
	bool with_attr;
	struct buf path; /* recursive: of the directory, with a '/' behind */
};

/* --- one line ------------------------------------------------------------- */

/* Columns of the long form. */
struct widths {
	int links, user, group, size;
};

static const char *
size_text(const struct stat *st)
{
	static char text[32];

	if (S_ISCHR(st->st_mode) || S_ISBLK(st->st_mode))
		snprintf(text, sizeof(text), "%u, %u", major(st->st_rdev),
		    minor(st->st_rdev));
	else
		snprintf(text, sizeof(text), "%" PRIu64, (uint64_t)st->st_size);
	return text;
}

static void
widen(int *width, int size)
{
	if (size > *width)
		*width = size;
}

static void
measure(const struct stat *st, struct widths *w)
{
	widen(&w->links, snprintf(NULL, 0, "%" PRIu64, (uint64_t)st->st_nlink));
	widen(&w->user, (int)strlen(attr_text_user(st->st_uid)));
	widen(&w->group, (int)strlen(attr_text_group(st->st_gid)));
	widen(&w->size, (int)strlen(size_text(st)));
}

static void
print_attr(const struct stat *st, const struct widths *w)
{
	printf("%s %*" PRIu64 " %-*s %-*s %*s %s ",
	    attr_text_mode(st->st_mode).text, w->links, (uint64_t)st->st_nlink,
	    w->user, attr_text_user(st->st_uid), w->group,
	    attr_text_group(st->st_gid), w->size, size_text(st),
	    attr_text_time(st->st_mtim).text);
}

static int
print_target(struct ls *ls, struct tree_place at)
{
	struct buf target = {0};
	int err = ls->t->ops->readlink(ls->t, at, &target);

	if (err == 0) {
		fputs(" -> ", stdout);
		text_put_name(stdout, buf_bytes(&target));
	}
	buf_fini(&target);
	return err;
}

/* st: only with_attr. */
static int
print_line(struct ls *ls, struct tree_place at, mode_t type,
    const struct stat *st, const struct widths *w)
{
	int err = 0;

	if (ls->with_attr)
		print_attr(st, w);
	text_put_name(stdout, buf_bytes(&ls->path));
	text_put_name(stdout, at.name);
	if (S_ISDIR(type))
		putchar('/');
	if (ls->with_attr && S_ISLNK(type))
		err = print_target(ls, at);
	putchar('\n');
	return err == 0 && !answer_goes_on() ? -EPIPE : err;
}

/* --- directories ---------------------------------------------------------- */

static int list_dir(struct ls *ls, tree_handle dir);

static int
list_below(struct ls *ls, struct tree_place at)
{
	size_t size = ls->path.size;
	tree_handle dir;
	int err = ls->t->ops->dir_open(ls->t, at, &dir);

	if (err != 0)
		return err == -ENOENT || err == -ENOTDIR ? 0 : err;
	err = buf_append_bytes(&ls->path, at.name);
	if (err == 0)
		err = buf_append_u8(&ls->path, '/');
	if (err == 0)
		err = list_dir(ls, dir);
	ls->path.size = size;
	ls->t->ops->dir_close(ls->t, dir);
	return err;
}

/* st_nlink 0: the name has gone meanwhile. */
static int
stat_all(struct ls *ls, tree_handle dir, const struct list *names,
    struct stat *st, struct widths *w)
{
	int err = 0;

	for (size_t i = 0; err == 0 && i < names->count; i++) {
		struct tree_place at = {dir, list_name(names, i)};

		err = ls->t->ops->stat(ls->t, at, &st[i]);
		if (err == 0)
			measure(&st[i], w);
		else if (err == -ENOENT)
			err = 0; /* st[i] is still all zero */
	}
	return err;
}

static int
list_names(struct ls *ls, tree_handle dir, const struct list *names,
    const struct stat *st, const struct widths *w)
{
	int err = 0;

	for (size_t i = 0; err == 0 && i < names->count; i++) {
		struct tree_place at = {dir, list_name(names, i)};
		mode_t type = list_type(names, i);

		if (ls->with_attr && st[i].st_nlink == 0)
			continue;
		err = print_line(ls, at, type, st ? &st[i] : NULL, w);
		if (err == 0 && ls->recursive && S_ISDIR(type))
			err = list_below(ls, at);
	}
	return err;
}

static int
list_dir(struct ls *ls, tree_handle dir)
{
	struct list names = {0};
	struct stat *st = NULL;
	struct widths w = {0};
	int err = ls->t->ops->list(ls->t, dir, &names);

	list_sort(&names);
	if (err == 0 && ls->with_attr && names.count > 0) {
		st = calloc(names.count, sizeof(*st));
		err = st ? stat_all(ls, dir, &names, st, &w) : -ENOMEM;
	}
	if (err == 0)
		err = list_names(ls, dir, &names, st, &w);
	free(st);
	list_fini(&names);
	return err;
}

/* --- the command ---------------------------------------------------------- */

static int
list_file(struct ls *ls, struct bytes key)
{
	struct widths w = {0};
	struct tree_place at;
	struct stat st;
	int err = tree_find(ls->t, key, &at);

	if (err != 0)
		return err;
	err = ls->t->ops->stat(ls->t, at, &st);
	if (err == 0) /* the whole key is shown, as it was given */
		err = buf_append(&ls->path, key.data, key.size - at.name.size);
	if (err == 0) {
		measure(&st, &w);
		err = print_line(ls, at, st.st_mode, &st, &w);
	}
	ls->t->ops->dir_close(ls->t, at.dir);
	return err;
}

static int
list_key(struct ls *ls, struct bytes key)
{
	tree_handle dir;
	int err = tree_find_dir(ls->t, key, &dir);

	if (err == -ENOTDIR)
		return list_file(ls, key);
	if (err != 0)
		return err;
	if (ls->recursive && key.size > 0) {
		err = buf_append_bytes(&ls->path, key);
		if (err == 0)
			err = buf_append_u8(&ls->path, '/');
	}
	if (err == 0)
		err = list_dir(ls, dir);
	ls->t->ops->dir_close(ls->t, dir);
	return err;
}

static int
run_ls(struct ls *ls, struct tree *open, const char *store, const char *key)
{
	struct bytes k = key ? bytes_str(key) : bytes_of("", 0);
	int status = key ? answer_check_key(store, key) : COMMAND_DONE;
	int err;

	if (status == COMMAND_DONE)
		status = tree_enter(open, store, TREE_READ, &ls->t);
	if (status != COMMAND_DONE)
		return status;
	answer_begin();
	err = list_key(ls, k);
	if (err != 0 && answer_goes_on())
		status = answer_error(store, key ? k : bytes_str("."), err);
	buf_fini(&ls->path);
	return answer_end(tree_leave(open, ls->t, status));
}

static int
run(struct tree *open, int argc, char **argv)
{
	struct ls ls = {0};
	const char *store;
	int c;

	optind = 0;
	while ((c = getopt(argc, argv, "lR")) != -1) {
		if (c == '?')
			return command_usage(&cmd_ls);
		ls.with_attr |= c == 'l';
		ls.recursive |= c == 'R';
	}
	store = open ? open->path : argv[optind];
	if (!open)
		optind++;
	if (argc - optind < 0 || argc - optind > 1)
		return command_usage(&cmd_ls);
	return run_ls(
	    &ls, open, store, argc - optind == 1 ? argv[optind] : NULL);
}

const struct command cmd_ls = {
    .name = "ls",
    .args = "STORE [KEY] [-l] [-R]",
    .summary = "Lists a directory of keys",
    .help = "Names in the order of their bytes, directories with '/'.\n\n"
	    "  -l  with mode, links, owner, group, size and time\n"
	    "  -R  with everything below, as full keys\n",
    .run_on = run,
};
