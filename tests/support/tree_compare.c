#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "tests/support/tree.h"

struct report {
	char *text;
	size_t size;
};

__attribute__((format(printf, 3, 4))) static bool
differs(const struct report *r, const char *path, const char *fmt, ...)
{
	char what[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	snprintf(r->text, r->size, "%s: %s", path, what);
	return false;
}

static bool
same_bytes(const struct tree_data *want, const uint8_t *got, size_t size,
    const char *path, const struct report *r)
{
	size_t i = 0;

	if (size != want->size)
		return differs(r, path, "%zu bytes, not %zu", size, want->size);
	while (i < size && got[i] == want->bytes[i])
		i++;
	if (i < size)
		return differs(r, path, "byte %zu of %zu is 0x%02x, not 0x%02x",
		    i, size, got[i], want->bytes[i]);
	return true;
}

static bool
same_file(const struct tree *t, const char *path, const struct report *r)
{
	uint8_t *got = malloc(t->content.size + 2);
	size_t done = 0;
	ssize_t n = 0;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	bool same;

	if (!got)
		abort();
	while (fd >= 0 && done <= t->content.size &&
	       (n = read(fd, got + done, t->content.size + 1 - done)) > 0)
		done += (size_t)n;
	if (fd < 0 || n < 0)
		same = differs(r, path, "read: %s", strerror(errno));
	else
		same = same_bytes(&t->content, got, done, path, r);
	if (fd >= 0)
		close(fd);
	free(got);
	return same;
}

static bool
same_link(const struct tree *t, const char *path, const struct report *r)
{
	uint8_t got[PATH_MAX];
	ssize_t n = readlink(path, (char *)got, sizeof(got));

	if (n < 0)
		return differs(r, path, "readlink: %s", strerror(errno));
	return same_bytes(&t->content, got, (size_t)n, path, r);
}

static bool
same_xattr(const struct tree *t, const char *path, const struct report *r)
{
	static uint8_t got[65536];
	ssize_t n = lgetxattr(path, TREE_XATTR, got, sizeof(got));

	if (n < 0 && errno != ENODATA && errno != EOPNOTSUPP)
		return differs(r, path, "getxattr: %s", strerror(errno));
	if (n < 0 && t->xattr.bytes)
		return differs(r, path, "has no xattr");
	if (n < 0)
		return true;
	if (!t->xattr.bytes)
		return differs(r, path, "has an xattr");
	return same_bytes(&t->xattr, got, (size_t)n, path, r);
}

static bool
is_expected(const struct tree *t, const char *name)
{
	for (const struct tree *n = t->first; n; n = n->next)
		if (strcmp(n->name, name) == 0)
			return true;
	return false;
}

/* No names but those expected; those that are missing show later. */
static bool
same_names(const struct tree *t, const char *path, const struct report *r)
{
	DIR *d = opendir(path);
	struct dirent *e;
	bool same = true;

	if (!d)
		return differs(r, path, "opendir: %s", strerror(errno));
	while (same && (e = readdir(d)))
		if (strcmp(e->d_name, ".") != 0 &&
		    strcmp(e->d_name, "..") != 0 && !is_expected(t, e->d_name))
			same = differs(r, path, "holds %s, too", e->d_name);
	closedir(d);
	return same;
}

static bool
same_directory(const struct tree *t, const char *path, const struct stat *st,
    const struct report *r)
{
	nlink_t links = 2;
	char child[PATH_MAX];

	if (!same_names(t, path, r))
		return false;
	for (const struct tree *n = t->first; n; n = n->next) {
		int len =
		    snprintf(child, sizeof(child), "%s/%s", path, n->name);

		if (len >= (int)sizeof(child))
			abort();
		if (!tree_compare(n, child, r->text, r->size))
			return false;
		links += S_ISDIR(n->mode);
	}
	if (st->st_nlink != links)
		return differs(r, path, "has %lu links, not %lu",
		    (unsigned long)st->st_nlink, (unsigned long)links);
	return true;
}

bool
tree_compare(const struct tree *t, const char *path, char *why, size_t why_size)
{
	const struct report r = {why, why_size};
	struct stat st;

	if (lstat(path, &st) != 0)
		return differs(&r, path, "%s", strerror(errno));
	if (st.st_mode != t->mode)
		return differs(
		    &r, path, "mode %o, not %o", st.st_mode, t->mode);
	if (!same_xattr(t, path, &r))
		return false;
	if (S_ISDIR(t->mode))
		return same_directory(t, path, &st, &r);
	if (st.st_nlink != 1)
		return differs(&r, path, "has %lu links, not 1",
		    (unsigned long)st.st_nlink);
	if (!S_ISFIFO(t->mode) && (size_t)st.st_size != t->content.size)
		return differs(&r, path, "size %lld, not %zu",
		    (long long)st.st_size, t->content.size);
	if (S_ISLNK(t->mode))
		return same_link(t, path, &r);
	return !S_ISREG(t->mode) || same_file(t, path, &r);
}
