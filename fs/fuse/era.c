#include "fs/fuse/era.h"

#include <linux/fuse.h>
#include <string.h>
#include <unistd.h>

#include "fs/fuse/reply.h"

/* Newer than the headers that we are built with. */
#define COPY_FILE_RANGE_64 53

#define BODY sizeof(struct fuse_in_header)

static uint64_t
era_load(const uint8_t *p)
{
	uint64_t node;

	memcpy(&node, p, sizeof(node));
	return node;
}

/* Makes the node id an inode number; false: it is another era's. */
static bool
era_strip(uint64_t era, uint8_t *p)
{
	uint64_t node = era_load(p);

	if (node <= VOL_INO_ROOT || node >= VOL_INO_CONTROL)
		return true;
	if (node >> ERA_SHIFT != era)
		return false;
	node &= VOL_INO_MAX - 1;
	memcpy(p, &node, sizeof(node));
	return true;
}

/* Where a request has a second node; 0: it has none. */
static size_t
era_second(uint32_t opcode)
{
	switch (opcode) {
	case FUSE_RENAME:
		return BODY + offsetof(struct fuse_rename_in, newdir);
	case FUSE_RENAME2:
		return BODY + offsetof(struct fuse_rename2_in, newdir);
	case FUSE_LINK:
		return BODY + offsetof(struct fuse_link_in, oldnodeid);
	case FUSE_COPY_FILE_RANGE:
	case COPY_FILE_RANGE_64:
		return BODY +
		       offsetof(struct fuse_copy_file_range_in, nodeid_out);
	default:
		return 0;
	}
}

/* Leaves the nodes of this era in the list. */
static enum era_verdict
era_take_forgets(uint64_t era, uint8_t *request, size_t size)
{
	struct fuse_batch_forget_in in;
	const size_t each = sizeof(struct fuse_forget_one);
	uint8_t *list = request + BODY + sizeof(in);
	uint32_t kept = 0;

	if (size < BODY + sizeof(in))
		return ERA_DROP;
	memcpy(&in, request + BODY, sizeof(in));
	if (in.count > (size - BODY - sizeof(in)) / each)
		return ERA_DROP;
	for (uint32_t i = 0; i < in.count; i++) {
		uint8_t *one = list + i * each;

		if (era_strip(
			era, one + offsetof(struct fuse_forget_one, nodeid)))
			memmove(list + kept++ * each, one, each);
	}
	in.count = kept;
	memcpy(request + BODY, &in, sizeof(in));
	return kept > 0 ? ERA_SERVE : ERA_DROP;
}

/* A request for a node of an old era. */
static enum era_verdict
era_take_old(uint32_t opcode, uint8_t *node)
{
	uint64_t ino = era_load(node) & (VOL_INO_MAX - 1);

	if (opcode == FUSE_FORGET)
		return ERA_DROP;
	if (opcode != FUSE_RELEASE && opcode != FUSE_RELEASEDIR)
		return ERA_REFUSE;
	/* What was opened is to be freed, whatever has become of the node. */
	memcpy(node, &ino, sizeof(ino));
	return ERA_SERVE;
}

enum era_verdict
era_take(uint64_t era, void *request, size_t size)
{
	uint8_t *p = request;
	uint8_t *node = p + offsetof(struct fuse_in_header, nodeid);
	struct fuse_in_header in;
	size_t second;

	/* One without a whole header is the library's business. */
	if (era == 0 || size < sizeof(in))
		return ERA_SERVE;
	memcpy(&in, p, sizeof(in));
	if (in.opcode == FUSE_BATCH_FORGET)
		return era_take_forgets(era, p, size);
	if (!era_strip(era, node))
		return era_take_old(in.opcode, node);
	second = era_second(in.opcode);
	if (second == 0)
		return ERA_SERVE;
	if (size < second + sizeof(uint64_t) || !era_strip(era, p + second))
		return ERA_REFUSE;
	return ERA_SERVE;
}

void
era_refuse(struct fuse_session *se, const void *request)
{
	struct fuse_in_header in;
	struct fuse_out_header out = {.len = sizeof(out), .error = -EIO};
	ssize_t n;

	memcpy(&in, request, sizeof(in));
	out.unique = in.unique;
	n = write(fuse_session_fd(se), &out, sizeof(out));
	(void)n; /* whoever asked may have been killed */
}
