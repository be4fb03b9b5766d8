#include "engine/db/pick_deletes.h"

#include <stdio.h>
#include <stdlib.h>

#include "tests/check.h"
#include "tests/support/picks.h"
#include "tests/support/picture.h"

/* Tables have 100 entries, and numbers up to 10 times their own and 9. */
static const struct {
	const char *version;
	uint64_t oldest_seq;
	bool idle;
	const char *want; /* NULL: nothing to do */
} cases[] = {
    /* nothing below: where it is, and what is not dense stays */
    {"6:1:a-c!24 6:2:d-f!24", 1000, false, NULL},
    {"6:1:a-c!24 6:2:d-f!25", 1000, false, "6>6: 2"},
    {"6:1:a-c!25 6:2:d-f!50", 1000, false, "6>6: 2"},
    {"5:1:a-c!100 6:2:d-f*20000", 1000, false, "5>5: 1"},
    {"6:1:a-c 6:2:~d-f", 1000, false, "6>6: 2"},
    {"6:1:a-c 6:2:d-f~d-e", 1000, false, "6>6: 2"},
    /* a snapshot keeps something of it */
    {"6:2:a-c!100", 28, false, NULL},
    {"6:2:a-c!100", 29, false, "6>6: 2"},
    {"6:2:a-c!100", 28, true, NULL},
    {"6:2:a-c!100 6:1:d-f!25", 20, false, "6>6: 1"},
    {"0:9:a-c!100 6:2:a-f*20000", 98, true, NULL},
    {"5:9:a-c!100 6:2:a-f*20000", 98, true, NULL},
    /* something below: a level down, if that is a quarter of all there */
    {"5:9:a-c!50 6:1:a-f*20000", 1000, false, "5>6: 9 | 1"},
    {"5:9:a-c!49 6:1:a-f*20000", 1000, false, NULL},
    {"5:9:a-c!75 6:1:a-b*20000 6:2:c-f", 1000, false, "5>6: 9 | 1 2"},
    {"5:9:a-c!74 6:1:a-b*20000 6:2:c-f", 1000, false, NULL},
    {"5:9:a-c!74 6:1:a-b*20000 6:2:c-f", 1000, true, "5>6: 9 | 1 2"},
    {"5:9:a-c!24 6:1:a-b*20000 6:2:c-f", 1000, true, NULL},
    {"4:9:a-c!75 5:3:b-f 6:1:a-b*200000", 1000, false, "4>5: 9 | 3"},
    {"4:9:a-c!74 5:3:b-f 6:1:a-b*200000", 1000, false, NULL},
    /* past a level where nothing stands */
    {"3:9:a-c!100 6:1:a-f*20000", 1000, false, "3>4: 9 move"},
    {"3:8:a-b 3:9:c-d!100 6:1:a-f*900", 1000, false, "3>5: 9 move"},
    /* level 0 comes down as it always does, with what it overlaps */
    {"0:9:a-c!100 6:1:a-f*900", 1000, false, "0>6: 9 | 1"},
    {"0:9:a-c!100 6:1:a-b*900 6:2:c-d 6:3:x-z", 1000, false, "0>6: 9 | 1 2"},
    {"0:9:a-c!100 6:1:a-b*900 6:2:b1-b2 6:3:b3-b4 6:4:c-d", 1000, false, NULL},
    {"0:9:a-c!100 0:8:a-c!75 6:1:a-b*900 6:2:b1-b2 6:3:b3-b4 6:4:c-d 6:5:x-z",
	1000, false, "0>6: 9 8 | 1 2 3 4"},
    {"0:9:a-c!100 6:1:a-b*900 6:2:b1-b2 6:3:b3-b4 6:4:c-d", 1000, true,
	"0>6: 9 | 1 2 3 4"},
    {"0:9:~a-c 6:1:a-b*900", 1000, true, "0>6: 9 | 1"},
    /* what newer entries hide, by itself and together with deletes */
    {"6:1:a-c^24,15 6:2:d-f^25,25", 1000, false, "6>6: 2"},
    {"6:1:a-c^24,15 6:2:d-f^24,25", 1000, true, NULL},
    {"6:1:a-c!12^12,15 6:2:d-f!12^13,25", 1000, false, "6>6: 2"},
    {"6:2:a-c^25,25", 24, true, NULL},
    {"6:2:a-c^25,25", 25, false, "6>6: 2"},
    {"6:2:a-c!12^13,25", 28, true, NULL},
    {"6:2:a-c!12^13,25", 29, true, "6>6: 2"},
    {"6:2:a-c!75^25,25", 25, false, "6>6: 2"},
    {"5:9:a-c!25^25,95 6:1:a-f*20000", 1000, false, "5>6: 9 | 1"},
    {"5:9:a-c!25^24,95 6:1:a-f*20000", 1000, false, NULL},
    {"5:9:a-c!25^25,95 6:1:a-f*20000", 98, false, NULL},
    {"0:9:a-c^100,95 6:1:a-f*900", 1000, false, "0>6: 9 | 1"},
};

