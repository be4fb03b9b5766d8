/* Random calls on a mount and on a model of it agree. */
#include <stdio.h>

#include "tests/support/file.h"
#include "tests/support/mount.h"
#include "tests/support/step.h"

static const char *const top[] = {"one", "two", NULL};

static void
check_same(const struct step_state *s)
{
	char why[800];

	for (const char *const *name = top; *name; name++)
		if (!tree_compare(
			tree_find(s->tree, *name), *name, why, sizeof(why)))
			check_fail("%s", why);
}

static void
one_step(struct step_state *s, int *held)
{
	struct step step;
	char text[900];
	int want, got;

	step_next(s, &step);
	want = step_model(s, &step);
	got = step_run(&step, held);
	step_text(&step, text, sizeof(text));
	if (got != want)
		check_fail("returned %d, not %d: %s", got, want, text);
}

static void
model__agrees_after_every_hundred_steps(void **state)
{
	int steps = check_long() ? 20000 : 2000;
	struct step_state s;
	int held = -1;

	(void)state;
	umask(0);
	step_begin(&s, check_seed(), top);
	if (mount_now()->is_plain)
		s.xattr_max = 3000; /* ext4 */
	for (const char *const *name = top; *name; name++)
		check_ok(call(mkdir(*name, 0755)));
	for (int i = 1; i <= steps; i++) {
		one_step(&s, &held);
		if (i % 100 == 0)
			check_same(&s);
		if (i % 500 != 0)
			continue;
		if (held >= 0)
			file_close(held);
		held = -1;
		mount_again(mount_now());
		check_same(&s);
	}
	tree_free(s.tree);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(model__agrees_after_every_hundred_steps),
	};

	return mount_run(tests, sizeof(tests) / sizeof(*tests));
}
