#include "fs/cli/lab_svg.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

/* The picture, and in it the plot; y grows downwards. */
#define WIDTH    940
#define HEIGHT   520
#define LEFT     90.0
#define RIGHT    560.0
#define TOP      50.0
#define BOTTOM   400.0 /* of the logarithmic part */
#define ZERO_Y   440.0 /* the line of those that lost nothing */
#define LEGEND_X 590.0
#define ROW      20.0

#define COLOURS 8
#define MARKS   8

/* Whole decades. */
struct axis {
	int first, last;
};

struct plot {
	const struct lab_result *result;
	struct axis x, y;
	const char *policies[LAB_POLICIES_MAX];
	size_t policy_count;
	const char *workloads[LAB_WORKLOADS_MAX];
	size_t workload_count;
};

/* --- the frame -------------------------------------------------------------
 */

/* The index of the text in the list, where it is added if it is new. */
static size_t
index_of(const char **list, size_t *count, size_t max, const char *text)
{
	for (size_t i = 0; i < *count; i++)
		if (strcmp(list[i], text) == 0)
			return i;
	if (*count == max)
		return max - 1;
	list[*count] = text;
	return (*count)++;
}

static void
widen(struct axis *a, double value)
{
	int first, last;

	if (value < 1)
		value = 1;
	first = (int)floor(log10(value));
	last = (int)ceil(log10(value));
	if (a->first > first)
		a->first = first;
	if (a->last < last)
		a->last = last;
}

static void
measure(struct plot *p)
{
	p->x = (struct axis){99, -99};
	p->y = (struct axis){0, 1};
	for (size_t i = 0; i < p->result->count; i++) {
		const struct lab_cell *c = &p->result->cells[i];
		struct lab_sum s;

		lab_result_sum(c, &s);
		widen(&p->x, s.steps_per_second);
		widen(&p->y, (double)s.worst_lost);
		index_of(p->policies, &p->policy_count, LAB_POLICIES_MAX,
		    c->policy_text);
		index_of(p->workloads, &p->workload_count, LAB_WORKLOADS_MAX,
		    c->workload);
	}
	if (p->x.first > p->x.last)
		p->x = (struct axis){0, 1};
	if (p->x.first == p->x.last)
		p->x.last++;
}

/* 0 at the first decade, 1 at the last. */
static double
share(const struct axis *a, double value)
{
	if (value < 1)
		value = 1;
	return (log10(value) - a->first) / (a->last - a->first);
}

static double
x_of(const struct plot *p, double rate)
{
	return LEFT + share(&p->x, rate) * (RIGHT - LEFT);
}

static double
y_of(const struct plot *p, uint64_t lost)
{
	if (lost == 0)
		return ZERO_Y;
	return BOTTOM - share(&p->y, (double)lost) * (BOTTOM - TOP);
}

/* --- texts -----------------------------------------------------------------
 */

static void
put_escaped(FILE *out, const char *s)
{
	for (; *s; s++) {
		if (*s == '&')
			fputs("&amp;", out);
		else if (*s == '<')
			fputs("&lt;", out);
		else if (*s == '>')
			fputs("&gt;", out);
		else
			fputc(*s, out);
	}
}

/* more: attributes, or "". */
static void
put_text(FILE *out, double x, double y, const char *more, const char *s)
{
	fprintf(out, "<text x=\"%.1f\" y=\"%.1f\"%s>", x, y, more);
	put_escaped(out, s);
	fputs("</text>\n", out);
}

static void
put_line(FILE *out, const char *class, double x, double y, double dx, double dy)
{
	fprintf(out, "<path class=\"%s\" d=\"M%.1f %.1fl%.1f %.1f\"/>\n", class,
	    x, y, dx, dy);
}

/* "1", "10", ..., "10k", "100k", "1M" */
static void
format_decade(int decade, char *text, size_t size)
{
	static const char *const units[] = {"", "k", "M", "G", "T"};
	static const char *const heads[] = {"1", "10", "100"};
	int unit = decade / 3 < 5 ? decade / 3 : 4;

	snprintf(text, size, "%s%s", heads[decade % 3], units[unit]);
}

/* --- axes ------------------------------------------------------------------
 */

static void
put_x_axis(FILE *out, const struct plot *p)
{
	char label[16];

	for (int d = p->x.first; d <= p->x.last; d++) {
		double x = x_of(p, pow(10, d));

		put_line(out, "grid", x, TOP, 0, ZERO_Y - TOP);
		format_decade(d, label, sizeof(label));
		put_text(out, x, ZERO_Y + 20, " text-anchor=\"middle\"", label);
	}
	put_text(out, (LEFT + RIGHT) / 2, ZERO_Y + 48,
	    " text-anchor=\"middle\"", "steps per second");
}

static void
put_y_axis(FILE *out, const struct plot *p)
{
	char label[16], turned[96];
	double middle = (TOP + BOTTOM) / 2;

	for (int d = p->y.first; d <= p->y.last; d++) {
		double y = BOTTOM - share(&p->y, pow(10, d)) * (BOTTOM - TOP);

		put_line(out, "grid", LEFT, y, RIGHT - LEFT, 0);
		format_decade(d, label, sizeof(label));
		put_text(out, LEFT - 10, y + 4, " text-anchor=\"end\"", label);
	}
	put_line(out, "axis", LEFT, ZERO_Y, RIGHT - LEFT, 0);
	put_text(out, LEFT - 10, ZERO_Y + 4, " text-anchor=\"end\"", "0");
	snprintf(turned, sizeof(turned),
	    " text-anchor=\"middle\" transform=\"rotate(-90 30 %.1f)\"",
	    middle);
	put_text(out, 30, middle, turned, "largest loss by one cut, in steps");
}