static void
pick_deletes__takes_what_is_dense(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct version *v = picture_version(cases[i].version);
		struct pick_scene scene = picks_scene(&picks_leveled);

		printf("case %zu\n", i);
		scene.version = v;
		scene.oldest_seq = cases[i].oldest_seq;
		scene.idle = cases[i].idle;
		picks_check(&scene, cases[i].want);
		version_unref(v);
	}
}

/* Also before more bytes of another level than there should be. */
static void
pick_deletes__comes_before_what_is_less_urgent(void **state)
{
	struct version *v = picture_version(
	    "5:1:a-c!100 5:2:d-f*2500 5:3:g-i 6:4:a-c*1000 6:5:d-i*20000");
	struct pick_scene scene = picks_scene(&picks_leveled);

	(void)state;
	scene.version = v;
	picks_check(&scene, "5>6: 2 3 | 5");
	scene.oldest_seq = 1000;
	picks_check(&scene, "5>6: 1 | 4");
	version_unref(v);
}

static void
pick_deletes__leaves_alone_what_others_have(void **state)
{
	struct version *v = picture_version("6:1:a-c!100 6:2:d-f!90 6:3:g-i"
					    " 5:9:x-z!100 6:4:x-z");
	static const char *const want[] = {
	    "6>6: 1", "6>6: 2", "5>6: 9 | 4", NULL};
	struct pick_scene scene = picks_scene(&picks_leveled);

	(void)state;
	scene.version = v;
	scene.oldest_seq = 1000;
	picks_check_beside(&scene, want);
	version_unref(v);
}

static void
pick_deletes__awaits_the_snapshot_that_keeps_it(void **state)
{
	struct version *v = picture_version(
	    "0:7:a-c!24 4:6:a-c!25 5:5:a-c!100 6:4:a-c 6:3:d-f!30");
	struct pick_scene scene = picks_scene(&picks_leveled);

	(void)state;
	scene.version = v;
	check_eq(pick_deletes_awaits(&scene), 39);
	scene.oldest_seq = 39;
	check_eq(pick_deletes_awaits(&scene), 59);
	scene.oldest_seq = 69;
	check_eq(pick_deletes_awaits(&scene), 0);
	version_unref(v);
}

static void
pick_deletes__awaits_the_snapshot_that_sees_what_is_hidden(void **state)
{
	struct version *v = picture_version(
	    "4:7:a-c^24,71 5:6:a-c^25,65 6:4:a-c^20,41!5 6:3:d-f^30,33!30");
	struct pick_scene scene = picks_scene(&picks_leveled);

	(void)state;
	scene.version = v;
	check_eq(pick_deletes_awaits(&scene), 33);
	scene.oldest_seq = 33;
	check_eq(pick_deletes_awaits(&scene), 39);
	scene.oldest_seq = 39;
	check_eq(pick_deletes_awaits(&scene), 49);
	scene.oldest_seq = 49;
	check_eq(pick_deletes_awaits(&scene), 65);
	scene.oldest_seq = 65;
	check_eq(pick_deletes_awaits(&scene), 0);
	version_unref(v);
}

/* --- it comes to an end -------------------------------------------------- */

/* What a compaction makes at worst: what goes down loses nothing; what is
 * rewritten in place has nothing any more that no snapshot keeps. */
struct made {
	unsigned level;
	uint64_t number;
	unsigned first, last;
	unsigned deletes;
	unsigned hidden;
	unsigned by; /* the number's last digit */
};

#define TABLES_MAX 64

struct made_store {
	struct made tables[TABLES_MAX];
	size_t count;
	uint64_t next;
};

