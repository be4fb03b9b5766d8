#include "fs/cli/lab_mount.h"

#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/lsm.h"
#include "fs/cli/command.h"
#include "fs/cli/lab_clock.h"
#include "fs/cli/lab_file.h"
#include "fs/cli/mount_table.h"
#include "fs/cli/report.h"
#include "fs/fuse/session.h"

#define OPTIONS_MAX 512
/* After this the daemon is not going to end by itself. */
#define SWEEP_WAIT_MS 10000

extern char **environ;

/* --- starting programs -----------------------------------------------------
 */

/* `keyfs` with these words: this program itself. */
static int
run_keyfs(char *const *argv)
{
	char self[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	pid_t pid;
	int status, err;

	if (n < 0)
		return report_errno(NULL, "/proc/self/exe", -errno);
	self[n] = '\0';
	if (access(self, X_OK) != 0)
		snprintf(self, sizeof(self), "/proc/self/exe");
	err = posix_spawn(&pid, self, NULL, NULL, argv, environ);
	if (err != 0)
		return report_errno(self, "cannot be started", -err);
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return report_errno(self, "waiting", -errno);
	return WIFEXITED(status) ? WEXITSTATUS(status) : COMMAND_UNUSABLE;
}

static char *
word(const char *s)
{
	return (char *)(uintptr_t)s; /* argv is not written to */
}

/* "lab,durability=batch,batch_ops=100,batch_ms=10,..." */
static int
format_options(
    const struct lab_option *o, const struct durability *policy, char *text)
{
	char words[DURABILITY_TEXT_MAX];
	int n;

	durability_format(policy, words);
	for (char *p = words; *p; p++)
		*p = *p == ' ' ? ',' : *p;
	n = snprintf(text, OPTIONS_MAX, "lab,durability=%s", words);
	if (o->sync_delay_ms > 0)
		n += snprintf(text + n, (size_t)(OPTIONS_MAX - n),
		    ",sync_delay=%" PRIu64, o->sync_delay_ms);
	if (o->mount)
		n += snprintf(
		    text + n, (size_t)(OPTIONS_MAX - n), ",%s", o->mount);
	return n < OPTIONS_MAX ? 0 : -EINVAL;
}

/* --- mounting --------------------------------------------------------------
 */

int
lab_mount_name(struct lab_mount *m, const char *dir, const char *store)
{
	int s = snprintf(m->store, sizeof(m->store), "%s/%s", dir, store);
	int p = snprintf(m->point, sizeof(m->point), "%s/mnt", dir);

	/* Paths of files below it are made with a little more. */
	return s < PATH_MAX - 64 && p < PATH_MAX - 64 ? 0 : -ENAMETOOLONG;
}

int
lab_mount_open(const struct lab_mount *m, const struct lab_option *o,
    const struct durability *policy)
{
	char options[OPTIONS_MAX];
	char *argv[] = {word("keyfs"), word("mount"), word("-o"), options,
	    word(m->store), word(m->point), NULL};

	if (format_options(o, policy, options) != 0) {
		report(NULL, "the mount options are too long");
		return COMMAND_USAGE;
	}
	if (mkdir(m->point, 0755) != 0 && errno != EEXIST)
		return report_errno(m->point, "mkdir", -errno);
	return run_keyfs(argv);
}

int
lab_mount_close(const struct lab_mount *m)
{
	char *argv[] = {word("keyfs"), word("umount"), word(m->point), NULL};

	return run_keyfs(argv);
}

/* Its daemon has closed the store, or there is none. */
static bool
await_close(const struct lab_mount *m, pid_t *pid)
{
	char note[PATH_MAX];

	for (int i = 0; i < SWEEP_WAIT_MS; i++) {
		*pid = 0;
		if (lsm_holder(m->store, pid, note, sizeof(note)) != 0 ||
		    *pid == 0)
			return true;
		lab_clock_sleep(LAB_CLOCK_MS);
	}
	return false;
}

int
lab_mount_sweep(const struct lab_mount *m)
{
	pid_t pid;
	int err = 0;

	while (err == 0 && mount_table_find(m->point, NULL, 0))
		err = unmount_path(m->point, true);
	if (!await_close(m, &pid) && kill(pid, SIGKILL) == 0)
		await_close(m, &pid);
	return err;
}

/* --- control files ---------------------------------------------------------
 */

static int
open_control(const struct lab_mount *m, const char *name, int flags)
{
	char path[PATH_MAX + 32];

	snprintf(path, sizeof(path), "%s/.keyfs/%s", m->point, name);
	return open(path, flags | O_CLOEXEC);
}

static int
order(const struct lab_mount *m, const char *name, const char *text)
{
	int fd = open_control(m, name, O_WRONLY);
	int err = 0;

	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		err = -errno;
	if (fd >= 0)
		close(fd);
	if (err)
		report(m->point, ".keyfs/%s: %s", name, err_text(err));
	return err ? COMMAND_UNUSABLE : COMMAND_DONE;
}

int
lab_mount_sync(const struct lab_mount *m)
{
	return order(m, "sync", "1\n");
}

int
lab_mount_cut(const struct lab_mount *m, uint64_t after, uint64_t seed,
    enum lab_keep keep)
{
	char when[32] = "now";
	char text[128];

	if (after > 0)
		snprintf(when, sizeof(when), "after=%" PRIu64, after);
	snprintf(text, sizeof(text), "%s seed=%" PRIu64 " keep=%s\n", when,
	    seed, lab_option_keep_word(keep));
	return order(m, "power-cut", text);
}

/* The number behind the name at the beginning of a line. */
static bool
find_number(const struct buf *text, const char *name, uint64_t *out)
{
	size_t n = strlen(name);
	const char *p = (const char *)text->data;

	while (p) {
		if (strncmp(p, name, n) == 0 && p[n] == ' ') {
			*out = strtoull(p + n + 1, NULL, 10);
			return true;
		}
		p = strchr(p, '\n');
		p = p ? p + 1 : NULL;
	}
	return false;
}

/* -ENODATA: there is no such line. */
static int
try_number(const char *path, const char *name, uint64_t *out)
{
	struct buf text = {0};
	int err = lab_file_get(AT_FDCWD, path, &text);

	if (err == 0)
		err = buf_append_u8(&text, 0);
	if (err == 0 && !find_number(&text, name, out))
		err = -ENODATA;
	buf_fini(&text);
	return err;
}

static int
read_number(const struct lab_mount *m, const char *file, const char *name,
    uint64_t *out)
{
	char path[PATH_MAX + 32];
	int err = -EIO;

	snprintf(path, sizeof(path), "%s/.keyfs/%s", m->point, file);
	/* If the cut comes while it is open, it is one of the files that fail
	 * or are empty from then on. */
	for (int i = 0; (err == -EIO || err == -ENODATA) && i < 3; i++)
		err = try_number(path, name, out);
	if (err)
		report(path, "the line \"%s\": %s", name, err_text(err));
	return err ? COMMAND_UNUSABLE : COMMAND_DONE;
}

int
lab_mount_cuts(const struct lab_mount *m, uint64_t *out)
{
	return read_number(m, "power-cut", "cuts", out);
}

int
lab_mount_syncs(const struct lab_mount *m, uint64_t *out)
{
	return read_number(m, "durability", "syncs", out);
}
