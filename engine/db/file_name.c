#include "engine/db/file_name.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/must.h"
#include "engine/os/env_forget.h"

#define DIGITS_MIN 6
#define TMP        ".tmp"

struct form {
	enum file_name_kind kind;
	const char *prefix;
	const char *suffix;
	bool numbered;
};

static const struct form forms[] = {
    {FILE_NAME_LOCK, "LOCK", "", false},
    {FILE_NAME_CURRENT, "CURRENT", "", false},
    {FILE_NAME_RESERVE, "RESERVE", "", false},
    {FILE_NAME_MANIFEST, "MANIFEST-", "", true},
    {FILE_NAME_LOG, "", ".log", true},
    {FILE_NAME_TABLE, "", ".sst", true},
    {FILE_NAME_VALUES, "", ".val", true},
};

#define FORMS (sizeof(forms) / sizeof(forms[0]))

static void
form_print(const struct form *f, uint64_t number, char name[FILE_NAME_SIZE])
{
	if (f->numbered)
		snprintf(name, FILE_NAME_SIZE, "%s%0*" PRIu64 "%s", f->prefix,
		    DIGITS_MIN, number, f->suffix);
	else
		snprintf(name, FILE_NAME_SIZE, "%s", f->prefix);
}

void
file_name_format(
    char name[FILE_NAME_SIZE], enum file_name_kind kind, uint64_t number)
{
	const struct form *f = NULL;

	for (size_t i = 0; i < FORMS; i++)
		if (forms[i].kind == kind)
			f = &forms[i];
	must(f);
	must(!f->numbered || (number > 0 && number <= FILE_NAME_NUMBER_MAX));
	form_print(f, number, name);
}

char *
file_name_path(const char *dir, enum file_name_kind kind, uint64_t number)
{
	char name[FILE_NAME_SIZE];
	char *path;

	file_name_format(name, kind, number);
	return asprintf(&path, "%s/%s", dir, name) < 0 ? NULL : path;
}

/* The digits s begins with, as far as they are a number a file can have; 0 if
 * they are none. */
static uint64_t
leading_number(const char *s)
{
	uint64_t n = 0;

	for (; *s >= '0' && *s <= '9'; s++) {
		n = n * 10 + (uint64_t)(*s - '0');
		if (n > FILE_NAME_NUMBER_MAX)
			return 0;
	}
	return n;
}

/*
 * Whether name is exactly what form_print writes: printing it again and
 * comparing leaves no second spelling of a number.
 */
static bool
form_matches(const struct form *f, const char *name, uint64_t *number)
{
	size_t prefix = strlen(f->prefix);
	char again[FILE_NAME_SIZE];

	if (strncmp(name, f->prefix, prefix) != 0)
		return false;
	*number = f->numbered ? leading_number(name + prefix) : 0;
	if (f->numbered && *number == 0)
		return false;
	form_print(f, *number, again);
	return strcmp(name, again) == 0;
}

/* The name of one of our files with .tmp behind it.  Not any name: a file that
 * somebody else left in the directory is not ours to remove. */
static bool
is_temporary(const char *name)
{
	size_t size = strlen(name), tmp = strlen(TMP);
	char stem[FILE_NAME_SIZE];
	uint64_t number;

	if (size <= tmp || size - tmp >= sizeof(stem) ||
	    strcmp(name + size - tmp, TMP) != 0)
		return false;
	memcpy(stem, name, size - tmp);
	stem[size - tmp] = '\0';
	for (size_t i = 0; i < FORMS; i++)
		if (form_matches(&forms[i], stem, &number))
			return true;
	return false;
}

/* What a lab was killed over (engine/os/env_forget.h). */
static bool
is_forgotten(const char *name)
{
	size_t prefix = strlen(ENV_FORGET_PREFIX);
	const char *digits = name + prefix;

	return strncmp(name, ENV_FORGET_PREFIX, prefix) == 0 && *digits &&
	       digits[strspn(digits, "0123456789")] == '\0';
}

enum file_name_kind
file_name_parse(const char *name, uint64_t *number)
{
	*number = 0;
	for (size_t i = 0; i < FORMS; i++)
		if (form_matches(&forms[i], name, number))
			return forms[i].kind;
	*number = 0;
	return is_temporary(name) || is_forgotten(name) ? FILE_NAME_TEMPORARY
							: FILE_NAME_OTHER;
}
