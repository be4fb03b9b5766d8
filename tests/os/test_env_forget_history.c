/*
 * What a cut leaves of the bytes and the size of one file.
 */
#include "engine/os/env_forget_history.h"

#include <stdlib.h>

#include "tests/check.h"
#include "tests/support/forget.h"

#define SECTOR ENV_FORGET_SECTOR

static struct forget fx;

static void
env_forget_history__without_a_sync_nothing_is_left(void **state)
{
	struct forget *f = *state;
	struct env_forget_report r;

	forget_put_synced(f, "a", "old text");
	forget_put(f, "a", "new");
	forget_put_at(f, "a", "and longer than before", 4);
	forget_put_at(f, "a", "beyond a hole", 5000);
	forget_cut_off(f, "a", 2);
	forget_put_at(f, "a", "XYZ", 1);
	forget_check(f, "a", "nXYZ");
	r = forget_lose_all(f);
	forget_check(f, "a", "old text");
	check_eq(r.writes, 5);
	check_eq(r.writes_lost, 5);
	check_eq(r.bytes_lost, 3 + 22 + 13 + 3);
	check_eq(r.names, 0);
}

static void
env_forget_history__a_sync_keeps_what_was_before(void **state)
{
	struct forget *f = *state;
	struct env_forget_report r;

	forget_put_synced(f, "a", "one");
	forget_put(f, "a", "two");
	forget_cut_off(f, "a", 2);
	forget_sync(f, "a");
	forget_put(f, "a", "three");
	r = forget_lose_all(f);
	forget_check(f, "a", "tw");
	check_eq(r.writes, 1);
	check_eq(r.bytes_lost, 5);
}

static void
env_forget_history__growing_and_shrinking_is_undone(void **state)
{
	struct forget *f = *state;

	forget_put_synced(f, "a", "0123456789");
	forget_cut_off(f, "a", 100);
	forget_lose_all(f);
	forget_check(f, "a", "0123456789");
	forget_cut_off(f, "a", 0);
	forget_lose_all(f);
	forget_check(f, "a", "0123456789");
	forget_cut_off(f, "a", 3);
	forget_cut_off(f, "a", 12);
	forget_cut_off(f, "a", 5);
	forget_put_at(f, "a", "end", 7);
	forget_lose_all(f);
	forget_check(f, "a", "0123456789");
}

static void
env_forget_history__open_with_trunc_is_undone(void **state)
{
	struct forget *f = *state;
	struct env_file *file;

	forget_put_synced(f, "a", "precious");
	check_ok(env_open(f->env, forget_path(f, "a"),
	    ENV_OPEN_WRITE | ENV_OPEN_TRUNC, &file));
	check_ok(env_pwrite(file, "p", 1, 0));
	env_close(file);
	forget_check(f, "a", "p");
	forget_lose_all(f);
	forget_check(f, "a", "precious");
}

static void
env_forget_history__a_size_alone_is_reported(void **state)
{
	struct forget *f = *state;
	struct env_forget_report r;

	forget_put_synced(f, "a", "text");
	forget_cut_off(f, "a", 100);
	forget_cut_off(f, "a", 100);
	r = forget_lose_all(f);
	check_eq(r.writes, 2);
	check_eq(r.writes_lost, 1);
	check_eq(r.bytes_lost, 0);
}

/* Lost appends are cut off, however many they are, and not written over. */
static void
env_forget_history__lost_appends_cost_no_writes(void **state)
{
	struct forget *f = *state;
	uint64_t ops;

	forget_put_synced(f, "a", "text");
	for (unsigned i = 0; i < 100; i++)
		forget_put_at(f, "a", "more", 4 + 4 * i);
	ops = f->base.ops;
	check_eq(forget_lose_all(f).writes_lost, 100);
	check_eq(f->base.ops, ops + 1);
	forget_check(f, "a", "text");
}

/* Zeros are not kept in memory, and come back all the same. */
static void
env_forget_history__zeros_are_brought_back(void **state)
{
	struct forget *f = *state;
	struct env_file *file;
	uint8_t *data;
	size_t size;

	forget_put_synced(f, "a", "head");
	forget_cut_off(f, "a", 200000);
	forget_sync(f, "a");
	file = forget_open(f, "a");
	data = malloc(150000);
	check_true(data != NULL);
	memset(data, 'x', 150000);
	check_ok(env_pwrite(file, data, 150000, 2));
	free(data);
	env_close(file);
	forget_cut_off(f, "a", 100);
	forget_lose_all(f);
	check_ok(forget_read(f, "a", &data, &size));
	check_eq(size, 200000);
	check_bytes_eq(bytes_of(data, 4), bytes_str("head"));
	for (size_t i = 4; i < size; i++)
		check_eq(data[i], 0);
	free(data);
}

