#include "engine/os/filelock.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "engine/base/must.h"

/*
 * Open file description locks (F_OFD_*), not the older ones of a process:
 * those are lost as soon as any descriptor of the file is closed, by a peek
 * for instance, and let the same process in twice.  The kernel drops the lock
 * when the holder dies.  It does not know the holder's pid, so the text tells
 * it.  The file stays as long as its directory: an opener between open and
 * lock would hold a file that nobody else can see.
 */
#define FILELOCK_NOTE_MAX 4095
#define FILELOCK_HEAD_MAX 16 /* a pid and its newline */
#define FILELOCK_TEXT_MAX (FILELOCK_HEAD_MAX + FILELOCK_NOTE_MAX + 1)

struct filelock {
	int fd;
	size_t head; /* bytes of line 1; 0 if the disk had no room */
};

struct filelock_text {
	pid_t pid; /* 0: none given */
	char note[FILELOCK_NOTE_MAX + 1];
};

static struct flock
filelock_range(short type)
{
	return (struct flock){.l_type = type, .l_whence = SEEK_SET};
}

static int
filelock_write(int fd, const char *text, size_t size, size_t offset)
{
	while (size) {
		ssize_t n = pwrite(fd, text, size, (off_t)offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -EIO;
		text += n;
		size -= (size_t)n;
		offset += (size_t)n;
	}
	return 0;
}

/* Reads at most max bytes from the front; the rest does not matter. */
static int
filelock_read(int fd, char *text, size_t max, size_t *size)
{
	size_t done = 0;

	while (done < max) {
		ssize_t n = pread(fd, text + done, max - done, (off_t)done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		done += (size_t)n;
	}
	*size = done;
	return 0;
}

/* Lines count once their newline is there: a writer may be under way. */
static void
filelock_parse(char *text, struct filelock_text *out)
{
	char *line_2 = strchr(text, '\n');
	char *end;
	long pid;

	*out = (struct filelock_text){0};
	if (!line_2)
		return;
	*line_2++ = '\0';
	pid = strtol(text, &end, 10);
	if (end == text || *end || pid <= 0 || pid > INT32_MAX)
		return;
	out->pid = (pid_t)pid;
	end = strchr(line_2, '\n');
	if (!end || end - line_2 > FILELOCK_NOTE_MAX)
		return;
	*end = '\0';
	memcpy(out->note, line_2, (size_t)(end - line_2) + 1);
}

static int
filelock_read_text(int fd, struct filelock_text *out)
{
	char text[FILELOCK_TEXT_MAX + 1];
	size_t size = 0;
	int err = filelock_read(fd, text, FILELOCK_TEXT_MAX, &size);

	if (err)
		return err;
	text[size] = '\0';
	filelock_parse(text, out);
	return 0;
}

static bool
filelock_is_alive(pid_t pid)
{
	return pid > 0 && (kill(pid, 0) == 0 || errno != ESRCH);
}

/* Whether somebody else's descriptor holds the lock on fd's file. */
static int
filelock_is_held(int fd, bool *held)
{
	struct flock l = filelock_range(F_WRLCK);

	if (fcntl(fd, F_OFD_GETLK, &l) < 0)
		return -errno;
	*held = l.l_type != F_UNLCK;
	return 0;
}

/*
 * Reads who holds the file.  A new holder writes its pid after taking the
 * lock; for that moment the text is empty or names one who died, so look
 * again a few times before giving up (pid 0).
 */
static int
filelock_holder(int fd, bool *held, struct filelock_text *out)
{
	const struct timespec pause = {.tv_nsec = 2000000};
	int err = 0;

	for (int i = 0; i < 10; i++) {
		err = filelock_is_held(fd, held);
		if (err || !*held)
			return err;
		err = filelock_read_text(fd, out);
		if (err || filelock_is_alive(out->pid))
			return err;
		nanosleep(&pause, NULL);
	}
	*out = (struct filelock_text){0};
	return 0;
}

/* Takes the lock on an open file, or tells who has it. */
static int
filelock_take(int fd, pid_t *holder)
{
	struct flock l = filelock_range(F_WRLCK);
	struct filelock_text text = {0};
	bool held;

	if (fcntl(fd, F_OFD_SETLK, &l) == 0)
		return 0;
	if (errno != EAGAIN && errno != EACCES)
		return -errno;
	/* Not knowing the holder does not make the file less busy. */
	if (filelock_holder(fd, &held, &text) < 0)
		text.pid = 0;
	*holder = text.pid;
	return -EBUSY;
}

/* Line 1, and an empty note.  The caller holds the lock. */
static int
filelock_write_head(struct filelock *l)
{
	char text[FILELOCK_HEAD_MAX + 1];
	int n = snprintf(text, sizeof(text), "%ld\n\n", (long)getpid());
	int err;

	must(n > 0 && (size_t)n < sizeof(text));
	if (ftruncate(l->fd, 0) < 0)
		return -errno;
	err = filelock_write(l->fd, text, (size_t)n, 0);
	if (err == 0)
		l->head = (size_t)n - 1;
	/* A store on a full disk must open, or nothing could be deleted. */
	return err == -ENOSPC || err == -EDQUOT ? 0 : err;
}

int
filelock_acquire(const char *path, struct filelock **out, pid_t *holder)
{
	struct filelock *l = calloc(1, sizeof(*l));
	int err;

	if (!l)
		return -ENOMEM;
	l->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (l->fd < 0) {
		err = -errno;
		free(l);
		return err;
	}
	err = filelock_take(l->fd, holder);
	if (err == 0)
		err = filelock_write_head(l);
	if (err == 0) {
		*out = l;
		return 0;
	}
	close(l->fd);
	free(l);
	return err;
}

int
filelock_set_note(struct filelock *l, const char *note)
{
	char text[FILELOCK_NOTE_MAX + 2];
	size_t size = strlen(note);
	int err;

	if (size > FILELOCK_NOTE_MAX || strchr(note, '\n'))
		return -EINVAL;
	if (l->head == 0) {
		err = filelock_write_head(l);
		if (err || l->head == 0)
			return err ? err : -ENOSPC;
	}
	memcpy(text, note, size);
	text[size] = '\n';
	/* Cut first: a reader meanwhile sees no note rather than a mixture. */
	if (ftruncate(l->fd, (off_t)l->head) < 0)
		return -errno;
	return filelock_write(l->fd, text, size + 1, l->head);
}

void
filelock_release(struct filelock *l)
{
	if (!l)
		return;
	/* Best effort: whether it is held is for the kernel to say. */
	if (ftruncate(l->fd, 0) < 0)
		errno = 0;
	close(l->fd);
	free(l);
}

int
filelock_peek(const char *path, pid_t *holder, char *note, size_t note_size)
{
	struct filelock_text text = {0};
	bool held = false;
	int err = 0;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0 && errno != ENOENT)
		return -errno;
	if (fd >= 0) {
		err = filelock_holder(fd, &held, &text);
		close(fd);
	}
	if (err)
		return err;
	*holder = !held ? 0 : text.pid ? text.pid : FILELOCK_UNKNOWN;
	if (note_size)
		snprintf(note, note_size, "%s", held ? text.note : "");
	return 0;
}
