#include "fs/cli/lab_option.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "fs/cli/lab_line.h"

#define CUTS_MAX       100000
#define WRITERS_MAX    64
#define SECONDS_MAX    3600
#define AFTER_MAX      UINT64_C(1000000000000)
#define SYNC_DELAY_MAX 10000
/* With --cut-after that is what ends the run. */
#define SECONDS       0.5
#define SECONDS_AFTER 10.0

enum {
	OPT_WORKLOAD = 256,
	OPT_POLICY,
	OPT_CUTS,
	OPT_KEEP,
	OPT_SEED,
	OPT_SECONDS,
	OPT_WRITERS,
	OPT_AFTER,
	OPT_DELAY,
	OPT_SCRIPT,
	OPT_DURABLE,
	OPT_JSON,
	OPT_SVG,
	OPT_DIR,
	OPT_KEEP_STORE,
};

static const struct option long_options[] = {
    {"workload", required_argument, NULL, OPT_WORKLOAD},
    {"policy", required_argument, NULL, OPT_POLICY},
    {"cuts", required_argument, NULL, OPT_CUTS},
    {"keep", required_argument, NULL, OPT_KEEP},
    {"seed", required_argument, NULL, OPT_SEED},
    {"seconds", required_argument, NULL, OPT_SECONDS},
    {"writers", required_argument, NULL, OPT_WRITERS},
    {"cut-after", required_argument, NULL, OPT_AFTER},
    {"sync-delay", required_argument, NULL, OPT_DELAY},
    {"script", required_argument, NULL, OPT_SCRIPT},
    {"durable", no_argument, NULL, OPT_DURABLE},
    {"json", no_argument, NULL, OPT_JSON},
    {"svg", required_argument, NULL, OPT_SVG},
    {"dir", required_argument, NULL, OPT_DIR},
    {"keep-store", no_argument, NULL, OPT_KEEP_STORE},
    {NULL, 0, NULL, 0},
};

static const char *const keep_words[] = {"none", "random", "prefix"};

const char *
lab_option_keep_word(enum lab_keep keep)
{
	return keep_words[keep % LAB_KEEP_TURNS];
}

enum lab_keep
lab_option_keep(const struct lab_option *o, unsigned cut)
{
	if (o->keep != LAB_KEEP_TURNS)
		return o->keep;
	return (enum lab_keep)(cut % LAB_KEEP_TURNS);
}

/* --- words -----------------------------------------------------------------
 */

static int
refuse(char *why, const char *option, const char *value, const char *allowed)
{
	snprintf(why, LAB_OPTION_ERROR_MAX, "--%s %.60s: %s", option, value,
	    allowed);
	return -EINVAL;
}

/* Decimal digits only. */
static int
take_number(const char *value, uint64_t min, uint64_t max, uint64_t *out)
{
	unsigned long long n;
	char *end;

	errno = 0;
	n = strtoull(value, &end, 10);
	if (value[0] < '0' || value[0] > '9' || *end || errno != 0 || n < min ||
	    n > max)
		return -EINVAL;
	*out = n;
	return 0;
}

static int
take_unsigned(const char *value, unsigned max, unsigned *out)
{
	uint64_t n = 0;
	int err = take_number(value, 1, max, &n);

	if (err == 0)
		*out = (unsigned)n;
	return err;
}

static int
take_seconds(const char *value, double *out)
{
	char *end;
	double s = strtod(value, &end);

	if (value[0] < '0' || value[0] > '9' || *end || !(s >= 0.001) ||
	    s > SECONDS_MAX)
		return -EINVAL;
	*out = s;
	return 0;
}

static int
add_workload(struct lab_option *o, const char *name, char *why)
{
	const struct lab_workload *w = lab_workload_find(name);

	if (!w)
		return refuse(why, "workload", name,
		    "no such workload; allowed: append, append-fsync, "
		    "replace, replace-fsync, create, overwrite, pair");
	for (size_t i = 0; i < o->workload_count; i++)
		if (o->workloads[i] == w)
			return 0;
	o->workloads[o->workload_count++] = w;
	return 0;
}

static int
add_policy(struct lab_option *o, const char *text, char *why)
{
	struct durability d = durability_of(DURABILITY_NONE);
	char wrong[DURABILITY_ERROR_MAX];
	char words[128];
	size_t n = 0;

	if (o->policy_count == LAB_POLICIES_MAX)
		return refuse(why, "policy", text, "no more than eight");
	for (; text[n] && n < sizeof(words) - 1; n++)
		words[n] = text[n] == ':' ? ' ' : text[n];
	words[n] = '\0';
	if (durability_parse(bytes_str(words), &d, wrong) != 0) {
		snprintf(why, LAB_OPTION_ERROR_MAX, "--policy: %s", wrong);
		return -EINVAL;
	}
	o->policies[o->policy_count++] = d;
	return 0;
}

