/* Node ids of before a power cut, in requests as the kernel writes them. */
#include <linux/fuse.h>

#include "fs/fuse/era.h"
#include "tests/check.h"

#define BODY sizeof(struct fuse_in_header)
#define NOW  3
#define OLD  2

static struct {
	struct fuse_in_header in;
	union {
		struct fuse_rename_in rename;
		struct fuse_rename2_in rename2;
		struct fuse_link_in link;
		struct fuse_copy_file_range_in copy;
		struct {
			struct fuse_batch_forget_in in;
			struct fuse_forget_one list[4];
		} forgets;
		uint8_t bytes[128];
	};
} r;

static uint64_t
node(uint64_t era, uint64_t ino)
{
	return era_node(era, ino);
}

static void
request(uint32_t opcode, uint64_t nodeid)
{
	memset(&r, 0, sizeof(r));
	r.in.opcode = opcode;
	r.in.nodeid = nodeid;
	r.in.unique = 77;
}

static enum era_verdict
take(void)
{
	return era_take(NOW, &r, sizeof(r));
}

static void
era__is_in_the_bits_above_the_number(void **state)
{
	(void)state;
	check_eq(era_node(0, 5), 5);
	check_eq(era_node(1, 5), (UINT64_C(1) << 48) + 5);
	check_eq(era_node(ERA_MAX, VOL_INO_MAX - 1), VOL_INO_CONTROL - 1);
	check_eq(era_node(ERA_MAX, VOL_INO_ROOT), VOL_INO_ROOT);
	check_eq(era_node(7, VOL_INO_CONTROL + 2), VOL_INO_CONTROL + 2);
}

static void
era__present_nodes_become_numbers(void **state)
{
	static const uint64_t same[] = {
	    0, VOL_INO_ROOT, VOL_INO_CONTROL, VOL_INO_CONTROL + 5};

	(void)state;
	request(FUSE_READ, node(NOW, 1234));
	check_eq(take(), ERA_SERVE);
	check_eq(r.in.nodeid, 1234);
	check_eq(r.in.unique, 77);
	for (size_t i = 0; i < 4; i++) {
		request(FUSE_GETATTR, same[i]);
		check_eq(take(), ERA_SERVE);
		check_eq(r.in.nodeid, same[i]);
	}
}

static void
era__old_nodes_are_refused(void **state)
{
	static const uint32_t opcodes[] = {FUSE_LOOKUP, FUSE_GETATTR,
	    FUSE_SETATTR, FUSE_READ, FUSE_WRITE, FUSE_FSYNC, FUSE_UNLINK,
	    FUSE_OPENDIR, FUSE_READDIR, FUSE_READDIRPLUS, FUSE_FLUSH,
	    FUSE_RENAME2, FUSE_STATFS};
	static const uint64_t eras[] = {0, OLD, NOW + 1, ERA_MAX};

	(void)state;
	for (size_t i = 0; i < sizeof(opcodes) / sizeof(*opcodes); i++)
		for (size_t j = 0; j < 4; j++) {
			request(opcodes[i], node(eras[j], 1234));
			check_eq(take(), ERA_REFUSE);
		}
}

static void
era__old_handles_are_released(void **state)
{
	(void)state;
	request(FUSE_RELEASEDIR, node(OLD, 9));
	check_eq(take(), ERA_SERVE);
	check_eq(r.in.nodeid, 9);
	request(FUSE_RELEASE, node(0, 9));
	check_eq(take(), ERA_SERVE);
	check_eq(r.in.nodeid, 9);
}

static void
era__old_lookups_are_not_taken_back(void **state)
{
	(void)state;
	request(FUSE_FORGET, node(OLD, 9));
	check_eq(take(), ERA_DROP);
	request(FUSE_FORGET, node(NOW, 9));
	check_eq(take(), ERA_SERVE);
	check_eq(r.in.nodeid, 9);
}

static void
forget(uint64_t nodeid)
{
	r.forgets.list[r.forgets.in.count++] =
	    (struct fuse_forget_one){nodeid, nodeid % 100};
}