/* --- marks -----------------------------------------------------------------
 */

static const char *const shapes[MARKS] = {
    "m-6 0a6 6 0 1 0 12 0a6 6 0 1 0-12 0z",               /* circle */
    "m-6-6h12v12h-12z",                                   /* square */
    "m0-8 8 8-8 8-8-8z",                                  /* diamond */
    "m0-7 7 13h-14z",                                     /* triangle */
    "m0 7 7-13h-14z",                                     /* and upside down */
    "m-2-7h4v5h5v4h-5v5h-4v-5h-5v-4h5z",                  /* cross */
    "m-7-4 3-3 4 4 4-4 3 3-4 4 4 4-3 3-4-4-4 4-3-3 4-4z", /* and turned */
    "m0-8 2 6 6 0-5 4 2 6-5-4-5 4 2-6-5-4 6 0z",          /* star */
};

/* colour: of a policy; -1: that of the text. */
static void
put_shape(FILE *out, size_t mark, int colour, double x, double y)
{
	if (colour < 0)
		fputs("<path class=\"plain\"", out);
	else
		fprintf(out, "<path class=\"p%d\"", colour);
	fprintf(out, " d=\"M%.1f %.1f%s\">", x, y, shapes[mark % MARKS]);
}

static void
put_mark(FILE *out, struct plot *p, const struct lab_cell *c)
{
	size_t policy = index_of(
	    p->policies, &p->policy_count, LAB_POLICIES_MAX, c->policy_text);
	size_t workload = index_of(
	    p->workloads, &p->workload_count, LAB_WORKLOADS_MAX, c->workload);
	struct lab_sum s;

	lab_result_sum(c, &s);
	put_shape(out, workload, (int)(policy % COLOURS),
	    x_of(p, s.steps_per_second), y_of(p, s.worst_lost));
	fputs("<title>", out);
	put_escaped(out, c->workload);
	fputs(", ", out);
	put_escaped(out, c->policy_text);
	fprintf(out,
	    ": %.0f steps/s, at most %" PRIu64 " lost%s</title></path>\n",
	    s.steps_per_second, s.worst_lost,
	    s.broken ? ", contract broken" : "");
}

static void
put_legend(FILE *out, const struct plot *p)
{
	double y = TOP;

	put_text(out, LEGEND_X, y, " class=\"head\"", "policy");
	for (size_t i = 0; i < p->policy_count; i++) {
		y += ROW;
		put_shape(out, 1, (int)(i % COLOURS), LEGEND_X + 7, y - 4);
		fputs("</path>\n", out);
		put_text(out, LEGEND_X + 22, y, "", p->policies[i]);
	}
	y += 2 * ROW;
	put_text(out, LEGEND_X, y, " class=\"head\"", "workload");
	for (size_t i = 0; i < p->workload_count; i++) {
		y += ROW;
		put_shape(out, i, -1, LEGEND_X + 7, y - 4);
		fputs("</path>\n", out);
		put_text(out, LEGEND_X + 22, y, "", p->workloads[i]);
	}
}

/* --- the whole -------------------------------------------------------------
 */

static void
put_style(FILE *out)
{
	static const char *const light[COLOURS] = {"#0b6bcb", "#c4450c",
	    "#1a7f37", "#8250df", "#a67400", "#bf3989", "#0f7f8f", "#6e7781"};
	static const char *const dark[COLOURS] = {"#58a6ff", "#ff8b4d",
	    "#4ac26b", "#c297ff", "#e3b341", "#ff7bc0", "#39c5cf", "#afb8c1"};

	fputs("<style>\n"
	      "text{font:13px sans-serif;fill:#1f2328}\n"
	      ".head{font-weight:bold}\n"
	      ".back{fill:#fff}\n"
	      ".grid{stroke:#d0d7de;fill:none}\n"
	      ".axis{stroke:#57606a;fill:none}\n"
	      ".plain{fill:#57606a}\n",
	    out);
	for (int i = 0; i < COLOURS; i++)
		fprintf(out, ".p%d{fill:%s;fill-opacity:.85}\n", i, light[i]);
	fputs("@media (prefers-color-scheme:dark){\n"
	      "text{fill:#e6edf3}\n"
	      ".back{fill:#0d1117}\n"
	      ".grid{stroke:#30363d}\n"
	      ".axis{stroke:#8b949e}\n"
	      ".plain{fill:#8b949e}\n",
	    out);
	for (int i = 0; i < COLOURS; i++)
		fprintf(out, ".p%d{fill:%s}\n", i, dark[i]);
	fputs("}\n</style>\n", out);
}

void
lab_svg_put(FILE *out, const struct lab_result *r)
{
	struct plot p = {.result = r};

	measure(&p);
	fprintf(out,
	    "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" "
	    "height=\"%d\" viewBox=\"0 0 %d %d\" role=\"img\">\n"
	    "<title>What power cuts took, against throughput</title>\n",
	    WIDTH, HEIGHT, WIDTH, HEIGHT);
	put_style(out);
	fprintf(out, "<rect class=\"back\" width=\"%d\" height=\"%d\"/>\n",
	    WIDTH, HEIGHT);
	put_text(out, LEFT, 26, " class=\"head\"",
	    "What power cuts took, against throughput");
	put_x_axis(out, &p);
	put_y_axis(out, &p);
	for (size_t i = 0; i < r->count; i++)
		put_mark(out, &p, &r->cells[i]);
	put_legend(out, &p);
	fputs("</svg>\n", out);
}
