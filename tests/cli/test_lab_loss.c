#include "tests/check.h"

#include "fs/cli/lab_loss.h"

#define MS UINT64_C(1000000)

/* Steps that take one ms each, one after the other, the first from 10 ms on:
 * step k is acknowledged at 10 + k ms. */
static const uint64_t began[] = {10 * MS, 11 * MS, 12 * MS, 13 * MS, 14 * MS};
static const uint64_t acked[] = {11 * MS, 12 * MS, 13 * MS, 14 * MS, 15 * MS};

static struct lab_track
track_of(uint64_t count, uint64_t survived)
{
	return (struct lab_track){
	    .began = began,
	    .acked = acked,
	    .acked_count = count,
	    .begun_count = count + 1,
	    .survived = survived,
	};
}

static struct lab_loss
loss_of(const struct lab_track *tracks, size_t count)
{
	const struct lab_moment cut = {20 * MS, 22 * MS};
	struct lab_loss l;

	lab_loss_of(tracks, count, &cut, &l);
	return l;
}

static void
lab_loss__nothing_lost(void **state)
{
	const struct lab_track t = track_of(4, 4);
	struct lab_loss l = loss_of(&t, 1);

	(void)state;
	check_eq(l.acked, 4);
	check_eq(l.survived, 4);
	check_eq(l.lost, 0);
	check_eq(l.age_ns, 0);
	check_eq(l.over_ns, 0);
	check_eq(l.unsure_ns, 2 * MS);
	check_true(l.prefix);
}

static void
lab_loss__the_age_is_that_of_the_first_lost(void **state)
{
	const struct lab_track t = track_of(4, 1);
	struct lab_loss l = loss_of(&t, 1);

	(void)state;
	check_eq(l.survived, 1);
	check_eq(l.lost, 3);
	check_eq(l.age_ns, 8 * MS); /* step 2, at 12 ms */
	check_eq(l.over_ns, MS);    /* step 4 began at 13 ms */
	check_true(l.prefix);
}

static void
lab_loss__a_step_in_work_may_be_there(void **state)
{
	const struct lab_track t = track_of(3, 4);
	struct lab_loss l = loss_of(&t, 1);

	(void)state;
	check_eq(l.acked, 3);
	check_eq(l.survived, 3);
	check_eq(l.lost, 0);
	check_true(l.prefix);
}

static void
lab_loss__an_invented_step_is_no_prefix(void **state)
{
	const struct lab_track t = track_of(3, 5);
	struct lab_loss l = loss_of(&t, 1);

	(void)state;
	check_false(l.prefix);
	check_contains(l.why, "step 5 is there, but only 4 had begun");
}

static void
lab_loss__of_writers_is_added_up(void **state)
{
	/* Step 3 of the one is acknowledged at 13 ms, step 4 of the other
	 * begins then. */
	const struct lab_track t[] = {track_of(4, 2), track_of(5, 4)};
	struct lab_loss l = loss_of(t, 2);

	(void)state;
	check_eq(l.acked, 9);
	check_eq(l.lost, 3);
	check_eq(l.age_ns, 7 * MS);
	check_eq(l.over_ns, MS); /* step 5 of the other */
	check_true(l.prefix);
}

static void
lab_loss__what_began_later_may_not_outlive_the_lost(void **state)
{
	const struct lab_track t[] = {track_of(4, 2), track_of(5, 5)};
	struct lab_loss l = loss_of(t, 2);

	(void)state;
	check_false(l.prefix);
	check_contains(l.why, "writer 1: step 5 is there");
	check_contains(l.why, "step 3 of writer 0");
}

static void
lab_loss__an_acknowledgement_after_the_cut_has_no_age(void **state)
{
	const struct lab_track t = track_of(5, 4);
	const struct lab_moment cut = {14 * MS, 0};
	struct lab_loss l;

	(void)state;
	lab_loss_of(&t, 1, &cut, &l);
	check_eq(l.lost, 1);
	check_eq(l.age_ns, 0);
	check_eq(l.unsure_ns, 0);
}

static void
lab_loss__the_cut_is_after_the_begin_of_what_was_acknowledged(void **state)
{
	const struct lab_track t[] = {
	    track_of(0, 0), track_of(3, 3), track_of(2, 2)};

	(void)state;
	check_eq(lab_loss_earliest(t, 3), 12 * MS);
	check_eq(lab_loss_earliest(t, 1), 0);
}

/* --- bounds -----------------------------------------------------------------
 */

