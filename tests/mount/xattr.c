/*
 * xattr: a user xattr from a script, where setfattr(1) may be missing.
 *
 *	xattr set PATH NAME VALUE
 *	xattr get PATH NAME
 *	xattr remove PATH NAME
 *
 * Exit status: 0; 1 with the error's text on standard error; 2 wrong usage.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/xattr.h>

static int
get(const char *path, const char *name)
{
	char value[4096];
	ssize_t n = lgetxattr(path, name, value, sizeof(value));

	if (n >= 0)
		printf("%.*s\n", (int)n, value);
	return n < 0 ? -1 : 0;
}

int
main(int argc, char **argv)
{
	int rc;

	if (argc == 5 && strcmp(argv[1], "set") == 0)
		rc = lsetxattr(argv[2], argv[3], argv[4], strlen(argv[4]), 0);
	else if (argc == 4 && strcmp(argv[1], "get") == 0)
		rc = get(argv[2], argv[3]);
	else if (argc == 4 && strcmp(argv[1], "remove") == 0)
		rc = lremovexattr(argv[2], argv[3]);
	else
		return 2;
	if (rc != 0)
		fprintf(stderr, "%s: %s\n", argv[2], strerror(errno));
	return rc != 0;
}
