#include "engine/base/durability.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define TEXT_OF_(n) #n
#define TEXT_OF(n)  TEXT_OF_(n)
#define UP_TO_MS    "_ms=1.." TEXT_OF(DURABILITY_MS_MAX)
#define ALLOWED                                                 \
	"sync, batch, adaptive or none, batch_ops=1.." TEXT_OF( \
	    DURABILITY_OPS_MAX) ", batch" UP_TO_MS ", adaptive" UP_TO_MS

static const char *const words[] = {
    [DURABILITY_NONE] = "none",
    [DURABILITY_BATCH] = "batch",
    [DURABILITY_ADAPTIVE] = "adaptive",
    [DURABILITY_SYNC] = "sync",
};

#define WORDS (sizeof(words) / sizeof(words[0]))

struct parameter {
	const char *name;
	size_t offset; /* of a uint32_t in struct durability */
	uint32_t max;
};

static const struct parameter parameters[] = {
    {"batch_ops=", offsetof(struct durability, batch_ops), DURABILITY_OPS_MAX},
    {"batch_ms=", offsetof(struct durability, batch_ms), DURABILITY_MS_MAX},
    {"adaptive_ms=", offsetof(struct durability, adaptive_ms),
	DURABILITY_MS_MAX},
};

#define PARAMETERS (sizeof(parameters) / sizeof(parameters[0]))

struct durability
durability_of(enum durability_policy policy)
{
	return (struct durability){
	    .policy = policy,
	    .batch_ops = 100,
	    .batch_ms = 10,
	    .adaptive_ms = 10,
	};
}

static bool
in_range(uint64_t n, uint64_t max)
{
	return n >= 1 && n <= max;
}

bool
durability_valid(const struct durability *d)
{
	return (size_t)d->policy < WORDS &&
	       in_range(d->batch_ops, DURABILITY_OPS_MAX) &&
	       in_range(d->batch_ms, DURABILITY_MS_MAX) &&
	       in_range(d->adaptive_ms, DURABILITY_MS_MAX);
}

const char *
durability_word(enum durability_policy policy)
{
	return (size_t)policy < WORDS ? words[policy] : "unknown";
}

const char *
durability_allowed(void)
{
	return ALLOWED;
}

/* --- parsing ------------------------------------------------------------- */

/* Takes prefix off *b, if it begins so. */
static bool
strip(struct bytes *b, const char *prefix)
{
	size_t n = strlen(prefix);

	if (!bytes_has_prefix(*b, bytes_of(prefix, n)))
		return false;
	*b = bytes_of(b->data + n, b->size - n);
	return true;
}

/* A message shows so much of a word that is wrong, without what a terminal
 * would act on. */
static const char *
shown(struct bytes word, char *text, size_t size)
{
	const uint8_t *p = word.data;
	size_t n = word.size < size - 1 ? word.size : size - 1;

	for (size_t i = 0; i < n; i++)
		text[i] = p[i] >= ' ' && p[i] < 127 ? (char)p[i] : '?';
	text[n] = '\0';
	return text;
}

static int
refuse_word(struct bytes word, char *why)
{
	char text[40];

	if (why)
		(void)snprintf(why, DURABILITY_ERROR_MAX,
		    "'%s' is no durability; allowed: " ALLOWED,
		    shown(word, text, sizeof(text)));
	return -EINVAL;
}

static int
refuse_value(struct bytes word, const struct parameter *p, char *why)
{
	char text[40];

	if (why)
		(void)snprintf(why, DURABILITY_ERROR_MAX,
		    "'%s': allowed: %s1..%u", shown(word, text, sizeof(text)),
		    p->name, p->max);
	return -EINVAL;
}

/* Decimal digits only; false: not a number, or more than max. */
static bool
parse_number(struct bytes b, uint32_t max, uint32_t *out)
{
	const uint8_t *p = b.data;
	uint64_t n = 0;

	for (size_t i = 0; i < b.size; i++) {
		if (p[i] < '0' || p[i] > '9')
			return false;
		n = n * 10 + (uint64_t)(p[i] - '0');
		if (n > max)
			return false;
	}
	*out = (uint32_t)n;
	return in_range(n, max);
}

/* 1: word was such a parameter; 0: it is another one. */
static int
parse_parameter(struct bytes word, const struct parameter *p,
    struct durability *d, char *why)
{
	struct bytes value = word;
	uint32_t n;

	if (!strip(&value, p->name))
		return 0;
	if (!parse_number(value, p->max, &n))
		return refuse_value(word, p, why);
	memcpy((char *)d + p->offset, &n, sizeof(n));
	return 1;
}

static int
parse_policy(struct bytes word, struct durability *d, char *why)
{
	struct bytes policy = word;

	(void)strip(&policy, "durability=");
	for (size_t i = 0; i < WORDS; i++) {
		if (!bytes_eq(policy, bytes_str(words[i])))
			continue;
		d->policy = (enum durability_policy)i;
		return 0;
	}
	return refuse_word(word, why);
}

static int
parse_word(struct bytes word, struct durability *d, char *why)
{
	for (size_t i = 0; i < PARAMETERS; i++) {
		int rc = parse_parameter(word, &parameters[i], d, why);

		if (rc != 0)
			return rc < 0 ? rc : 0;
	}
	return parse_policy(word, d, why);
}

static bool
separates(uint8_t c)
{
	return c == ' ' || c == ',' || c == '\n' || c == '\t' || c == '\r';
}

/* Takes the next word off text; false: there is none. */
static bool
next_word(struct bytes *text, struct bytes *word)
{
	const uint8_t *p = text->data;
	size_t begin = 0, end;

	while (begin < text->size && separates(p[begin]))
		begin++;
	for (end = begin; end < text->size && !separates(p[end]);)
		end++;
	if (end == begin)
		return false;
	*word = bytes_of(p + begin, end - begin);
	*text = bytes_of(p + end, text->size - end);
	return true;
}

int
durability_parse(struct bytes text, struct durability *d, char *why)
{
	struct durability parsed = *d;
	struct bytes word;
	bool any = false;

	while (next_word(&text, &word)) {
		int err = parse_word(word, &parsed, why);

		if (err)
			return err;
		any = true;
	}
	if (!any)
		return refuse_word(bytes_str(""), why);
	*d = parsed;
	return 0;
}

void
durability_format(const struct durability *d, char *text)
{
	const char *word = durability_word(d->policy);

	if (d->policy == DURABILITY_BATCH)
		(void)snprintf(text, DURABILITY_TEXT_MAX,
		    "%s batch_ops=%u batch_ms=%u", word, d->batch_ops,
		    d->batch_ms);
	else if (d->policy == DURABILITY_ADAPTIVE)
		(void)snprintf(text, DURABILITY_TEXT_MAX, "%s adaptive_ms=%u",
		    word, d->adaptive_ms);
	else
		(void)snprintf(text, DURABILITY_TEXT_MAX, "%s", word);
}
