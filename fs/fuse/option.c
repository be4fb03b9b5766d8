#include "fs/fuse/option.h"

#include <libutil.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define SYNC_DELAY_MS_MAX 60000

/* Understood by the kernel or by libfuse's mount code. */
static const char *const kernel_options[] = {"rw", "suid", "nosuid", "dev",
    "nodev", "exec", "noexec", "async", "sync", "dirsync", "atime", "noatime",
    "diratime", "nodiratime", "relatime", "norelatime", "strictatime",
    "nostrictatime", "allow_other", "allow_root", "auto_unmount", NULL};

/* For mount(8) and fstab only; "x-..." likewise. */
static const char *const other_options[] = {"defaults", "auto", "noauto",
    "user", "nouser", "users", "owner", "group", "nofail", "_netdev", NULL};

const char *
option_help(void)
{
	return "  durability=POLICY     sync, batch, adaptive or none: when a\n"
	       "                        change is on stable storage (default\n"
	       "                        none: with the next fsync)\n"
	       "  sync, dirsync         durability=sync\n"
	       "  batch_ops=N           batch: after so many operations,\n"
	       "  batch_ms=N            or milliseconds (100 and 10)\n"
	       "  adaptive_ms=N         adaptive: after so many at most (10)\n"
	       "  ro                    no changes\n"
	       "  allow_other           other users may use the mount\n"
	       "  cache=BYTES           memory for table blocks (default 64M)\n"
	       "  memtable=BYTES        memory for new entries (default 16M)\n"
	       "  block=BYTES           block size of a store that is created\n"
	       "  inline=BYTES          files up to this size stand in their\n"
	       "                        directory entry (store creation)\n"
	       "  lab                   for experiments: power cuts on "
	       "demand,\n"
	       "                        see .keyfs/power-cut in the mount\n"
	       "  fsync=ignore          with lab: fsync does nothing\n"
	       "  sync_delay=MS         with lab: a slow disk, 1 to 60000\n"
	       "  and those of mount(8): rw, suid, dev, exec, noatime, ...\n";
}

static bool
is_one_of(struct bytes word, const char *const *list)
{
	for (; *list; list++)
		if (bytes_eq(word, bytes_str(*list)))
			return true;
	return false;
}

static int
add_kernel(struct option *o, struct bytes word)
{
	int err = 0;

	if (o->kernel.size > 0) {
		o->kernel.size--; /* the NUL */
		err = buf_append_u8(&o->kernel, ',');
	}
	if (err == 0)
		err = buf_append_bytes(&o->kernel, word);
	if (err == 0)
		err = buf_append_u8(&o->kernel, 0);
	return err;
}

static int
refuse(struct buf *why, struct bytes word, const char *what)
{
	buf_printf(
	    why, "mount option \"%.*s\": %s", (int)word.size, word.data, what);
	return -EINVAL;
}

static int
parse_durability(struct option *o, struct bytes word, struct buf *why)
{
	char text[DURABILITY_ERROR_MAX];
	struct durability d = o->durability;
	int err;

	if (!durability_valid(&d))
		d = durability_of(DURABILITY_NONE);
	err = durability_parse(word, &d, text);
	if (err)
		return refuse(why, word, text);
	o->durability = d;
	return 0;
}

/* A size as people write it ("64M"), within limits. */
static int
set_size(struct bytes value, uint64_t min, uint64_t max, uint64_t *out)
{
	char text[32];
	uint64_t n;

	if (value.size == 0 || value.size >= sizeof(text))
		return -EINVAL;
	memcpy(text, value.data, value.size);
	text[value.size] = 0;
	if (text[0] < '0' || text[0] > '9' || expand_number(text, &n) != 0 ||
	    n < min || n > max)
		return -EINVAL;
	*out = n;
	return 0;
}

static int
set_size32(struct bytes value, uint64_t min, uint64_t max, uint32_t *out)
{
	uint64_t n = 0;
	int err = set_size(value, min, max, &n);

	if (err == 0)
		*out = (uint32_t)n;
	return err;
}

static bool
take_value(struct bytes word, const char *name, struct bytes *value)
{
	struct bytes n = bytes_str(name);

	if (!bytes_has_prefix(word, n))
		return false;
	*value = bytes_of(word.data + n.size, word.size - n.size);
	return true;
}

static int
parse_block(
    struct option *o, struct bytes value, struct bytes word, struct buf *why)
{
	uint32_t n = 0;

	if (set_size32(value, 4096, 1u << 20, &n) != 0 || (n & (n - 1)) != 0)
		return refuse(why, word, "a power of two from 4K to 1M");
	o->block_bytes = n;
	return 0;
}

