/* Pins: an object is freed when the last who holds it lets go, not before,
 * whatever way the references took. */
#include "engine/base/pin.h"

#include <pthread.h>
#include <stdlib.h>

#include "tests/check.h"

struct object {
	struct pin pin; /* first */
	uint64_t number;
	uint64_t again; /* number too, while it lives */
};

static struct object *
object_new(uint64_t number)
{
	struct object *o = malloc(sizeof(*o));

	check_true(o != NULL);
	pin_init(&o->pin);
	o->number = o->again = number;
	return o;
}

static struct object *
object_get(struct pin_slot *s)
{
	return (struct object *)(void *)pin_slot_get(s);
}

/* The last reference, and it is freed. */
static void
object_last(struct object *o)
{
	check_true(pin_unref(&o->pin));
	free(o);
}

static void
pin__replaced_object_lives_while_it_is_held(void **state)
{
	struct pin_slot s = {0};
	struct object *a = object_new(1), *b = object_new(2);

	(void)state;
	check_true(pin_slot_replace(&s, &a->pin) == NULL);
	check_true(object_get(&s) == a && object_get(&s) == a);
	check_true(pin_slot_replace(&s, &b->pin) == &a->pin);
	check_true(object_get(&s) == b);
	check_false(pin_slot_put(&s, &b->pin));
	/* Two from the slot, one from replace. */
	check_false(pin_unref(&a->pin));
	check_false(pin_slot_put(&s, &a->pin));
	object_last(a);
	check_true(pin_slot_replace(&s, NULL) == &b->pin);
	object_last(b);
}

static void
pin__object_in_the_slot_is_not_freed(void **state)
{
	struct pin_slot s = {0};
	struct object *a = object_new(1);

	(void)state;
	pin_slot_replace(&s, &a->pin);
	for (int i = 0; i < 1000; i++) {
		object_get(&s);
		check_false(pin_slot_put(&s, &a->pin));
		object_get(&s);
		check_false(pin_unref(&a->pin));
	}
	/* With nothing counted in the cell. */
	object_get(&s);
	check_false(pin_slot_put(&s, &a->pin));
	pin_slot_replace(&s, NULL);
	object_last(a);
}

/* More than a word can count. */
static void
pin__any_number_of_references(void **state)
{
	const uint64_t many = 300000;
	struct pin_slot s = {0};
	struct object *a = object_new(1);

	(void)state;
	pin_slot_replace(&s, &a->pin);
	for (uint64_t i = 0; i < many; i++)
		check_true(object_get(&s) == a);
	for (uint64_t i = 0; i < many / 2; i++)
		check_false(
		    i % 2 ? pin_unref(&a->pin) : pin_slot_put(&s, &a->pin));
	pin_slot_replace(&s, NULL);
	for (uint64_t i = 0; i < many / 2; i++)
		check_false(pin_unref(&a->pin));
	object_last(a);
}

/* --- many threads ---------------------------------------------------------
 */

#define THREADS   4
#define HELD      16
#define REPLACING 2000

struct shared {
	struct pin_slot slot;
	_Atomic uint64_t living;
	_Atomic uint64_t wrong;
	atomic_bool end;
	_Atomic(struct object *) handed; /* from thread to thread */
};

static void
shared_drop(struct shared *s, struct object *o, bool put)
{
	if (o->number != o->again)
		atomic_fetch_add(&s->wrong, 1);
	if (!(put ? pin_slot_put(&s->slot, &o->pin) : pin_unref(&o->pin)))
		return;
	o->again = 0; /* a race, were it not the last */
	free(o);
	atomic_fetch_sub(&s->living, 1);
}

static void *
shared_use(void *arg)
{
	struct shared *s = arg;
	struct object *held[HELD] = {0}, *o;
	uint64_t newest = 0;

	for (unsigned i = 0; !atomic_load(&s->end); i++) {
		o = object_get(&s->slot);
		if (o->number < newest)
			atomic_fetch_add(&s->wrong, 1);
		newest = o->number;
		if (i % 3 == 0) {
			shared_drop(s, o, true);
			continue;
		}
		if (i % 7 == 0)
			o = atomic_exchange(&s->handed, o);
		if (held[i % HELD])
			shared_drop(s, held[i % HELD], i % 2 == 0);
		held[i % HELD] = o;
	}
	for (unsigned i = 0; i < HELD; i++)
		if (held[i])
			shared_drop(s, held[i], false);
	return NULL;
}

static void
pin__threads_free_each_object_once(void **state)
{
	struct shared s = {0};
	pthread_t threads[THREADS];
	struct object *o;

	(void)state;
	o = object_new(1);
	atomic_store(&s.living, 1);
	pin_slot_replace(&s.slot, &o->pin);
	for (int i = 0; i < THREADS; i++)
		check_ok(pthread_create(&threads[i], NULL, shared_use, &s));
	for (uint64_t i = 2; i < REPLACING; i++) {
		o = object_new(i);
		atomic_fetch_add(&s.living, 1);
		o = (struct object *)(void *)pin_slot_replace(&s.slot, &o->pin);
		shared_drop(&s, o, i % 2 == 0);
		if (i % 64 == 0)
			sched_yield();
	}
	atomic_store(&s.end, true);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	o = atomic_load(&s.handed);
	if (o)
		shared_drop(&s, o, false);
	check_eq(atomic_load(&s.wrong), 0);
	check_eq(atomic_load(&s.living), 1);
	object_last((struct object *)(void *)pin_slot_replace(&s.slot, NULL));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(pin__replaced_object_lives_while_it_is_held),
	    cmocka_unit_test(pin__object_in_the_slot_is_not_freed),
	    cmocka_unit_test(pin__any_number_of_references),
	    cmocka_unit_test(pin__threads_free_each_object_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
