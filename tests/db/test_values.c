#include "engine/db/values.h"

#include <stdio.h>
#include <stdlib.h>

#include "engine/db/collect.h"
#include "engine/db/compact.h"
#include "engine/db/edit.h"
#include "engine/db/value_read.h"
#include "tests/support/store_dir.h"

struct fixture {
	struct store_dir d;
	struct values set;
};

static void
init(struct fixture *f)
{
	store_dir_init(&f->d);
	values_init(&f->set, &f->d.fault.env, f->d.path, f->d.cache);
	f->d.place.values = &f->set;
}

static void
fini(struct fixture *f)
{
	values_fini(&f->set);
	store_dir_fini(&f->d);
}

static struct value_file *
hold(struct fixture *f, uint64_t number, enum vref_kind kind)
{
	struct value_file *file = NULL;

	check_ok(values_hold(&f->set, vref_file(number, kind), &file));
	return file;
}

/* --- the set -------------------------------------------------------------- */

static void
values__are_known_while_held(void **state)
{
	struct fixture f;
	struct value_file *a, *b, *c;

	(void)state;
	init(&f);
	a = hold(&f, 7, VREF_KIND_LOG);
	b = hold(&f, 7, VREF_KIND_LOG);
	c = hold(&f, 5, VREF_KIND_VALUES);
	check_true(a == b);
	check_contains(a->path, "/000007.log");
	check_contains(c->path, "/000005.val");
	check_true(values_find(&f.set, a->file) == a);
	check_true(values_find(&f.set, c->file) == c);
	check_true(values_find(&f.set, c->file - 1) == NULL);
	check_false(values_is_alone(a));
	check_true(values_is_alone(c));
	values_set_shared(c);
	check_false(values_is_alone(c)); /* another store has it, too */
	values_unref(a);
	check_true(values_is_alone(a));
	values_ref(a);
	values_unref(a);
	values_unref(a);
	check_true(values_find(&f.set, vref_file(7, VREF_KIND_LOG)) == NULL);
	values_unref(c);
	values_unref(NULL);
	fini(&f);
}

static void
values__go_with_the_last_reference_if_obsolete(void **state)
{
	struct fixture f;
	struct value_file *a, *b;

	(void)state;
	init(&f);
	store_dir_store(&f.d, "000007.log", bytes_str("x"));
	store_dir_store(&f.d, "000008.log", bytes_str("x"));
	a = hold(&f, 7, VREF_KIND_LOG);
	b = hold(&f, 8, VREF_KIND_LOG);
	values_ref(a);
	values_set_obsolete(a);
	values_unref(a);
	check_false(values_is_alone(a)); /* it cannot be used again */
	check_true(store_dir_has(&f.d, "000007.log"));
	values_unref(a);
	check_false(store_dir_has(&f.d, "000007.log"));
	values_unref(b);
	check_true(store_dir_has(&f.d, "000008.log"));
	store_dir_clear(&f.d);
	fini(&f);
}

static void
values__random_holds_are_counted(void **state)
{
	struct check_rand r = check_rand_of(check_seed());
	struct value_file *held[200] = {NULL};
	unsigned counts[50] = {0};
	struct fixture f;

	(void)state;
	init(&f);
	for (int i = 0; i < 20000; i++) {
		size_t at = check_rand_below(&r, 200);
		uint64_t file = at % 50;

		if (held[at]) {
			values_unref(held[at]);
			held[at] = NULL;
			counts[file]--;
		} else {
			held[at] = hold(&f, file + 1, VREF_KIND_VALUES);
			counts[file]++;
		}
		check_eq(values_find(&f.set,
			     vref_file(file + 1, VREF_KIND_VALUES)) != NULL,
		    counts[file] > 0);
	}
	for (size_t at = 0; at < 200; at++)
		values_unref(held[at]);
	fini(&f);
}

/* --- reading -------------------------------------------------------------- */

