#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "fs/cli/answer.h"
#include "fs/cli/attr_text.h"
#include "fs/cli/commands.h"
#include "fs/cli/key_arg.h"
#include "fs/cli/report.h"
#include "fs/cli/text.h"
#include "fs/cli/tree.h"

struct scan {
	struct tree *t;
	struct bytes prefix;
	struct bytes from;
	struct bytes to; /* data NULL: no end */
	uint64_t left;   /* lines that may still be printed */
	bool values;
	bool json;

	struct buf path; /* where the walk is; a directory's ends in '/' */
	struct buf value;
};

/* --- one line ------------------------------------------------------------- */

static int
take_value(void *ctx, struct bytes chunk)
{
	return buf_append_bytes(ctx, chunk);
}

/* A link's value is its target; what is neither file nor link has none. */
static int
load_value(struct scan *s, struct tree_place at, mode_t type)
{
	buf_clear(&s->value);
	if (S_ISREG(type))
		return tree_read(s->t, at, take_value, &s->value);
	if (S_ISLNK(type))
		return s->t->ops->readlink(s->t, at, &s->value);
	return 0;
}

static void
print_json(const struct scan *s, mode_t type)
{
	bool has_value = S_ISREG(type) || S_ISLNK(type);

	putchar('{');
	text_put_json(stdout, "key", buf_bytes(&s->path));
	printf(",\"type\":\"%s\"", attr_text_type(type));
	if (s->values && has_value) {
		putchar(',');
		text_put_json(stdout, S_ISLNK(type) ? "target" : "value",
		    buf_bytes(&s->value));
	}
	printf("}\n");
}

static void
print_text(const struct scan *s)
{
	if (s->values) {
		/* Escaped, so that the tab is where the key ends. */
		text_put_escaped(stdout, buf_bytes(&s->path));
		putchar('\t');
		text_put_escaped(stdout, buf_bytes(&s->value));
	} else {
		text_put_name(stdout, buf_bytes(&s->path));
	}
	putchar('\n');
}

/* 1: that was the last line that was asked for. */
static int
print(struct scan *s, struct tree_place at, mode_t type)
{
	int err = s->values ? load_value(s, at, type) : 0;

	if (err != 0)
		return err == -ENOENT ? 0 : err; /* it has gone meanwhile */
	if (s->json)
		print_json(s, type);
	else
		print_text(s);
	if (!answer_goes_on())
		return -EPIPE;
	return --s->left == 0;
}

/* --- the walk ------------------------------------------------------------- */

/* May the directory at s->path have keys that are wanted? */
static bool
wants_dir(const struct scan *s)
{
	struct bytes path = buf_bytes(&s->path);

	if (bytes_cmp(path, s->from) < 0 && !bytes_has_prefix(s->from, path))
		return false;
	return bytes_has_prefix(path, s->prefix) ||
	       bytes_has_prefix(s->prefix, path);
}

static bool
wants_key(const struct scan *s)
{
	struct bytes path = buf_bytes(&s->path);

	return bytes_cmp(path, s->from) >= 0 &&
	       bytes_has_prefix(path, s->prefix);
}

static int scan_dir(struct scan *s, tree_handle dir);

static int
scan_below(struct scan *s, struct tree_place at)
{
	tree_handle dir;
	int r = s->t->ops->dir_open(s->t, at, &dir);

	if (r != 0)
		return r == -ENOENT || r == -ENOTDIR ? 0 : r;
	r = scan_dir(s, dir);
	s->t->ops->dir_close(s->t, dir);
	return r;
}

/* s->path is that of the entry. */
static int
scan_entry(struct scan *s, struct tree_place at, mode_t type)
{
	if (s->to.data && bytes_cmp(buf_bytes(&s->path), s->to) >= 0)
		return 1;
	if (S_ISDIR(type))
		return wants_dir(s) ? scan_below(s, at) : 0;
	return wants_key(s) ? print(s, at, type) : 0;
}

/* 0, 1: nothing more is wanted, <0.  The order of the list is that of the
 * full paths. */
static int
scan_dir(struct scan *s, tree_handle dir)
{
	size_t size = s->path.size;
	struct list names = {0};
	int r = s->t->ops->list(s->t, dir, &names);

	list_sort(&names);
	for (size_t i = 0; r == 0 && i < names.count; i++) {
		struct tree_place at = {dir, list_name(&names, i)};
		mode_t type = list_type(&names, i);

		s->path.size = size;
		r = buf_append_bytes(&s->path, at.name);
		if (r == 0 && S_ISDIR(type))
			r = buf_append_u8(&s->path, '/');
		if (r == 0)
			r = scan_entry(s, at, type);
	}
	s->path.size = size;
	list_fini(&names);
	return r;
}

