/*
 * served: what a request's handler knows of its session.
 *
 * It is libfuse's user data; ops.h and reply.c take it from the request.
 */
#ifndef FS_FUSE_SERVED_H
#define FS_FUSE_SERVED_H

#include "fs/vol/vol.h"

struct cut;

struct served {
	/* constant after session_open */
	struct vol *vol;
	struct cut *cut; /* NULL: there are no power cuts */
	bool fsync_ignored;
	bool closes_tell; /* of failures in the background: FLUSH is served */

	/* constant after the kernel's first request */
	bool has_epochs; /* the kernel knows the notice for all dentries */

	/* changes while no request is in work */
	uint64_t era; /* era.h */
};

#endif
