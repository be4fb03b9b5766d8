#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "fs/cli/command.h"
#include "fs/cli/report.h"

static int
help(FILE *out, int status)
{
	fprintf(out,
	    "usage: keyfs COMMAND [ARGUMENTS]\n\n"
	    "Files are keys, directories are key prefixes.  STORE is a store "
	    "directory,\nor the mount point of a mounted one.\n\n");
	for (size_t i = 0; command_table[i]; i++)
		fprintf(out, "  %-10s %s\n", command_table[i]->name,
		    command_table[i]->summary);
	fprintf(out,
	    "\nkeyfs COMMAND --help tells more; so does man keyfs.\n"
	    "Exit status: 0 done, 1 the answer is no, 2 wrong usage, 3 the "
	    "store could not be used.\n");
	return status;
}

/* mount(8) calls us as mount.keyfs: SOURCE TARGET [-sfnv] [-o options]. */
static bool
is_mount_helper(const char *argv0)
{
	const char *slash = strrchr(argv0, '/');
	const char *base = slash ? slash + 1 : argv0;

	return strcmp(base, "mount.keyfs") == 0 ||
	       strcmp(base, "mount.fuse.keyfs") == 0;
}

/* A table that was read keeps its descriptor; 1,024 are 16 GB of tables. */
static void
raise_open_files(void)
{
	struct rlimit r;

	if (getrlimit(RLIMIT_NOFILE, &r) != 0 || r.rlim_cur == r.rlim_max)
		return;
	r.rlim_cur = r.rlim_max;
	setrlimit(RLIMIT_NOFILE, &r);
}

/*
 * A store's files must not get the number of a standard descriptor that was
 * closed.  What is opened in its place fails as a closed one does: the input
 * cannot be read, the outputs cannot be written.
 */
static bool
keep_standard_descriptors(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
		int flags = fd == STDIN_FILENO ? O_WRONLY : O_RDONLY;

		if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", flags) != fd)
			return false;
	}
	return true;
}

int
main(int argc, char **argv)
{
	const struct command *c;

	if (!keep_standard_descriptors())
		return COMMAND_UNUSABLE;
	raise_open_files();
	if (is_mount_helper(argv[0]))
		return command_find("mount")->run(argc, argv);
	if (argc < 2)
		return help(stderr, COMMAND_USAGE);
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 ||
	    strcmp(argv[1], "help") == 0)
		return help(stdout, COMMAND_DONE);
	c = command_find(argv[1]);
	if (!c) {
		report(NULL, "%s: no such command; see keyfs --help", argv[1]);
		return COMMAND_USAGE;
	}
	if (argc > 2 && strcmp(argv[2], "--help") == 0)
		return command_help(c);
	return command_run(c, argc - 1, argv + 1);
}
