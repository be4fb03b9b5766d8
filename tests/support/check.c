#include "tests/check.h"

#include <errno.h>
#include <ftw.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <unistd.h>

/* One line at a time, so that a crash shows the case it happened in. */
__attribute__((constructor)) static void
check_start(void)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
}

void
check_fail_at(const char *file, int line, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	if (gettid() != getpid()) {
		/* cmocka's way out is a longjmp to the main thread's stack. */
		fprintf(stderr, "%s:%d: failed in a thread\n", file, line);
		abort();
	}
	_fail(file, line);
	abort();
}

void
check_skip_at(const char *file, int line, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	_skip(file, line);
	abort();
}

/* "-2 (-ENOENT)"; plain digits for what is not an error number. */
static const char *
err_name(int64_t rc, char text[static 64])
{
	const char *name = NULL;

	if (rc < 0 && rc >= -4095)
		name = strerrorname_np((int)-rc);
	if (name)
		snprintf(text, 64, "%" PRId64 " (-%s)", rc, name);
	else
		snprintf(text, 64, "%" PRId64, rc);
	return text;
}

/* Small numbers as they are, large ones also signed and in hex. */
static const char *
number(uint64_t v, char text[static 96])
{
	if (v < 1000000)
		snprintf(text, 96, "%" PRIu64, v);
	else if (v > (uint64_t)INT64_MAX)
		snprintf(text, 96, "%" PRId64 " (%" PRIu64 ", 0x%" PRIx64 ")",
		    (int64_t)v, v, v);
	else
		snprintf(text, 96, "%" PRIu64 " (0x%" PRIx64 ")", v, v);
	return text;
}

void
check_ok_at(int64_t rc, const char *expr, const char *file, int line)
{
	char text[64];

	if (rc != 0)
		check_fail_at(file, line, "%s\n  returned %s, not 0", expr,
		    err_name(rc, text));
}

void
check_err_at(
    int64_t rc, int64_t want, const char *expr, const char *file, int line)
{
	char got_text[64], want_text[64];

	if (rc != want)
		check_fail_at(file, line, "%s\n  returned %s, not %s", expr,
		    err_name(rc, got_text), err_name(want, want_text));
}

void
check_true_at(bool cond, const char *expr, const char *file, int line)
{
	if (!cond)
		check_fail_at(file, line, "%s\n  does not hold", expr);
}

void
check_eq_at(uint64_t a, uint64_t b, const char *a_expr, const char *b_expr,
    const char *file, int line)
{
	char a_text[96], b_text[96];

	if (a != b)
		check_fail_at(file, line, "%s\n  is %s, not %s = %s", a_expr,
		    number(a, a_text), b_expr, number(b, b_text));
}

void
check_ne_at(uint64_t a, uint64_t b, const char *a_expr, const char *b_expr,
    const char *file, int line)
{
	char text[96];

	if (a == b)
		check_fail_at(file, line, "%s\n  is %s, the same as %s", a_expr,
		    number(a, text), b_expr);
}

void
check_le_at(uint64_t a, uint64_t b, const char *a_expr, const char *b_expr,
    const char *file, int line)
{
	char a_text[96], b_text[96];

	if (a > b)
		check_fail_at(file, line, "%s\n  is %s, above %s = %s", a_expr,
		    number(a, a_text), b_expr, number(b, b_text));
}

void
check_str_at(const char *a, const char *b, const char *a_expr, const char *file,
    int line)
{
	bool same = a && b ? strcmp(a, b) == 0 : a == b;

	if (!same)
		check_fail_at(file, line, "%s\n  is  %s\n  not %s", a_expr,
		    a ? a : "(null)", b ? b : "(null)");
}

void
check_contains_at(const char *whole, const char *part, const char *whole_expr,
    const char *file, int line)
{
	if (!whole || !strstr(whole, part))
		check_fail_at(file, line, "%s\n  is  %s\n  without %s",
		    whole_expr, whole ? whole : "(null)", part);
}