/* Begins in the directory that the prefix names. */
static int
scan(struct scan *s)
{
	struct bytes parent = key_arg_parent(s->prefix);
	tree_handle dir;
	int r = tree_find_dir(s->t, parent, &dir);

	if (r == -ENOENT || r == -ENOTDIR)
		return 0;
	if (r != 0)
		return r;
	if (parent.size > 0) {
		r = buf_append_bytes(&s->path, parent);
		if (r == 0)
			r = buf_append_u8(&s->path, '/');
	}
	if (r == 0 && s->left > 0)
		r = scan_dir(s, dir);
	s->t->ops->dir_close(s->t, dir);
	return r < 0 ? r : 0;
}

/* --- the command ---------------------------------------------------------- */

static bool
take_limit(struct scan *s, const char *text)
{
	char *end;

	errno = 0;
	s->left = strtoull(text, &end, 10);
	if (errno == 0 && end != text && *end == '\0' && text[0] != '-')
		return true;
	report(NULL, "--limit %s: is no number", text);
	return false;
}

static bool
parse(struct scan *s, int argc, char **argv)
{
	static const struct option options[] = {
	    {"from", required_argument, NULL, 'f'},
	    {"to", required_argument, NULL, 't'},
	    {"limit", required_argument, NULL, 'n'},
	    {"values", no_argument, NULL, 'v'},
	    {"json", no_argument, NULL, 'j'},
	    {0},
	};
	int c;

	optind = 0;
	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (c == '?' || (c == 'n' && !take_limit(s, optarg)))
			return false;
		if (c == 'f')
			s->from = bytes_str(optarg);
		else if (c == 't')
			s->to = bytes_str(optarg);
		s->values |= c == 'v';
		s->json |= c == 'j';
	}
	return true;
}

static int
check_prefix(const char *store, struct bytes prefix)
{
	const char *wrong = key_arg_wrong_prefix(prefix);

	if (!wrong)
		return COMMAND_DONE;
	report(store, "\"%.*s\" is the beginning of no key: it %s",
	    (int)prefix.size, (const char *)prefix.data, wrong);
	return COMMAND_USAGE;
}

static int
run_scan(struct scan *s, struct tree *open, const char *store)
{
	int status = check_prefix(store, s->prefix);
	int err;

	if (status == COMMAND_DONE)
		status = tree_enter(open, store, TREE_READ, &s->t);
	if (status != COMMAND_DONE)
		return status;
	answer_begin();
	err = scan(s);
	if (err != 0 && answer_goes_on())
		status = answer_error(store, buf_bytes(&s->path), err);
	buf_fini(&s->path);
	buf_fini(&s->value);
	return answer_end(tree_leave(open, s->t, status));
}

static int
run(struct tree *open, int argc, char **argv)
{
	struct scan s = {
	    .left = UINT64_MAX,
	    .prefix = bytes_of("", 0),
	    .from = bytes_of("", 0),
	};
	const char *store;

	if (!parse(&s, argc, argv))
		return command_usage(&cmd_scan);
	store = open ? open->path : argv[optind];
	if (!open)
		optind++;
	if (argc - optind < 0 || argc - optind > 1)
		return command_usage(&cmd_scan);
	if (argc - optind == 1)
		s.prefix = bytes_str(argv[optind]);
	return run_scan(&s, open, store);
}

const struct command cmd_scan = {
    .name = "scan",
    .args = "STORE [PREFIX] [--from K] [--to K] [--limit N] [--values] "
	    "[--json]",
    .summary = "Lists the keys that begin with PREFIX, in order",
    .help = "All keys that are no directories, in the order of their "
	    "bytes.\n\n"
	    "  --from K   from K on\n"
	    "  --to K     up to K, without it\n"
	    "  --limit N  the first N of them\n"
	    "  --values   with their values: a tab, then the value; control\n"
	    "             characters, backslashes and what is not UTF-8 are "
	    "escaped\n"
	    "  --json     one object per line; what is not UTF-8 is in\n"
	    "             key_base64, value_base64\n",
    .run_on = run,
};