static void
values__reading_tells_what_is_wrong(void **state)
{
	uint8_t ref[VREF_BYTES_MAX];
	struct cache_block *b;
	struct value_file *file;
	struct fixture f;
	size_t size;

	(void)state;
	init(&f);
	size = vref_encode(
	    ref, vref_file(7, VREF_KIND_LOG), 3, bytes_str("apple"));
	check_err(
	    value_read(&f.set, bytes_of(ref, size - 1), true, &b), ERR_DAMAGED);
	check_contains(f.d.log.last, "malformed");
	check_err(
	    value_read(&f.set, bytes_of(ref, size), true, &b), ERR_DAMAGED);
	check_contains(f.d.log.last, "which no table names");
	file = hold(&f, 7, VREF_KIND_LOG);
	check_err(
	    value_read(&f.set, bytes_of(ref, size), true, &b), ERR_DAMAGED);
	check_contains(f.d.log.last, "missing");
	store_dir_store(&f.d, "000007.log", bytes_str("123appl"));
	check_err(
	    value_read(&f.set, bytes_of(ref, size), true, &b), ERR_DAMAGED);
	store_dir_store(&f.d, "000007.log", bytes_str("123apply"));
	values_unref(file);
	file = hold(&f, 7, VREF_KIND_LOG);
	check_err(
	    value_read(&f.set, bytes_of(ref, size), true, &b), ERR_DAMAGED);
	check_contains(f.d.log.last, "000007.log: damaged at offset 3");
	store_dir_store(&f.d, "000007.log", bytes_str("123apple"));
	values_unref(file);
	file = hold(&f, 7, VREF_KIND_LOG);
	check_ok(value_read(&f.set, bytes_of(ref, size), true, &b));
	check_bytes_eq(b->data, bytes_str("apple"));
	cache_unref(b);
	values_unref(file);
	store_dir_clear(&f.d);
	fini(&f);
}

/* Four pieces in file 7, and references to the first bytes of them, each good
 * by itself. */
#define CONTENT 200000

struct pieces {
	struct fixture f;
	struct value_file *file;
	uint8_t *content;
	uint8_t ref[VREF_BYTES_MAX];
};

static struct pieces *
pieces_new(void)
{
	struct pieces *p = calloc(1, sizeof(*p));
	struct check_rand r = check_rand_of(1);

	check_true(p != NULL);
	init(&p->f);
	p->content = malloc(CONTENT);
	check_true(p->content != NULL);
	check_rand_fill(&r, p->content, CONTENT);
	store_dir_store(&p->f.d, "000007.log", bytes_of(p->content, CONTENT));
	p->file = hold(&p->f, 7, VREF_KIND_LOG);
	return p;
}

static void
pieces_free(struct pieces *p)
{
	values_unref(p->file);
	store_dir_clear(&p->f.d);
	fini(&p->f);
	free(p->content);
	free(p);
}

static struct bytes
ref_of(struct pieces *p, size_t size)
{
	struct bytes value = bytes_of(p->content, size);

	return bytes_of(
	    p->ref, vref_encode(p->ref, vref_file(7, VREF_KIND_LOG), 0, value));
}

static void
read_into_cache(struct pieces *p, size_t size)
{
	struct cache_block *b;

	check_ok(value_read(&p->f.set, ref_of(p, size), true, &b));
	check_bytes_eq(b->data, bytes_of(p->content, size));
	cache_unref(b);
}

static void
check_refused(struct pieces *p, int err)
{
	check_err(err, ERR_DAMAGED);
	check_contains(p->f.d.log.last,
	    "different sizes are said to be at offset 0 of file 7");
	p->f.d.log.last[0] = '\0';
}

static void
values__of_another_size_in_the_cache_are_refused(void **state)
{
	struct pieces *p = pieces_new();
	struct values *set = &p->f.set;
	struct cache_block *b;
	struct buf room = {0};
	struct bytes part;

	(void)state;
	read_into_cache(p, 150000);
	check_refused(p, value_read(set, ref_of(p, CONTENT), true, &b));
	check_refused(p, value_read(set, ref_of(p, 100000), true, &b));
	check_refused(
	    p, value_read_passing(set, ref_of(p, CONTENT), &room, &b, &part));
	check_refused(p,
	    value_read_part(set, ref_of(p, CONTENT), 199000, 1000, &b, &part));
	cache_drop_file(p->f.d.cache, 7);
	read_into_cache(p, 10); /* as the first piece of the others */
	check_refused(
	    p, value_read_part(set, ref_of(p, CONTENT), 100, 1000, &b, &part));
	check_refused(p, value_read(set, ref_of(p, 20), true, &b));
	read_into_cache(p, CONTENT);
	buf_fini(&room);
	pieces_free(p);
}

/* A reference may name a table's number. */
static void
values__are_not_taken_for_blocks_of_tables(void **state)
{
	struct pieces *p = pieces_new();
	uint8_t *data = malloc(frame_room(100));

	(void)state;
	check_true(data != NULL);
	memset(data, 'x', 100);
	cache_unref(cache_put(p->f.d.cache, 7, 0, data, 100, true));
	read_into_cache(p, 100);
	pieces_free(p);
}