static void
era__forgets_of_several_are_told_apart(void **state)
{
	(void)state;
	request(FUSE_BATCH_FORGET, 0);
	forget(node(OLD, 10));
	forget(node(NOW, 11));
	forget(node(0, 12));
	forget(node(NOW, 13));
	check_eq(take(), ERA_SERVE);
	check_eq(r.forgets.in.count, 2);
	check_eq(r.forgets.list[0].nodeid, 11);
	check_eq(r.forgets.list[0].nlookup, node(NOW, 11) % 100);
	check_eq(r.forgets.list[1].nodeid, 13);
	check_eq(r.forgets.list[1].nlookup, node(NOW, 13) % 100);

	request(FUSE_BATCH_FORGET, 0);
	forget(node(OLD, 10));
	forget(node(0, 12));
	check_eq(take(), ERA_DROP);
}

static void
era__forgets_that_do_not_fit_are_dropped(void **state)
{
	(void)state;
	request(FUSE_BATCH_FORGET, 0);
	forget(node(NOW, 10));
	r.forgets.in.count = UINT32_MAX;
	check_eq(take(), ERA_DROP);
	check_eq(era_take(NOW, &r, BODY + 4), ERA_DROP);
	r.forgets.in.count = 1;
	check_eq(era_take(NOW, &r, BODY + sizeof(r.forgets.in) + 15), ERA_DROP);
	check_eq(
	    era_take(NOW, &r, BODY + sizeof(r.forgets.in) + 16), ERA_SERVE);
}

/* Requests with a second node: where that is, and the shortest of its kind. */
static const struct {
	uint32_t opcode;
	uint64_t *second;
} pairs[] = {
    {FUSE_RENAME, &r.rename.newdir},
    {FUSE_RENAME2, &r.rename2.newdir},
    {FUSE_LINK, &r.link.oldnodeid},
    {FUSE_COPY_FILE_RANGE, &r.copy.nodeid_out},
    {53, &r.copy.nodeid_out},
};

static void
era__second_nodes_are_looked_at_too(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(pairs) / sizeof(*pairs); i++) {
		uint64_t *second = pairs[i].second;
		size_t end = (size_t)((uint8_t *)(second + 1) - (uint8_t *)&r);

		request(pairs[i].opcode, VOL_INO_ROOT);
		*second = node(NOW, 20);
		check_eq(take(), ERA_SERVE);
		check_eq(*second, 20);
		*second = node(OLD, 20);
		check_eq(take(), ERA_REFUSE);
		*second = VOL_INO_ROOT;
		r.in.nodeid = node(NOW, 21);
		check_eq(era_take(NOW, &r, end), ERA_SERVE);
		check_eq(r.in.nodeid, 21);
		check_eq(*second, VOL_INO_ROOT);
		r.in.nodeid = node(NOW, 21);
		check_eq(era_take(NOW, &r, end - 1), ERA_REFUSE);
	}
}

static void
era__without_a_cut_nothing_is_looked_at(void **state)
{
	(void)state;
	request(FUSE_READ, node(5, 9));
	check_eq(era_take(0, &r, sizeof(r)), ERA_SERVE);
	check_eq(r.in.nodeid, node(5, 9));
}

static void
era__less_than_a_header_is_not_looked_at(void **state)
{
	uint8_t few[BODY - 1] = {0};

	(void)state;
	check_eq(era_take(NOW, few, sizeof(few)), ERA_SERVE);
	check_eq(era_take(NOW, few, 0), ERA_SERVE);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(era__is_in_the_bits_above_the_number),
	    cmocka_unit_test(era__present_nodes_become_numbers),
	    cmocka_unit_test(era__old_nodes_are_refused),
	    cmocka_unit_test(era__old_handles_are_released),
	    cmocka_unit_test(era__old_lookups_are_not_taken_back),
	    cmocka_unit_test(era__forgets_of_several_are_told_apart),
	    cmocka_unit_test(era__forgets_that_do_not_fit_are_dropped),
	    cmocka_unit_test(era__second_nodes_are_looked_at_too),
	    cmocka_unit_test(era__without_a_cut_nothing_is_looked_at),
	    cmocka_unit_test(era__less_than_a_header_is_not_looked_at),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