static void
env_forget_history__prefix_is_one_moment_of_all_files(void **state)
{
	struct forget *f = *state;
	const char *a[] = {"-0", "10", "10", "11", "1"};
	const char *b[] = {"-0", "-0", "20", "20", "20"};
	unsigned seen[5] = {0};

	for (uint64_t seed = 0; seed < 100; seed++) {
		unsigned i = 0;

		forget_put_synced(f, "a", "-0");
		forget_put_synced(f, "b", "-0");
		forget_put(f, "a", "1");
		forget_put(f, "b", "2");
		forget_put_at(f, "a", "1", 1);
		forget_cut_off(f, "a", 1);
		forget_restart(f, ENV_FORGET_KEEP_PREFIX, seed);
		while (i < 5 && (strcmp(forget_text(f, "a"), a[i]) != 0 ||
				    strcmp(forget_text(f, "b"), b[i]) != 0))
			i++;
		check_le(i, 4);
		seen[i]++;
	}
	for (unsigned i = 0; i < 5; i++)
		check_ne(seen[i], 0);
}

static void
fill(struct env_file *file, int byte, size_t size, uint64_t offset)
{
	uint8_t *data = malloc(size);

	check_true(data != NULL);
	memset(data, byte, size);
	check_ok(env_pwrite(file, data, size, offset));
	free(data);
}

/* Writes 'n' over nearly all of three synced sectors of 'o'; a bit for each
 * that a cut left written. */
static unsigned
torn(struct forget *f, uint64_t seed)
{
	struct env_file *file = forget_open(f, "a");
	unsigned mask = 0;
	uint8_t *data;
	size_t size;

	fill(file, 'o', 3 * SECTOR, 0);
	check_ok(env_sync(file));
	forget_sync_names(f);
	fill(file, 'n', 3 * SECTOR - 20, 10);
	env_close(file);
	forget_restart(f, ENV_FORGET_KEEP_RANDOM, seed);
	check_ok(forget_read(f, "a", &data, &size));
	check_eq(size, 3 * SECTOR);
	for (size_t i = 0; i < size; i++) {
		bool edge = i < 10 || i >= size - 10;

		if (i % SECTOR == SECTOR / 2 && data[i] == 'n')
			mask |= 1u << i / SECTOR;
		if (edge)
			check_eq(data[i], 'o');
		else
			check_eq(data[i], data[i / SECTOR * SECTOR + 100]);
	}
	free(data);
	return mask;
}

static void
env_forget_history__random_tears_between_sectors(void **state)
{
	unsigned seen[8] = {0};

	for (uint64_t seed = 0; seed < 400; seed++)
		seen[torn(*state, seed)]++;
	for (unsigned i = 0; i < 8; i++)
		check_ne(seen[i], 0);
}

static void
env_forget_history__random_size_does_not_follow_the_bytes(void **state)
{
	struct forget *f = *state;
	unsigned seen[2][2] = {{0}};
	struct env_forget_report r;

	for (uint64_t seed = 0; seed < 200; seed++) {
		struct env_file *file = forget_open(f, "a");
		uint8_t *data;
		size_t size;

		check_ok(env_truncate(file, 0));
		fill(file, 'o', 100, 0);
		check_ok(env_sync(file));
		forget_sync_names(f);
		fill(file, 'n', 400, 50);
		env_close(file);
		r = forget_restart(f, ENV_FORGET_KEEP_RANDOM, seed);
		check_ok(forget_read(f, "a", &data, &size));
		check_true(size == 100 || size == 450);
		if (data[50] != 'n')
			check_eq(r.bytes_lost, 400);
		else
			check_eq(r.bytes_lost, size == 450 ? 0 : 350);
		check_eq(r.writes_lost, r.bytes_lost > 0);
		seen[size == 450][data[50] == 'n']++;
		for (size_t i = 50; i < size; i++)
			check_eq(data[i], data[50] == 'n' ? 'n'
					  : i < 100       ? 'o'
							  : 0);
		free(data);
	}
	for (unsigned i = 0; i < 4; i++)
		check_ne(seen[i / 2][i % 2], 0);
}

static void
env_forget_history__same_seed_same_result(void **state)
{
	struct forget *f = *state;

	for (uint64_t seed = 0; seed < 20; seed++) {
		unsigned mask[2];

		for (unsigned i = 0; i < 2; i++) {
			forget_fini(f);
			forget_init(f);
			forget_put(f, "b", "another file");
			mask[i] = torn(f, seed);
		}
		check_eq(mask[0], mask[1]);
	}
}

#define in_fixture(f) forget_case(f, &fx)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    in_fixture(env_forget_history__without_a_sync_nothing_is_left),
	    in_fixture(env_forget_history__a_sync_keeps_what_was_before),
	    in_fixture(env_forget_history__growing_and_shrinking_is_undone),
	    in_fixture(env_forget_history__open_with_trunc_is_undone),
	    in_fixture(env_forget_history__a_size_alone_is_reported),
	    in_fixture(env_forget_history__lost_appends_cost_no_writes),
	    in_fixture(env_forget_history__zeros_are_brought_back),
	    in_fixture(env_forget_history__prefix_is_one_moment_of_all_files),
	    in_fixture(env_forget_history__random_tears_between_sectors),
	    in_fixture(
		env_forget_history__random_size_does_not_follow_the_bytes),
	    in_fixture(env_forget_history__same_seed_same_result),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