/* Calls add for each of the words between commas. */
static int
add_each(struct lab_option *o, const char *value,
    int (*add)(struct lab_option *, const char *, char *), char *why)
{
	char *copy = strdup(value);
	char *rest = copy;
	char *word;
	int err = copy ? 0 : -ENOMEM;

	while (err == 0 && (word = strsep(&rest, ",")))
		err = add(o, word, why);
	free(copy);
	return err;
}

static int
take_keep(struct lab_option *o, const char *value, char *why)
{
	for (int i = 0; i < LAB_KEEP_TURNS; i++)
		if (strcmp(value, keep_words[i]) == 0) {
			o->keep = (enum lab_keep)i;
			return 0;
		}
	return refuse(why, "keep", value, "allowed: none, random, prefix");
}

/* --- options ----------------------------------------------------------------
 */

static int
take_count(struct lab_option *o, int c, const char *value, char *why)
{
	int err;

	switch (c) {
	case OPT_CUTS:
		err = take_unsigned(value, CUTS_MAX, &o->cuts);
		return err ? refuse(why, "cuts", value, "1 to 100000") : 0;
	case OPT_WRITERS:
		err = take_unsigned(value, WRITERS_MAX, &o->writers);
		return err ? refuse(why, "writers", value, "1 to 64") : 0;
	case OPT_SEED:
		err = take_number(value, 0, UINT64_MAX, &o->seed);
		return err ? refuse(why, "seed", value, "a number") : 0;
	case OPT_SECONDS:
		err = take_seconds(value, &o->seconds);
		return err ? refuse(why, "seconds", value, "0.001 to 3600") : 0;
	case OPT_AFTER:
		err = take_number(value, 1, AFTER_MAX, &o->cut_after);
		return err ? refuse(why, "cut-after", value, "1 to 10^12") : 0;
	default:
		err = take_number(value, 0, SYNC_DELAY_MAX, &o->sync_delay_ms);
		return err ? refuse(why, "sync-delay", value, "0 to 10000 (ms)")
			   : 0;
	}
}

static int
take_option(struct lab_option *o, int c, const char *value, char *why)
{
	switch (c) {
	case OPT_WORKLOAD:
		return add_each(o, value, add_workload, why);
	case OPT_POLICY:
		return add_each(o, value, add_policy, why);
	case OPT_KEEP:
		return take_keep(o, value, why);
	case OPT_SCRIPT:
		o->script = value;
		return 0;
	case OPT_DURABLE:
		o->durable = true;
		return 0;
	case OPT_JSON:
		o->json = true;
		return 0;
	case OPT_SVG:
		o->svg = value;
		return 0;
	case OPT_DIR:
		o->dir = value;
		return 0;
	case OPT_KEEP_STORE:
		o->keep_store = true;
		return 0;
	case 'o':
		o->mount = value;
		return 0;
	case 'v':
		o->verbose = true;
		return 0;
	default:
		return take_count(o, c, value, why);
	}
}

static void
set_defaults(struct lab_option *o)
{
	static const enum durability_policy all[] = {DURABILITY_SYNC,
	    DURABILITY_BATCH, DURABILITY_ADAPTIVE, DURABILITY_NONE};

	if (o->workload_count == 0 && !o->script)
		for (; lab_workload_table[o->workload_count];
		     o->workload_count++)
			o->workloads[o->workload_count] =
			    lab_workload_table[o->workload_count];
	if (o->policy_count == 0)
		for (; o->policy_count < 4; o->policy_count++)
			o->policies[o->policy_count] =
			    durability_of(all[o->policy_count]);
	if (o->seconds <= 0)
		o->seconds = o->cut_after ? SECONDS_AFTER : SECONDS;
}

static uint64_t
new_seed(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return lab_line_mix((uint64_t)t.tv_sec, (uint64_t)t.tv_nsec) % 1000000;
}

int
lab_option_parse(int argc, char **argv, struct lab_option *out, char *why)
{
	struct lab_option o = {
	    .cuts = 5,
	    .writers = 1,
	    .keep = LAB_KEEP_TURNS,
	    .seed = new_seed(),
	};
	int err = 0;
	int c;

	optind = 0;
	why[0] = '\0';
	while (err == 0 &&
	       (c = getopt_long(argc, argv, "o:v", long_options, NULL)) != -1)
		err = c == '?' ? -EINVAL : take_option(&o, c, optarg, why);
	if (err == 0 && optind < argc) {
		snprintf(why, LAB_OPTION_ERROR_MAX, "\"%.60s\": no option",
		    argv[optind]);
		err = -EINVAL;
	}
	if (err == 0 && o.durable && !o.script) {
		snprintf(why, LAB_OPTION_ERROR_MAX,
		    "--durable is about the steps of a --script");
		err = -EINVAL;
	}
	if (err)
		return err;
	set_defaults(&o);
	*out = o;
	return 0;
}
