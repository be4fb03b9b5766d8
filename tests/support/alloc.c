#include "tests/support/alloc.h"

#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <zstd.h>
#include <zstd_errors.h>

static _Atomic uint64_t alloc_fails_at; /* 0: none */
static _Atomic uint64_t alloc_counted;
static _Atomic uint64_t alloc_failed;
static _Atomic int64_t alloc_held;
static _Atomic int alloc_mode;
static void (*_Atomic alloc_seen)(uint64_t n);

/* --- for the test --------------------------------------------------------- */

void
alloc_arm(uint64_t n, enum alloc_how how, void (*seen)(uint64_t n))
{
	alloc_seen = seen;
	alloc_counted = 0;
	alloc_failed = 0;
	alloc_mode = how;
	alloc_fails_at = n;
}

uint64_t
alloc_disarm(void)
{
	alloc_fails_at = 0;
	alloc_seen = NULL;
	return alloc_counted;
}

uint64_t
alloc_failures(void)
{
	return alloc_failed;
}

int64_t
alloc_live(void)
{
	return alloc_held;
}

/* --- for the engine ------------------------------------------------------- */

/* What the engine calls instead of the functions of these names. */
void *alloc_malloc(size_t size);
void *alloc_calloc(size_t count, size_t size);
void *alloc_realloc(void *p, size_t size);
void *alloc_reallocarray(void *p, size_t count, size_t size);
void *alloc_aligned_alloc(size_t alignment, size_t size);
int alloc_posix_memalign(void **out, size_t alignment, size_t size);
char *alloc_strdup(const char *s);
char *alloc_strndup(const char *s, size_t size);
int alloc_asprintf(char **out, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
int alloc_vasprintf(char **out, const char *format, va_list ap)
    __attribute__((format(printf, 2, 0)));
void alloc_free(void *p);
void *alloc_mmap(
    void *at, size_t size, int prot, int flags, int fd, off_t offset);
ZSTD_CCtx *alloc_ZSTD_createCCtx(void);
ZSTD_DCtx *alloc_ZSTD_createDCtx(void);
size_t alloc_ZSTD_compress2(
    ZSTD_CCtx *c, void *to, size_t to_size, const void *from, size_t from_size);
DIR *alloc_opendir(const char *path);
int alloc_pthread_create(
    pthread_t *out, const pthread_attr_t *a, void *(*run)(void *), void *arg);

/* A place for a breakpoint: who asks for the allocation that fails? */
static __attribute__((noinline)) bool
alloc_refuse(void)
{
	alloc_failed++;
	errno = ENOMEM;
	return true;
}

static bool
alloc_due(void)
{
	uint64_t n = ++alloc_counted;
	uint64_t at = alloc_fails_at;
	void (*seen)(uint64_t) = alloc_seen;

	if (seen)
		seen(n);
	if (at == 0 || n < at || (n > at && alloc_mode == ALLOC_ONCE))
		return false;
	return alloc_refuse();
}

static void *
alloc_hold(void *p)
{
	alloc_held += p != NULL;
	return p;
}

void *
alloc_malloc(size_t size)
{
	return alloc_due() ? NULL : alloc_hold(malloc(size));
}

void *
alloc_calloc(size_t count, size_t size)
{
	return alloc_due() ? NULL : alloc_hold(calloc(count, size));
}

void *
alloc_realloc(void *p, size_t size)
{
	void *moved;

	if (alloc_due())
		return NULL;
	moved = realloc(p, size);
	if (!p)
		alloc_hold(moved);
	return moved;
}

void *
alloc_reallocarray(void *p, size_t count, size_t size)
{
	size_t bytes;

	if (__builtin_mul_overflow(count, size, &bytes)) {
		errno = ENOMEM;
		return NULL;
	}
	return alloc_realloc(p, bytes);
}

void *
alloc_aligned_alloc(size_t alignment, size_t size)
{
	return alloc_due() ? NULL : alloc_hold(aligned_alloc(alignment, size));
}

int
alloc_posix_memalign(void **out, size_t alignment, size_t size)
{
	int err;

	if (alloc_due())
		return ENOMEM;
	err = posix_memalign(out, alignment, size);
	if (!err)
		alloc_hold(*out);
	return err;
}

char *
alloc_strdup(const char *s)
{
	return alloc_due() ? NULL : alloc_hold(strdup(s));
}

char *
alloc_strndup(const char *s, size_t size)
{
	return alloc_due() ? NULL : alloc_hold(strndup(s, size));
}

int
alloc_vasprintf(char **out, const char *format, va_list ap)
{
	int n;

	if (alloc_due())
		return -1;
	n = vasprintf(out, format, ap);
	if (n >= 0)
		alloc_hold(*out);
	return n;
}

int
alloc_asprintf(char **out, const char *format, ...)
{
	va_list ap;
	int n;

	va_start(ap, format);
	n = alloc_vasprintf(out, format, ap);
	va_end(ap);
	return n;
}

void
alloc_free(void *p)
{
	alloc_held -= p != NULL;
	free(p);
}

/* Not what replaces a mapping: the engine does that in a handler of signals. */
void *
alloc_mmap(void *at, size_t size, int prot, int flags, int fd, off_t offset)
{
	if (!(flags & MAP_FIXED) && alloc_due())
		return MAP_FAILED;
	return mmap(at, size, prot, flags, fd, offset);
}

DIR *
alloc_opendir(const char *path)
{
	return alloc_due() ? NULL : opendir(path);
}

int
alloc_pthread_create(
    pthread_t *out, const pthread_attr_t *a, void *(*run)(void *), void *arg)
{
	return alloc_due() ? EAGAIN : pthread_create(out, a, run, arg);
}

ZSTD_CCtx *
alloc_ZSTD_createCCtx(void)
{
	return alloc_due() ? NULL : ZSTD_createCCtx();
}

ZSTD_DCtx *
alloc_ZSTD_createDCtx(void)
{
	return alloc_due() ? NULL : ZSTD_createDCtx();
}

/* The first time it allocates its tables. */
size_t
alloc_ZSTD_compress2(
    ZSTD_CCtx *c, void *to, size_t to_size, const void *from, size_t from_size)
{
	if (alloc_due())
		return (size_t)-ZSTD_error_memory_allocation;
	return ZSTD_compress2(c, to, to_size, from, from_size);
}
