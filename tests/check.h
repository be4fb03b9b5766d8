/*
 * check: what every test needs on top of cmocka.
 *
 * Use: include this instead of cmocka's headers; cases are
 * `static void module__behaviour(void **state)`, run by
 * cmocka_run_group_tests.  The checks print the call and the values, with
 * error numbers by name, and end the case.
 * Threads: checks belong to the test's own thread; in another one a failed
 * check ends the program (which counts as a failure).
 */
#ifndef TESTS_CHECK_H
#define TESTS_CHECK_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/base/bytes.h"

/* Macros of cmocka with names that others need. */
#undef fail
#undef skip

/* expr is 0; on failure its text and the error's name are printed. */
#define check_ok(expr) check_ok_at((int64_t)(expr), #expr, __FILE__, __LINE__)

/* expr is this error, e.g. check_err(env_unlink(e, p), -ENOENT). */
#define check_err(expr, err) \
	check_err_at((int64_t)(expr), (err), #expr, __FILE__, __LINE__)

#define check_true(cond) check_true_at((cond), #cond, __FILE__, __LINE__)
#define check_false(cond) \
	check_true_at(!(cond), "not " #cond, __FILE__, __LINE__)

/* Integers of any width; the value found first, the value expected last. */
#define check_eq(a, b) \
	check_eq_at((uint64_t)(a), (uint64_t)(b), #a, #b, __FILE__, __LINE__)
#define check_ne(a, b) \
	check_ne_at((uint64_t)(a), (uint64_t)(b), #a, #b, __FILE__, __LINE__)
/* a <= b, unsigned. */
#define check_le(a, b) \
	check_le_at((uint64_t)(a), (uint64_t)(b), #a, #b, __FILE__, __LINE__)

#define check_str(a, b)      check_str_at((a), (b), #a, __FILE__, __LINE__)
#define check_bytes_eq(a, b) check_bytes_eq_at((a), (b), #a, __FILE__, __LINE__)
/* The text `part` occurs in the string `whole`. */
#define check_contains(whole, part) \
	check_contains_at((whole), (part), #whole, __FILE__, __LINE__)

/* Fails, or skips, with a message. */
#define check_fail(...) check_fail_at(__FILE__, __LINE__, __VA_ARGS__)
#define check_skip(...) check_skip_at(__FILE__, __LINE__, __VA_ARGS__)

/* The number from SEED=, else a new one; printed, so that a run repeats. */
uint64_t check_seed(void);

/* True when long runs are wanted (`make check-long`). */
bool check_long(void);

/* splitmix64: small, and the same everywhere. */
struct check_rand {
	uint64_t state;
};

struct check_rand check_rand_of(uint64_t seed);
uint64_t check_rand(struct check_rand *r);
/* Below n; n > 0. */
uint64_t check_rand_below(struct check_rand *r, uint64_t n);
/* True once in n times on average. */
bool check_rand_one_in(struct check_rand *r, uint64_t n);
void check_rand_fill(struct check_rand *r, void *data, size_t size);

/*
 * A new directory below TMPDIR.  The path stays valid, and what is left of
 * the directory is removed, when the program ends.
 */
const char *check_tmpdir(void);

/* Removes a tree without leaving its filesystem; a missing one is fine. */
void check_rmtree(const char *path);

/* What the macros call. */
void check_ok_at(int64_t rc, const char *expr, const char *file, int line);
void check_err_at(
    int64_t rc, int64_t want, const char *expr, const char *file, int line);
void check_true_at(bool cond, const char *expr, const char *file, int line);
void check_eq_at(uint64_t a, uint64_t b, const char *a_expr, const char *b_expr,
    const char *file, int line);
void check_ne_at(uint64_t a, uint64_t b, const char *a_expr, const char *b_expr,
    const char *file, int line);
void check_le_at(uint64_t a, uint64_t b, const char *a_expr, const char *b_expr,
    const char *file, int line);
void check_str_at(const char *a, const char *b, const char *a_expr,
    const char *file, int line);
void check_bytes_eq_at(struct bytes a, struct bytes b, const char *a_expr,
    const char *file, int line);
void check_contains_at(const char *whole, const char *part,
    const char *whole_expr, const char *file, int line);
_Noreturn void check_fail_at(const char *file, int line, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
_Noreturn void check_skip_at(const char *file, int line, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

#endif