/* At most 64 bytes from `from`, quoted as in C. */
static void
print_bytes(const char *what, struct bytes s, size_t from)
{
	size_t end = s.size - from > 64 ? from + 64 : s.size;

	fprintf(
	    stderr, "  %s %zu bytes, from byte %zu: \"", what, s.size, from);
	for (size_t i = from; i < end; i++) {
		uint8_t c = s.data[i];

		if (c == '"' || c == '\\')
			fprintf(stderr, "\\%c", c);
		else if (c >= 0x20 && c < 0x7f)
			fputc(c, stderr);
		else
			fprintf(stderr, "\\x%02x", c);
	}
	fprintf(stderr, "\"%s\n", end < s.size ? "..." : "");
}

void
check_bytes_eq_at(struct bytes a, struct bytes b, const char *a_expr,
    const char *file, int line)
{
	size_t at = 0, from;

	if (bytes_eq(a, b))
		return;
	while (at < a.size && at < b.size && a.data[at] == b.data[at])
		at++;
	from = at > 16 ? at - 16 : 0;
	print_bytes("is ", a, from);
	print_bytes("not", b, from);
	check_fail_at(file, line, "%s\n  differs at byte %zu", a_expr, at);
}

uint64_t
check_seed(void)
{
	const char *text = getenv("SEED");
	uint64_t seed;

	if (text && *text)
		seed = strtoull(text, NULL, 0);
	else if (getrandom(&seed, sizeof(seed), 0) != sizeof(seed))
		abort();
	else
		seed >>= 32; /* shorter to type, and enough */
	printf("SEED=%" PRIu64 "\n", seed);
	return seed;
}

bool
check_long(void)
{
	const char *text = getenv("LONG");

	return text && *text && strcmp(text, "0") != 0;
}

struct check_rand
check_rand_of(uint64_t seed)
{
	return (struct check_rand){seed};
}

/* Sebastiano Vigna's splitmix64, prng.di.unimi.it. */
uint64_t
check_rand(struct check_rand *r)
{
	uint64_t z = r->state += 0x9e3779b97f4a7c15;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
	return z ^ (z >> 31);
}

uint64_t
check_rand_below(struct check_rand *r, uint64_t n)
{
	return check_rand(r) % n;
}

bool
check_rand_one_in(struct check_rand *r, uint64_t n)
{
	return check_rand_below(r, n) == 0;
}

void
check_rand_fill(struct check_rand *r, void *data, size_t size)
{
	uint8_t *p = data;

	for (size_t i = 0; i < size; i++)
		p[i] = (uint8_t)check_rand(r);
}

struct tmpdir {
	struct tmpdir *next;
	char path[];
};

static struct tmpdir *tmpdirs;
static pid_t tmpdirs_pid;

/* A forked child that calls exit must leave them alone. */
static void
remove_tmpdirs(void)
{
	if (getpid() != tmpdirs_pid)
		return;
	for (struct tmpdir *t = tmpdirs; t; t = t->next)
		check_rmtree(t->path);
}

const char *
check_tmpdir(void)
{
	const char *parent = getenv("TMPDIR");
	static const char name[] = "/keyfs-test-XXXXXX";
	struct tmpdir *t;
	size_t size;

	if (!parent || !*parent)
		parent = "/tmp";
	size = strlen(parent) + sizeof(name);
	t = malloc(sizeof(*t) + size);
	if (!t)
		abort();
	snprintf(t->path, size, "%s%s", parent, name);
	if (!mkdtemp(t->path)) {
		perror(t->path);
		abort();
	}
	if (!tmpdirs) {
		tmpdirs_pid = getpid();
		atexit(remove_tmpdirs);
	}
	t->next = tmpdirs;
	tmpdirs = t;
	return t->path;
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)ftw;
	/* A directory without permissions is listed once it has them. */
	if (type == FTW_DNR && chmod(path, 0700) == 0)
		check_rmtree(path);
	else if (remove(path) != 0 && errno != ENOENT)
		perror(path);
	return 0;
}

void
check_rmtree(const char *path)
{
	nftw(path, remove_one, 32, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
}
