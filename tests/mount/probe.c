/*
 * Can this process mount a FUSE filesystem here?  Exit status 0 says yes.
 * Knows nothing of keyfs, so that a broken keyfs fails its tests and only a
 * machine without FUSE skips them.
 */
#define FUSE_USE_VERSION 314
#include <fuse_lowlevel.h>
#include <stdio.h>

int
main(int argc, char **argv)
{
	static const struct fuse_lowlevel_ops ops;
	char name[] = "probe";
	char *fuse_argv[] = {name, NULL};
	struct fuse_args args = FUSE_ARGS_INIT(1, fuse_argv);
	struct fuse_session *se;
	int failed;

	if (argc != 2) {
		fprintf(stderr, "usage: probe DIRECTORY\n");
		return 2;
	}
	se = fuse_session_new(&args, &ops, sizeof(ops), NULL);
	/* It may have made a copy of its own. */
	fuse_opt_free_args(&args);
	if (!se)
		return 1;
	failed = fuse_session_mount(se, argv[1]);
	if (!failed)
		fuse_session_unmount(se);
	fuse_session_destroy(se);
	return failed ? 1 : 0;
}
