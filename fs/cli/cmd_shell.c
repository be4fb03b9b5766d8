#include <editline/readline.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fs/cli/answer.h"
#include "fs/cli/commands.h"
#include "fs/cli/report.h"
#include "fs/cli/tree.h"
#include "fs/cli/words.h"

/* --- what can be typed ---------------------------------------------------- */

/* On the hidden files, which both ways of a tree have. */
static int shell_stats(struct tree *t);
static int shell_compact(struct tree *t);
static int shell_help(struct tree *t);

struct verb {
	const char *name;
	const char *args;
	const struct command *command; /* or: */
	int (*run)(struct tree *t);    /* neither: quit */
};

static const struct verb verbs[] = {
    {"set", "KEY VALUE", &cmd_put, NULL},
    {"put", "KEY VALUE", &cmd_put, NULL},
    {"get", "KEY", &cmd_get, NULL},
    {"delete", "KEY... [-r]", &cmd_del, NULL},
    {"del", "KEY... [-r]", &cmd_del, NULL},
    {"list", "[KEY] [-l] [-R]", &cmd_ls, NULL},
    {"ls", "[KEY] [-l] [-R]", &cmd_ls, NULL},
    {"scan",
	"[PREFIX] [--from K] [--to K] [--limit N] [--values] "
	"[--json]",
	&cmd_scan, NULL},
    {"stat", "KEY", &cmd_stat, NULL},
    {"stats", "", NULL, shell_stats},
    {"compact", "", NULL, shell_compact},
    {"help", "", NULL, shell_help},
    {"quit", "", NULL, NULL},
    {"exit", "", NULL, NULL},
};

#define VERBS (sizeof(verbs) / sizeof(*verbs))

static const struct verb *
find_verb(const char *name)
{
	for (size_t i = 0; i < VERBS; i++)
		if (strcmp(verbs[i].name, name) == 0)
			return &verbs[i];
	return NULL;
}

static int
shell_help(struct tree *t)
{
	(void)t;
	for (size_t i = 0; i < VERBS; i++)
		printf("  %-8s %s\n", verbs[i].name, verbs[i].args);
	printf("Words with spaces go in quotes.\n");
	return answer_end(COMMAND_DONE);
}

static int
print(void *ctx, struct bytes chunk)
{
	(void)ctx;
	fwrite(chunk.data, 1, chunk.size, stdout);
	return 0;
}

static int
shell_stats(struct tree *t)
{
	const struct bytes key = bytes_str(".keyfs/stats");
	struct tree_place at;
	int err = tree_find(t, key, &at);

	if (err == 0) {
		err = tree_read(t, at, print, NULL);
		t->ops->dir_close(t, at.dir);
	}
	return answer_end(err ? answer_error(t->path, key, err) : 0);
}

static int
write_word(struct tree *t, struct tree_place at, const char *word)
{
	tree_handle file;
	int err = t->ops->file_open(t, at, true, &file);
	int closed;

	if (err != 0)
		return err;
	err = t->ops->file_write(t, file, 0, bytes_str(word));
	closed = t->ops->file_close(t, file);
	return err ? err : closed;
}

static int
shell_compact(struct tree *t)
{
	const struct bytes key = bytes_str(".keyfs/compact");
	struct tree_place at;
	int err = tree_find(t, key, &at);

	if (err == 0) {
		err = write_word(t, at, "1\n");
		t->ops->dir_close(t, at.dir);
	}
	return err ? answer_error(t->path, key, err) : COMMAND_DONE;
}

/* --- one line ------------------------------------------------------------- */

/* The status of the command; *quit: it was the last one. */
static int
run_words(struct tree *t, const struct words *w, bool *quit)
{
	const struct verb *v = find_verb(w->argv[0]);

	if (!v) {
		report(NULL, "%s: no such command; see help", w->argv[0]);
		return COMMAND_USAGE;
	}
	if (v->command)
		return v->command->run_on(t, w->argc, w->argv);
	if (w->argc > 1) {
		report(NULL, "%s: takes no arguments", v->name);
		return COMMAND_USAGE;
	}
	if (v->run)
		return v->run(t);
	*quit = true;
	return COMMAND_DONE;
}

static int
run_line(struct tree *t, const char *line, bool *quit)
{
	struct words w;
	int status = COMMAND_DONE;
	int err = words_split(line, &w);

	if (err == -EINVAL) {
		report(NULL,
		    "a quote is not closed, or nothing follows a backslash: %s",
		    line);
		return COMMAND_USAGE;
	}
	if (err != 0)
		return report_errno(NULL, "reading the line", err);
	if (w.argc > 0)
		status = run_words(t, &w, quit);
	words_fini(&w);
	return status;
}

/* --- from a script -------------------------------------------------------- */

static int
run_script(struct tree *t)
{
	int status = COMMAND_DONE;
	char *line = NULL;
	size_t cap = 0;
	bool quit = false;

	errno = 0;
	while (!quit && answer_goes_on() && getline(&line, &cap, stdin) >= 0) {
		line[strcspn(line, "\n")] = '\0';
		if (run_line(t, line, &quit) != COMMAND_DONE)
			status = COMMAND_NO;
	}
	if (ferror(stdin))
		status = report_errno(NULL, "standard input", -errno);
	free(line);
	return answer_end(status);
}

/* --- from a person -------------------------------------------------------- */

static char *
next_verb(const char *text, int state)
{
	static size_t next;

	if (state == 0)
		next = 0;
	while (next < VERBS) {
		const char *name = verbs[next++].name;

		if (strncmp(name, text, strlen(text)) == 0)
			return strdup(name);
	}
	return NULL;
}

/* The first word is a command; nothing else is completed. */
static char **
complete(const char *text, int start, int end)
{
	(void)end;
	rl_attempted_completion_over = 1;
	return start == 0 ? rl_completion_matches(text, next_verb) : NULL;
}

static char prompt[] = "keyfs> ";
static char program[] = "keyfs";

static int
run_prompt(struct tree *t)
{
	bool quit = false;
	char *line;

	rl_readline_name = program;
	rl_attempted_completion_function = complete;
	rl_initialize();
	using_history();
	while (!quit && answer_goes_on() && (line = readline(prompt))) {
		if (*line)
			add_history(line);
		run_line(t, line, &quit); /* has said what was wrong */
		free(line);
	}
	if (!quit)
		putchar('\n');
	return answer_end(COMMAND_DONE);
}

static int
run(int argc, char **argv)
{
	struct tree *t;
	int status;

	if (argc != 2)
		return command_usage(&cmd_shell);
	status = tree_open(argv[1], TREE_WRITE, &t);
	if (status != COMMAND_DONE)
		return status;
	answer_begin();
	status = isatty(STDIN_FILENO) ? run_prompt(t) : run_script(t);
	return tree_leave(NULL, t, status);
}

const struct command cmd_shell = {
    .name = "shell",
    .args = "STORE",
    .summary = "A prompt for commands on one store",
    .help = "Type help at the prompt.  If standard input is no terminal, its "
	    "lines are run as a\nscript: errors do not end it, but make the "
	    "exit status 1.\n",
    .run = run,
};