static const struct {
	enum durability_policy policy;
	bool durable;
	unsigned writers, changes;
	uint64_t steps, ms;
} bounds[] = {
    {DURABILITY_SYNC, false, 1, 1, 0, 0},
    {DURABILITY_SYNC, false, 8, 3, 0, 0},
    {DURABILITY_BATCH, false, 1, 1, 100, 10},
    {DURABILITY_BATCH, false, 1, 2, 50, 10},
    {DURABILITY_BATCH, false, 1, 3, 34, 10},
    {DURABILITY_BATCH, false, 4, 3, 36, 10},
    {DURABILITY_BATCH, false, 200, 3, 100, 10},
    {DURABILITY_ADAPTIVE, false, 1, 1, LAB_LOSS_ANY, 10},
    {DURABILITY_NONE, false, 1, 1, LAB_LOSS_ANY, LAB_LOSS_ANY},
    {DURABILITY_NONE, true, 1, 1, 0, 0},
    {DURABILITY_BATCH, true, 4, 3, 0, 0},
};

static void
lab_loss__bounds_follow_from_the_policy(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(bounds) / sizeof(*bounds); i++) {
		struct durability d = durability_of(bounds[i].policy);
		struct lab_bound b = lab_loss_bound(&d, bounds[i].durable,
		    bounds[i].writers, bounds[i].changes);

		check_eq(b.steps, bounds[i].steps);
		check_eq(b.ms, bounds[i].ms);
	}
}

static const struct {
	uint64_t lost, age_ns, over_ns;
	bool prefix;
	struct lab_bound bound;
	unsigned broken;
} verdicts[] = {
    {0, 0, 0, true, {0, 0}, 0},
    {1, 0, 0, true, {0, 0}, LAB_LOSS_STEPS},
    {1, 90 * MS, 90 * MS, true, {0, 0}, LAB_LOSS_STEPS},
    {100, 10 * MS, 10 * MS, true, {100, 10}, 0},
    {101, 10 * MS, 10 * MS, true, {100, 10}, LAB_LOSS_STEPS},
    /* 2 ms to be woken, 5 ms for a sync */
    {100, 12 * MS, 12 * MS, true, {100, 10}, 0},
    {100, 13 * MS, 12 * MS + 1, true, {100, 10}, LAB_LOSS_MS},
    {100, 17 * MS, 9 * MS, true, {100, 10}, 0},
    {100, 17 * MS + 1, 0, true, {100, 10}, LAB_LOSS_MS},
    {9999, 18 * MS, 0, true, {LAB_LOSS_ANY, 10}, LAB_LOSS_MS},
    {9999, 999 * MS, 999 * MS, true, {LAB_LOSS_ANY, LAB_LOSS_ANY}, 0},
    {0, 0, 0, false, {LAB_LOSS_ANY, LAB_LOSS_ANY}, LAB_LOSS_ORDER},
    {101, 99 * MS, 99 * MS, false, {100, 10},
	LAB_LOSS_ORDER | LAB_LOSS_STEPS | LAB_LOSS_MS},
};

static void
lab_loss__what_exceeds_a_bound_is_broken(void **state)
{
	const struct lab_allowance allowance = {2 * MS, 5 * MS};

	(void)state;
	for (size_t i = 0; i < sizeof(verdicts) / sizeof(*verdicts); i++) {
		const struct lab_loss l = {
		    .lost = verdicts[i].lost,
		    .age_ns = verdicts[i].age_ns,
		    .over_ns = verdicts[i].over_ns,
		    .prefix = verdicts[i].prefix,
		};

		check_eq(lab_loss_broken(&l, &verdicts[i].bound, &allowance),
		    verdicts[i].broken);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(lab_loss__nothing_lost),
	    cmocka_unit_test(lab_loss__the_age_is_that_of_the_first_lost),
	    cmocka_unit_test(lab_loss__a_step_in_work_may_be_there),
	    cmocka_unit_test(lab_loss__an_invented_step_is_no_prefix),
	    cmocka_unit_test(lab_loss__of_writers_is_added_up),
	    cmocka_unit_test(
		lab_loss__what_began_later_may_not_outlive_the_lost),
	    cmocka_unit_test(
		lab_loss__an_acknowledgement_after_the_cut_has_no_age),
	    cmocka_unit_test(
		lab_loss__the_cut_is_after_the_begin_of_what_was_acknowledged),
	    cmocka_unit_test(lab_loss__bounds_follow_from_the_policy),
	    cmocka_unit_test(lab_loss__what_exceeds_a_bound_is_broken),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
