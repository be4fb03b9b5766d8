/*
 * forget: an env_forget over files in a new directory, and verbs on it.
 *
 * Use: forget_init ... forget_fini.  The base is an env_fault over POSIX files;
 * no device is synced.  Names are those of files in the directory.
 * Errors: what is not expected ends the case.
 */
#ifndef TESTS_SUPPORT_FORGET_H
#define TESTS_SUPPORT_FORGET_H

#include "engine/os/env_fault.h"
#include "engine/os/env_forget.h"
#include "tests/support/log.h"

struct forget {
	struct env posix;
	struct env_fault base;
	struct env_forget *forget;
	struct env *env; /* of forget */
	struct log log;
	char dir[256];
};

void forget_init(struct forget *f);
void forget_fini(struct forget *f);

/* A case that begins and ends with these; its *state is f. */
#define forget_case(test, f)                      \
	cmocka_unit_test_prestate_setup_teardown( \
	    test, forget_setup, forget_teardown, f)

int forget_setup(void **state);
int forget_teardown(void **state);

/* The env alone, as the death and the next start of a process. */
void forget_end(struct forget *f);
void forget_begin(struct forget *f);

/* One of four in turn. */
const char *forget_path(struct forget *f, const char *name);

/* For writing; creates it. */
struct env_file *forget_open(struct forget *f, const char *name);

void forget_put(struct forget *f, const char *name, const char *text);
void forget_put_at(
    struct forget *f, const char *name, const char *text, uint64_t offset);
void forget_cut_off(struct forget *f, const char *name, uint64_t size);
void forget_sync(struct forget *f, const char *name);
void forget_sync_names(struct forget *f);

/* A file that is wholly synced. */
void forget_put_synced(struct forget *f, const char *name, const char *text);

struct env_forget_report forget_restart(
    struct forget *f, enum env_forget_keep keep, uint64_t seed);
struct env_forget_report forget_lose_all(struct forget *f);

bool forget_has(struct forget *f, const char *name);
int forget_read(
    struct forget *f, const char *name, uint8_t **data, size_t *size);
void forget_check(struct forget *f, const char *name, const char *text);

/* The text of a small file, "-" if there is none; valid for two calls. */
const char *forget_text(struct forget *f, const char *name);

/* Names in the directory, as env shows them. */
unsigned forget_count(struct forget *f, struct env *env);

#endif
