#include "fs/cli/lab_json.h"

#include <inttypes.h>

#include "fs/cli/lab_repeat.h"
#include "fs/cli/text.h"

static void
put_text(FILE *out, const char *name, const char *value)
{
	text_put_json(out, name, bytes_str(value));
}

static void
put_count(FILE *out, const char *name, uint64_t n)
{
	fprintf(out, "\"%s\":%" PRIu64, name, n);
}

/* A bound; null: there is none. */
static void
put_bound(FILE *out, const char *name, uint64_t n)
{
	if (n == LAB_LOSS_ANY)
		fprintf(out, "\"%s\":null", name);
	else
		put_count(out, name, n);
}

static void
put_ms(FILE *out, const char *name, uint64_t ns)
{
	fprintf(out, "\"%s\":%.3f", name, (double)ns / 1e6);
}

static void
put_us(FILE *out, const char *name, uint64_t ns)
{
	fprintf(out, "\"%s\":%.1f", name, (double)ns / 1e3);
}

static void
put_bool(FILE *out, const char *name, bool is)
{
	fprintf(out, "\"%s\":%s", name, is ? "true" : "false");
}

/* --- cuts ------------------------------------------------------------------
 */

static void
put_broken(FILE *out, const struct lab_cell *c, const struct lab_cut *cut,
    const struct lab_option *o)
{
	struct buf command = {0};

	fputc(',', out);
	put_text(out, "broken", cut->why);
	if (lab_repeat_command(&command, c, cut, o) == 0) {
		fputc(',', out);
		text_put_json(out, "repeat", buf_bytes(&command));
	}
	buf_fini(&command);
}

static void
put_cut(FILE *out, const struct lab_cell *c, const struct lab_cut *cut,
    const struct lab_option *o)
{
	fputs("      {", out);
	put_count(out, "seed", cut->seed);
	fputc(',', out);
	put_text(out, "keep", lab_option_keep_word(cut->keep));
	fputc(',', out);
	put_count(out, "acknowledged", cut->loss.acked);
	fputc(',', out);
	put_count(out, "survived", cut->loss.survived);
	fputc(',', out);
	put_count(out, "lost", cut->loss.lost);
	fputc(',', out);
	put_ms(out, "age_ms", cut->loss.age_ns);
	fputc(',', out);
	put_ms(out, "unsure_ms", cut->loss.unsure_ns);
	fputc(',', out);
	put_ms(out, "over_ms", cut->loss.over_ns);
	fputc(',', out);
	put_ms(out, "late_ms", cut->allowance.late_ns);
	fputc(',', out);
	put_ms(out, "device_sync_ms", cut->allowance.sync_ns);
	fputc(',', out);
	put_bool(out, "prefix", cut->loss.prefix);
	fputc(',', out);
	put_bool(out, "held", cut->broken == 0);
	if (cut->broken)
		put_broken(out, c, cut, o);
	fputc('}', out);
}

/* --- cells -----------------------------------------------------------------
 */

static void
put_sum(FILE *out, const struct lab_cell *c, const struct lab_sum *s)
{
	put_count(out, "acknowledged", s->acked);
	fputc(',', out);
	put_count(out, "survived", s->survived);
	fputc(',', out);
	put_count(out, "lost", s->lost);
	fputs(",\n     ", out);
	put_count(out, "worst_lost", s->worst_lost);
	fputc(',', out);
	put_bound(out, "bound", c->bound.steps);
	fputc(',', out);
	put_ms(out, "worst_age_ms", s->worst_age_ns);
	fputc(',', out);
	put_bound(out, "bound_ms", c->bound.ms);
	fputs(",\n     ", out);
	put_bool(out, "prefix", s->prefixes == c->cut_count);
	fprintf(out, ",\"steps_per_second\":%.1f,", s->steps_per_second);
	put_count(out, "syncs", s->syncs);
	if (s->syncs == 0)
		fputs(",\"steps_per_sync\":null,", out);
	else
		fprintf(out, ",\"steps_per_sync\":%.3f,", s->steps_per_sync);
	put_us(out, "p50_us", s->p50_ns);
	fputc(',', out);
	put_us(out, "p99_us", s->p99_ns);
	fputc(',', out);
	put_bool(out, "held", s->broken == 0);
}

static void
put_cell(FILE *out, const struct lab_cell *c, const struct lab_option *o)
{
	struct lab_sum s;

	lab_result_sum(c, &s);
	fputs("    {", out);
	put_text(out, "workload", c->workload);
	fputc(',', out);
	put_text(out, "policy", c->policy_text);
	fputs(",\n     ", out);
	put_sum(out, c, &s);
	fputs(",\n     \"cuts\":[", out);
	for (size_t i = 0; i < c->cut_count; i++) {
		fputs(i == 0 ? "\n" : ",\n", out);
		put_cut(out, c, &c->cuts[i], o);
	}
	fputs("]}", out);
}

void
lab_json_put(FILE *out, const struct lab_result *r, const struct lab_option *o)
{
	fputs("{", out);
	put_count(out, "seed", o->seed);
	fputc(',', out);
	put_count(out, "cuts", o->cuts);
	fputc(',', out);
	put_count(out, "writers", o->writers);
	fprintf(out, ",\"seconds\":%g,", o->seconds);
	put_count(out, "cut_after", o->cut_after);
	fputc(',', out);
	put_count(out, "sync_delay_ms", o->sync_delay_ms);
	if (o->script) {
		fputc(',', out);
		put_text(out, "script", o->script);
	}
	fputc(',', out);
	put_bool(out, "held", !lab_result_is_broken(r));
	fputs(",\n  \"results\":[", out);
	for (size_t i = 0; i < r->count; i++) {
		fputs(i == 0 ? "\n" : ",\n", out);
		put_cell(out, &r->cells[i], o);
	}
	fputs("]}\n", out);
}