static void
values__of_another_size_are_not_moved(void **state)
{
	struct pieces *p = pieces_new();
	const struct vref r = {.file = vref_file(7, VREF_KIND_LOG)};
	struct vset vset = {.next_number = 8};
	struct vref_list plan = {0};
	struct collect c = {.plan = &plan, .writer = {.vset = &vset}};
	struct compact_entry e = {.key = {bytes_str("key"), 1, IKEY_KIND_REF}};

	(void)state;
	vset.place = p->f.d.place;
	check_ok(vref_list_add(&plan, &r, 3));
	read_into_cache(p, CONTENT);
	e.value = ref_of(p, 100000);
	check_refused(p, collect_entry(&c, &e));
	collect_fini(&c);
	vref_list_fini(&plan);
	pieces_free(p);
}

/* --- what a version uses -------------------------------------------------- */

#define FILES 12

/* A table that refers to a few random files. */
static struct version_file *
random_table(struct fixture *f, struct check_rand *r, uint64_t number)
{
	struct table_info info = {.file_no = number,
	    .file_bytes = 1,
	    .entries = 1,
	    .seq_min = number,
	    .seq_max = number};
	struct version_file *file;
	char key[16];

	(void)snprintf(key, sizeof(key), "%08u", (unsigned)number);
	check_ok(
	    ikey_append(&info.smallest, bytes_str(key), number, IKEY_KIND_PUT));
	check_ok(buf_assign(&info.largest, buf_bytes(&info.smallest)));
	for (uint64_t n = check_rand_below(r, 6); n > 0; n--) {
		const struct vref v = {
		    .file = vref_file(
			1 + check_rand_below(r, FILES), VREF_KIND_VALUES),
		    .offset = 50 + check_rand_below(r, 1000),
		    .size = 1 + check_rand_below(r, 1000),
		};

		check_ok(vref_list_add(&info.refs, &v, 8));
	}
	check_ok(version_file_new(&f->d.place, &info, &file));
	table_info_fini(&info);
	return file;
}

static void
check_uses(const struct version *v)
{
	uint64_t bytes[FILES + 1] = {0}, tables[FILES + 1] = {0}, used = 0;

	for (size_t i = 0; i < v->levels[1].count; i++) {
		const struct vref_list *l = &v->levels[1].files[i]->value_refs;

		for (size_t j = 0; j < l->count; j++) {
			bytes[vref_number(l->uses[j].file)] += l->uses[j].bytes;
			tables[vref_number(l->uses[j].file)]++;
		}
	}
	for (uint64_t n = 1; n <= FILES; n++) {
		const struct version_use *u =
		    version_find_use(v, vref_file(n, VREF_KIND_VALUES));

		check_eq(u != NULL, tables[n] > 0);
		used += tables[n] > 0;
		if (u)
			check_eq(u->bytes, bytes[n]);
		if (u)
			check_eq(u->tables, tables[n]);
	}
	check_eq(v->use_count, used);
}

static void
values__used_by_a_version_follow_from_its_tables(void **state)
{
	struct check_rand r = check_rand_of(check_seed());
	struct version *v = NULL, *next;
	struct fixture f;

	(void)state;
	init(&f);
	for (uint64_t n = 1; n < 400; n++) {
		struct version_file *file = random_table(&f, &r, n);
		struct edit e = {0};
		size_t count = v ? v->levels[1].count : 0;

		check_ok(edit_add_file(&e, 1, file));
		version_file_unref(file);
		for (size_t i = 0; i < count; i++)
			if (check_rand_one_in(&r, 8))
				check_ok(edit_remove_file(
				    &e, 1, v->levels[1].files[i]->number));
		check_ok(version_build(v, &e, &f.d.sink, &next));
		edit_fini(&e);
		version_unref(v);
		v = next;
		check_uses(v);
	}
	version_unref(v);
	fini(&f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(values__are_known_while_held),
	    cmocka_unit_test(values__go_with_the_last_reference_if_obsolete),
	    cmocka_unit_test(values__random_holds_are_counted),
	    cmocka_unit_test(values__reading_tells_what_is_wrong),
	    cmocka_unit_test(values__of_another_size_in_the_cache_are_refused),
	    cmocka_unit_test(values__are_not_taken_for_blocks_of_tables),
	    cmocka_unit_test(values__of_another_size_are_not_moved),
	    cmocka_unit_test(values__used_by_a_version_follow_from_its_tables),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
