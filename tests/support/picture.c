#include "tests/support/picture.h"

#include <inttypes.h>
#include <stdio.h>

struct table_token {
	unsigned level;
	uint64_t number;
	char first[32];
	char last[32];
	uint64_t bytes;
	uint64_t deletes;
	struct expiries expiries;
	struct hidden hidden;
	bool ranges;
	char begin[32];
	char end[32];
};

static void
picture_add(const struct table_token *t, struct edit *e)
{
	struct table_info info = {
	    .file_no = t->number,
	    .file_bytes = t->bytes,
	    .entries = 100,
	    .deletes = t->deletes,
	    .expiries = t->expiries,
	    .hidden = t->hidden,
	    .seq_min = t->number * 10,
	    .seq_max = t->number * 10 + 9,
	};
	struct version_file *f;

	if (t->first[0]) {
		check_ok(ikey_append(&info.smallest, bytes_str(t->first),
		    info.seq_max, IKEY_KIND_PUT));
		check_ok(ikey_append(&info.largest, bytes_str(t->last),
		    info.seq_min, IKEY_KIND_PUT));
	} else {
		info.entries = 0;
	}
	info.ranges = t->ranges;
	check_ok(buf_assign(&info.ranges_begin, bytes_str(t->begin)));
	check_ok(buf_assign(&info.ranges_end, bytes_str(t->end)));
	check_ok(version_file_new(NULL, &info, &f));
	check_ok(edit_add_file(e, t->level, f));
	version_file_unref(f);
	table_info_fini(&info);
}

/* The part of a token behind its keys. */
static void
picture_details(const char *s, struct table_token *t)
{
	int n = 0;

	while (*s) {
		if (sscanf(s, "~%31[^-]-%n%31[^*!~@^]%n", t->begin, &n, t->end,
			&n) >= 1)
			t->ranges = true;
		else if (sscanf(s, "*%" SCNu64 "%n", &t->bytes, &n) != 1 &&
			 sscanf(s, "!%" SCNu64 "%n", &t->deletes, &n) != 1 &&
			 sscanf(s, "@%" SCNu64 ",%" SCNu64 ",%" SCNu64 "%n",
			     &t->expiries.count, &t->expiries.first_ms,
			     &t->expiries.half_ms, &n) != 3 &&
			 sscanf(s, "^%" SCNu64 ",%" SCNu64 "%n",
			     &t->hidden.count, &t->hidden.by_seq, &n) != 2)
			check_fail("no detail of a table: %s", s);
		s += n;
	}
}

static void
picture_token(const char *s, struct edit *e)
{
	struct table_token t = {.bytes = 100};
	int n = 0, got;

	if (sscanf(s, "-%u:%" SCNu64 "%n", &t.level, &t.number, &n) == 2 &&
	    s[n] == '\0') {
		check_ok(edit_remove_file(e, t.level, t.number));
		return;
	}
	got = sscanf(s, "%u:%" SCNu64 ":%n%31[^-~]-%31[^*!~@^]%n", &t.level,
	    &t.number, &n, t.first, t.last, &n);
	if (got != 4 && !(got == 2 && s[n] == '~'))
		check_fail("no table: %s", s);
	picture_details(s + n, &t);
	picture_add(&t, e);
}

void
picture_edit(const char *line, struct edit *e)
{
	char token[128];
	int n;

	for (; sscanf(line, " %127s%n", token, &n) == 1; line += n)
		picture_token(token, e);
}

struct version *
picture_version(const char *line)
{
	struct edit e = {0};
	struct version *v;

	picture_edit(line, &e);
	check_ok(version_build(NULL, &e, NULL, &v));
	edit_fini(&e);
	return v;
}

const char *
picture_of(const struct version *v)
{
	static char text[4096];
	size_t n = 0;

	text[0] = '\0';
	for (unsigned i = 0; i < LSM_LEVELS; i++) {
		for (size_t j = 0; j < v->levels[i].count; j++) {
			const struct version_file *f = v->levels[i].files[j];
			struct bytes a = f->span.first;
			struct bytes b = f->span.last;

			n += (size_t)snprintf(text + n, sizeof(text) - n,
			    "%s%u:%" PRIu64 ":%.*s-%.*s%s", n ? " " : "", i,
			    f->number, (int)a.size, (const char *)a.data,
			    (int)b.size, (const char *)b.data,
			    f->span.end == SPAN_EXCLUDED ? ")" : "");
			check_true(n < sizeof(text));
		}
	}
	return text;
}
