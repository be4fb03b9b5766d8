#include "fs/cli/lab_table.h"

#include <inttypes.h>
#include <string.h>

#include "fs/cli/lab_repeat.h"

#define CELL_MAX  48
#define SHOWN_MAX 10

enum column {
	WORKLOAD,
	POLICY,
	ACKED,
	SURVIVED,
	LOST,
	WORST,
	WORST_MS,
	PREFIX,
	RATE,
	SYNCS,
	PER_SYNC,
	P50,
	P99,
	HELD,
	COLUMNS,
};

static const char *const heads[COLUMNS] = {"workload", "policy", "acked",
    "survived", "lost", "worst/bound", "ms/bound", "prefix", "steps/s", "syncs",
    "steps/sync", "p50 us", "p99 us", "contract"};

struct row {
	char cells[COLUMNS][CELL_MAX];
};

/* --- texts -----------------------------------------------------------------
 */

static void
put_count(char *cell, uint64_t n)
{
	snprintf(cell, CELL_MAX, "%" PRIu64, n);
}

static void
put_us(char *cell, uint64_t ns)
{
	snprintf(
	    cell, CELL_MAX, ns < 99950 ? "%.1f" : "%.0f", (double)ns / 1000);
}

/* "3/100", "3/any" */
static void
put_steps(char *cell, uint64_t worst, uint64_t bound)
{
	if (bound == LAB_LOSS_ANY)
		snprintf(cell, CELL_MAX, "%" PRIu64 "/any", worst);
	else
		snprintf(cell, CELL_MAX, "%" PRIu64 "/%" PRIu64, worst, bound);
}

/* With the allowance, if that was needed: "12.0/10+3.1" */
static void
put_ms(char *cell, const struct lab_sum *s, uint64_t bound)
{
	double ms = (double)s->worst_age_ns / 1e6;

	if (bound == LAB_LOSS_ANY)
		snprintf(cell, CELL_MAX, "%.1f/any", ms);
	else if (ms <= (double)bound || bound == 0)
		snprintf(cell, CELL_MAX, "%.1f/%" PRIu64, ms, bound);
	else
		snprintf(cell, CELL_MAX, "%.1f/%" PRIu64 "+%.1f", ms, bound,
		    (double)s->worst_allowance_ns / 1e6);
}

static void
fill(struct row *row, const struct lab_cell *c)
{
	char(*cells)[CELL_MAX] = row->cells;
	struct lab_sum s;

	lab_result_sum(c, &s);
	snprintf(cells[WORKLOAD], CELL_MAX, "%.40s", c->workload);
	snprintf(cells[POLICY], CELL_MAX, "%.40s", c->policy_text);
	put_count(cells[ACKED], s.acked);
	put_count(cells[SURVIVED], s.survived);
	put_count(cells[LOST], s.lost);
	put_steps(cells[WORST], s.worst_lost, c->bound.steps);
	put_ms(cells[WORST_MS], &s, c->bound.ms);
	if (s.prefixes == c->cut_count)
		snprintf(cells[PREFIX], CELL_MAX, "yes");
	else
		snprintf(cells[PREFIX], CELL_MAX, "%" PRIu64 "/%zu", s.prefixes,
		    c->cut_count);
	snprintf(cells[RATE], CELL_MAX, "%.0f", s.steps_per_second);
	put_count(cells[SYNCS], s.syncs);
	if (s.syncs == 0)
		snprintf(cells[PER_SYNC], CELL_MAX, "-");
	else
		snprintf(cells[PER_SYNC], CELL_MAX, "%.1f", s.steps_per_sync);
	put_us(cells[P50], s.p50_ns);
	put_us(cells[P99], s.p99_ns);
	snprintf(
	    cells[HELD], CELL_MAX, "%s", s.broken == 0 ? "held" : "BROKEN");
}

/* --- the table -------------------------------------------------------------
 */

static bool
is_text(size_t column)
{
	return column == WORKLOAD || column == POLICY || column == HELD;
}

static void
widen(size_t *widths, const struct row *row)
{
	for (size_t i = 0; i < COLUMNS; i++)
		if (strlen(row->cells[i]) > widths[i])
			widths[i] = strlen(row->cells[i]);
}

static void
put_row(FILE *out, const size_t *widths, const struct row *row)
{
	for (size_t i = 0; i < COLUMNS; i++) {
		int width = i == COLUMNS - 1 ? 0 : (int)widths[i];

		fprintf(out, "%s%*s", i == 0 ? "" : "  ",
		    is_text(i) ? -width : width, row->cells[i]);
	}
	fputc('\n', out);
}

static void
put_notes(FILE *out, const struct lab_result *r)
{
	uint64_t unsure = 0;

	for (size_t i = 0; i < r->count; i++) {
		struct lab_sum s;

		lab_result_sum(&r->cells[i], &s);
		unsure = s.unsure_ns > unsure ? s.unsure_ns : unsure;
	}
	fprintf(out,
	    "\nworst: the most steps that one cut took.  ms: how long before "
	    "the cut the first of\nthem was acknowledged, at least (the moment "
	    "of the cut is known to %.1f ms).\nBehind +: by how much a bound "
	    "in ms might be exceeded, because that was measured\nmeanwhile: "
	    "how late this program was woken, and how long the disk took for a "
	    "sync.\n",
	    (double)unsure / 1e6);
}

void
lab_table_put(FILE *out, const struct lab_result *r)
{
	size_t widths[COLUMNS] = {0};
	struct row row = {0};

	for (size_t i = 0; i < COLUMNS; i++)
		snprintf(row.cells[i], CELL_MAX, "%s", heads[i]);
	widen(widths, &row);
	for (size_t i = 0; i < r->count; i++) {
		struct row other = {0};

		fill(&other, &r->cells[i]);
		widen(widths, &other);
	}
	put_row(out, widths, &row);
	for (size_t i = 0; i < r->count; i++) {
		fill(&row, &r->cells[i]);
		put_row(out, widths, &row);
	}
	put_notes(out, r);
}

/* --- what is broken --------------------------------------------------------
 */

static void
put_cut(FILE *out, const struct lab_cell *c, const struct lab_cut *cut,
    const struct lab_option *o)
{
	struct buf command = {0};

	fprintf(out, "\nbroken: %s under %s: %s\n", c->workload, c->policy_text,
	    cut->why);
	if (lab_repeat_command(&command, c, cut, o) == 0)
		fprintf(out, "repeat: %.*s\n", (int)command.size,
		    (const char *)command.data);
	buf_fini(&command);
}

void
lab_table_put_broken(
    FILE *out, const struct lab_result *r, const struct lab_option *o)
{
	size_t shown = 0, broken = 0;

	for (size_t i = 0; i < r->count; i++)
		for (size_t k = 0; k < r->cells[i].cut_count; k++) {
			const struct lab_cut *cut = &r->cells[i].cuts[k];

			if (!cut->broken)
				continue;
			if (++broken <= SHOWN_MAX)
				put_cut(out, &r->cells[i], cut, o);
			shown = broken < SHOWN_MAX ? broken : SHOWN_MAX;
		}
	if (broken > shown)
		fprintf(out, "\nand %zu more; -v or --json tell of all\n",
		    broken - shown);
}
