#include "tests/support/picks.h"

#include <inttypes.h>
#include <stdio.h>

#include "tests/support/picture.h"

const struct lsm_options picks_leveled = {
    .level0_tables = 4,
    .level_base_bytes = 1000,
    .table_bytes = 100,
};
const struct lsm_options picks_lazy = {
    .compaction_style = LSM_COMPACTION_LAZY,
    .level0_tables = 4,
    .level_base_bytes = 1000,
    .table_bytes = 100,
};

const char *
picks_text(const struct pick *p)
{
	static char text[1024];
	size_t n = (size_t)snprintf(
	    text, sizeof(text), "%u>%u:", p->level, p->output_level);

	for (unsigned level = 0; level < LSM_LEVELS; level++) {
		const struct pick_input *in = &p->inputs[level];

		if (level > p->level && in->count > 0)
			n += (size_t)snprintf(text + n, sizeof(text) - n, " |");
		for (size_t i = 0; i < in->count; i++)
			n += (size_t)snprintf(text + n, sizeof(text) - n,
			    " %" PRIu64, in->files[i]->number);
	}
	if (p->trivial)
		snprintf(text + n, sizeof(text) - n, " move");
	return text;
}

/* --- compactions that run ---------------------------------------------- */

#define RUNNING_MAX 8

/* From "0>1:a-f 4>5:a-c": levels and spans. */
struct running {
	struct pick_list list;
	struct pick picks[RUNNING_MAX];
	char keys[RUNNING_MAX][2][16];
};

static void
running_init(struct running *r, const char *line)
{
	int at;

	memset(r, 0, sizeof(*r));
	TAILQ_INIT(&r->list);
	for (size_t i = 0; *line; i++, line += at) {
		struct pick *p = &r->picks[i];

		check_le(i + 1, RUNNING_MAX);
		check_eq(
		    sscanf(line, " %u>%u:%15[^-]-%15s%n", &p->level,
			&p->output_level, r->keys[i][0], r->keys[i][1], &at),
		    4);
		p->span = (struct span){bytes_str(r->keys[i][0]),
		    bytes_str(r->keys[i][1]), SPAN_INCLUDED};
		TAILQ_INSERT_TAIL(&r->list, p, link);
	}
}

/* --- what is picked ---------------------------------------------------- */

struct pick_scene
picks_scene(const struct lsm_options *o)
{
	static struct pick_list none = TAILQ_HEAD_INITIALIZER(none);
	static const struct buf cursors[LSM_LEVELS];

	return (struct pick_scene){
	    .options = o, .running = &none, .cursors = cursors};
}

/* *p, of which the caller is rid by that, is good on rc 1. */
static void
check_pick(int rc, struct pick *p, const char *want)
{
	check_eq(rc, want != NULL);
	if (rc == 1) {
		check_str(picks_text(p), want);
		pick_fini(p);
	}
}

void
picks_check(const struct pick_scene *scene, const char *want)
{
	struct pick p;
	int rc = pick_next(scene, &p);

	check_pick(rc, &p, want);
}

void
picks_check_beside(const struct pick_scene *scene, const char *const *want)
{
	struct pick_list running = TAILQ_HEAD_INITIALIZER(running);
	struct pick_scene s = *scene;
	struct pick picks[RUNNING_MAX];
	size_t n = 0;

	s.running = &running;
	for (; want[n]; n++) {
		check_le(n + 1, RUNNING_MAX);
		check_eq(pick_next(&s, &picks[n]), 1);
		check_str(picks_text(&picks[n]), want[n]);
		TAILQ_INSERT_TAIL(&running, &picks[n], link);
	}
	picks_check(&s, NULL);
	while (n > 0)
		pick_fini(&picks[--n]);
}

void
picks_check_whole(
    const struct version *v, unsigned level, uint64_t now_ms, const char *want)
{
	struct pick p;
	int rc = pick_whole_level(v, level, now_ms, &p);

	check_pick(rc, &p, want);
}

void
picks_check_idle(
    const struct lsm_options *o, const char *version, const char *want)
{
	struct version *v = picture_version(version);
	struct pick_scene scene = picks_scene(o);

	scene.version = v;
	scene.idle = true;
	picks_check(&scene, want);
	version_unref(v);
}

void
picks_check_next(const struct lsm_options *o, const char *version,
    const char *running, const char *cursor, const char *want)
{
	struct version *v = picture_version(version);
	struct buf cursors[LSM_LEVELS] = {0};
	struct running r;
	struct pick_scene scene = {
	    .version = v, .options = o, .running = &r.list, .cursors = cursors};

	running_init(&r, running);
	for (unsigned i = 0; i < LSM_LEVELS; i++)
		check_ok(buf_assign(&cursors[i], bytes_str(cursor)));
	picks_check(&scene, want);
	for (unsigned i = 0; i < LSM_LEVELS; i++)
		buf_fini(&cursors[i]);
	version_unref(v);
}
