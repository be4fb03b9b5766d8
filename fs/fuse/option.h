/*
 * option: the text behind -o, taken apart.
 *
 * What the kernel and mount(8) know is passed on or dropped as usual; what is
 * ours is checked here.  Errors: -EINVAL, with the reason in `why`: which
 * option, and what is allowed.
 */
#ifndef FS_FUSE_OPTION_H
#define FS_FUSE_OPTION_H

#include "engine/base/buf.h"
#include "fs/vol/vol.h"

struct option {
	struct buf kernel; /* for struct session_options, NUL-terminated */
	/* durability=POLICY, batch_ops=N, batch_ms=N, adaptive_ms=N; if none
	 * was given it is not valid (durability_valid) */
	struct durability durability;
	bool sync;               /* sync, dirsync: durability=sync, set by */
	bool dirsync;            /* option_check */
	bool read_only;          /* ro */
	uint64_t cache_bytes;    /* cache=BYTES; 0: default */
	uint64_t memtable_bytes; /* memtable=BYTES */
	uint32_t block_bytes;    /* block=BYTES, for a new store */
	uint32_t inline_bytes;   /* inline=BYTES, for a new store */
	bool lab;                /* lab: power cuts on demand */
	bool fsync_ignored;      /* fsync=ignore */
	uint32_t sync_delay_ms;  /* sync_delay=MS; 0: none */
};

/* Adds the comma-separated text to o, which is zeroed or was filled before. */
int option_parse(struct option *o, const char *text, struct buf *why);

/* After the last text: do they go together?  Sets the policy that follows from
 * others.  Errors as option_parse. */
int option_check(struct option *o, struct buf *why);
void option_fini(struct option *o);

/* One line per option, for --help. */
const char *option_help(void);

#endif