static struct version *
version_of(const struct made_store *s)
{
	char line[TABLES_MAX * 60];
	size_t n = 0;

	line[0] = '\0';
	for (size_t i = 0; i < s->count; i++) {
		const struct made *t = &s->tables[i];

		n += (size_t)snprintf(line + n, sizeof(line) - n,
		    "%u:%u:%u-%u!%u^%u,%u ", t->level, (unsigned)t->number,
		    t->first, t->last, t->deletes, t->hidden,
		    (unsigned)t->number * 10 + t->by);
	}
	return picture_version(line);
}

/* Level 0 is the style's, and has been tested. */
static void
random_store(struct check_rand *r, struct made_store *s)
{
	*s = (struct made_store){.next = 1};
	for (unsigned level = LSM_LEVELS - 1; level > 0; level--) {
		unsigned key = 100;

		for (uint64_t i = check_rand_below(r, 5); i > 0; i--) {
			unsigned first = key + (unsigned)check_rand_below(r, 9);
			unsigned last =
			    first + (unsigned)check_rand_below(r, 60);

			s->tables[s->count++] = (struct made){level, s->next++,
			    first, last, (unsigned)check_rand_below(r, 51),
			    (unsigned)check_rand_below(r, 50),
			    (unsigned)check_rand_below(r, 10)};
			key = last + 1;
		}
	}
}

static bool
takes(const struct pick *p, const struct made *t)
{
	const struct pick_input *in = &p->inputs[t->level];

	for (size_t i = 0; i < in->count; i++)
		if (in->files[i]->number == t->number)
			return true;
	return false;
}

static void
run(struct made_store *s, const struct pick *p, uint64_t oldest_seq)
{
	struct made all = {.level = p->output_level, .first = UINT32_MAX};
	size_t kept = 0;

	for (size_t i = 0; i < s->count; i++) {
		const struct made *t = &s->tables[i];

		if (p->trivial && takes(p, t))
			s->tables[i].level = p->output_level;
		if (p->trivial || !takes(p, t)) {
			s->tables[kept++] = *t;
			continue;
		}
		if (t->first < all.first)
			all.first = t->first;
		if (t->last > all.last)
			all.last = t->last;
		if (t->deletes > all.deletes)
			all.deletes = t->deletes;
		if (t->hidden > all.hidden)
			all.hidden = t->hidden;
		if (t->number >= all.number) {
			all.number = t->number;
			all.by = t->by;
		}
	}
	if (p->output_level == p->level && all.number * 10 + 9 <= oldest_seq)
		all.deletes = 0;
	if (p->output_level == p->level &&
	    all.number * 10 + all.by <= oldest_seq)
		all.hidden = 0;
	if (!p->trivial)
		s->tables[kept++] = all;
	s->count = kept;
}

static void
pick_deletes__comes_to_an_end(void **state)
{
	struct check_rand r = check_rand_of(check_seed());
	unsigned picks = 0;

	(void)state;
	for (int i = 0; i < 500; i++) {
		struct pick_scene scene = picks_scene(
		    check_rand_one_in(&r, 2) ? &picks_lazy : &picks_leveled);
		struct made_store s;
		unsigned n = 0;

		scene.oldest_seq = check_rand_below(&r, 400);
		scene.idle = check_rand_one_in(&r, 2);
		random_store(&r, &s);
		for (int rc = 1; rc == 1; n += rc == 1) {
			struct version *v = version_of(&s);
			struct pick p;

			scene.version = v;
			rc = pick_next(&scene, &p);
			if (rc == 1) {
				run(&s, &p, scene.oldest_seq);
				pick_fini(&p);
			}
			version_unref(v);
			/* Each table once a level, and once at the end. */
			check_le(n, TABLES_MAX * LSM_LEVELS);
		}
		picks += n;
	}
	check_le(500, picks);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(pick_deletes__takes_what_is_dense),
	    cmocka_unit_test(pick_deletes__comes_before_what_is_less_urgent),
	    cmocka_unit_test(pick_deletes__leaves_alone_what_others_have),
	    cmocka_unit_test(pick_deletes__awaits_the_snapshot_that_keeps_it),
	    cmocka_unit_test(
		pick_deletes__awaits_the_snapshot_that_sees_what_is_hidden),
	    cmocka_unit_test(pick_deletes__comes_to_an_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