static int
parse_sync_delay(
    struct option *o, struct bytes value, struct bytes word, struct buf *why)
{
	char text[16] = "";
	char *end = text;
	unsigned long n = 0;

	if (value.size > 0 && value.size < sizeof(text)) {
		memcpy(text, value.data, value.size);
		if (text[0] >= '0' && text[0] <= '9')
			n = strtoul(text, &end, 10);
	}
	if (n == 0 || n > SYNC_DELAY_MS_MAX || *end)
		return refuse(why, word, "milliseconds from 1 to 60000");
	o->sync_delay_ms = (uint32_t)n;
	return 0;
}

/* For experiments; *taken: it was one of these. */
static int
parse_lab(struct option *o, struct bytes word, struct buf *why, bool *taken)
{
	struct bytes value;

	*taken = true;
	if (bytes_eq(word, bytes_str("lab"))) {
		o->lab = true;
		return 0;
	}
	if (take_value(word, "fsync=", &value)) {
		if (!bytes_eq(value, bytes_str("ignore")))
			return refuse(why, word, "only fsync=ignore");
		o->fsync_ignored = true;
		return 0;
	}
	if (take_value(word, "sync_delay=", &value))
		return parse_sync_delay(o, value, word, why);
	*taken = false;
	return 0;
}

static int
parse_own(struct option *o, struct bytes word, struct buf *why)
{
	struct bytes value;

	if (take_value(word, "durability=", &value) ||
	    take_value(word, "batch_ops=", &value) ||
	    take_value(word, "batch_ms=", &value) ||
	    take_value(word, "adaptive_ms=", &value))
		return parse_durability(o, word, why);
	if (take_value(word, "cache=", &value))
		return set_size(value, 1u << 20, UINT64_C(1) << 40,
			   &o->cache_bytes) == 0
			   ? 0
			   : refuse(why, word, "a size from 1M to 1T");
	if (take_value(word, "memtable=", &value))
		return set_size(
			   value, 64u << 10, 1u << 30, &o->memtable_bytes) == 0
			   ? 0
			   : refuse(why, word, "a size from 64K to 1G");
	if (take_value(word, "block=", &value))
		return parse_block(o, value, word, why);
	if (take_value(word, "inline=", &value))
		return set_size32(value, 0, 1u << 20, &o->inline_bytes) == 0
			   ? 0
			   : refuse(why, word, "a size up to the block size");
	return refuse(why, word, "unknown; see keyfs mount --help");
}

/* The kernel makes "sync" an fsync after each write, and of "dirsync" nothing:
 * names are our business. */
static void
note_sync(struct option *o, struct bytes word)
{
	if (bytes_eq(word, bytes_str("sync")))
		o->sync = true;
	else if (bytes_eq(word, bytes_str("async")))
		o->sync = false;
	else if (bytes_eq(word, bytes_str("dirsync")))
		o->dirsync = true;
}

static int
parse_word(struct option *o, struct bytes word, struct buf *why)
{
	bool taken;
	int err;

	if (word.size == 0 || is_one_of(word, other_options) ||
	    bytes_has_prefix(word, bytes_str("x-")) ||
	    bytes_has_prefix(word, bytes_str("comment=")))
		return 0;
	if (bytes_eq(word, bytes_str("ro"))) {
		o->read_only = true;
		return add_kernel(o, word);
	}
	if (is_one_of(word, kernel_options)) {
		note_sync(o, word);
		return add_kernel(o, word);
	}
	err = parse_lab(o, word, why, &taken);
	return taken ? err : parse_own(o, word, why);
}

int
option_parse(struct option *o, const char *text, struct buf *why)
{
	while (*text) {
		size_t n = strcspn(text, ",");
		int err = parse_word(o, bytes_of(text, n), why);

		if (err != 0)
			return err;
		text += n;
		text += *text == ',';
	}
	return 0;
}

static int
check_policy(struct option *o, struct buf *why)
{
	const char *word = o->sync ? "sync" : o->dirsync ? "dirsync" : NULL;

	if (word && !durability_valid(&o->durability))
		o->durability = durability_of(DURABILITY_SYNC);
	if (!word || o->durability.policy == DURABILITY_SYNC)
		return 0;
	return refuse(why, bytes_str(word),
	    "it means durability=sync; leave out one of them");
}

int
option_check(struct option *o, struct buf *why)
{
	const char *word = o->fsync_ignored   ? "fsync=ignore"
			   : o->sync_delay_ms ? "sync_delay"
					      : NULL;
	int err = check_policy(o, why);

	if (err || o->lab || !word)
		return err;
	return refuse(why, bytes_str(word),
	    "for experiments only; it needs the option lab beside it");
}

void
option_fini(struct option *o)
{
	buf_fini(&o->kernel);
	*o = (struct option){0};
}
