#include "engine/db/expiry.h"

#include <stdio.h>

#include "engine/db/compact.h"
#include "engine/os/env_fault.h"
#include "tests/check.h"
#include "tests/support/sorted.h"

#define NOW UINT64_C(1700000000000)

/* A clock that stands at NOW, and the last message. */
struct clock {
	struct env posix;
	struct env_fault fault;
	char message[512];
};

static void
keep_message(void *ctx, enum err_level level, const char *text)
{
	struct clock *c = ctx;

	(void)level;
	snprintf(c->message, sizeof(c->message), "%s", text);
}

static struct expiry
clock_init(struct clock *c)
{
	c->message[0] = '\0';
	env_posix_init(&c->posix, (struct err_sink){keep_message, c});
	env_fault_init(&c->fault, &c->posix);
	atomic_store(&c->fault.wall_ns, NOW * 1000000);
	return (struct expiry){.env = &c->fault.env, .dir = "STORE"};
}

static int
look(struct expiry *x, enum ikey_kind kind, struct bytes raw, struct value *v)
{
	return expiry_look(x, ikey_pack(42, kind), raw, v);
}

static struct bytes
until(uint8_t *room, uint64_t ms, const char *value)
{
	size_t size = strlen(value);

	wire_put_le64(room, ms);
	memcpy(room + VALUE_EXPIRY, value, size);
	return bytes_of(room, VALUE_EXPIRY + size);
}

static void
expiry__looks_at_the_clock_once_and_only_if_need_be(void **state)
{
	struct clock c;
	struct expiry x = clock_init(&c);
	uint8_t room[32];
	struct value v;

	(void)state;
	check_eq(look(&x, IKEY_KIND_PUT, bytes_str("v"), &v), 1);
	check_bytes_eq(v.bytes, bytes_str("v"));
	check_eq(v.expires_ms, 0);
	check_eq(look(&x, IKEY_KIND_DELETE, bytes_str(""), &v), 0);
	check_eq(atomic_load(&c.fault.wall_reads), 0);

	check_eq(look(&x, IKEY_KIND_UNTIL, until(room, NOW + 1, "v"), &v), 1);
	check_bytes_eq(v.bytes, bytes_str("v"));
	check_eq(v.expires_ms, NOW + 1);
	check_eq(look(&x, IKEY_KIND_UNTIL, until(room, NOW, "v"), &v), 0);
	atomic_store(&c.fault.wall_ns, NOW * 2 * 1000000);
	check_eq(look(&x, IKEY_KIND_UNTIL, until(room, NOW + 1, "v"), &v), 1);
	check_eq(atomic_load(&c.fault.wall_reads), 1);
	env_fault_fini(&c.fault);
}

static void
expiry__damage_has_a_message(void **state)
{
	struct clock c;
	struct expiry x = clock_init(&c);
	struct value v;

	(void)state;
	check_err(
	    look(&x, IKEY_KIND_UNTIL, bytes_str("short"), &v), ERR_DAMAGED);
	check_contains(c.message, "STORE: damaged");
	check_contains(c.message, "number 42");
	c.message[0] = '\0';
	check_err(look(&x, (enum ikey_kind)99, bytes_str(""), &v), ERR_DAMAGED);
	check_contains(c.message, "kind 99");
	env_fault_fini(&c.fault);
}

/* What a flush or compaction makes of the first entry of s. */
static int
take(struct compact_filter *f, struct sorted *s, struct compact_entry *e)
{
	struct iter *it = sorted_iter(s, NULL);
	int rc;

	check_eq(iter_first(it), 1);
	rc = compact_filter_take(f, it, e);
	iter_close(it);
	return rc;
}

static void
expiry__makes_a_delete_of_an_entry(void **state)
{
	struct clock c;
	struct compact_filter f = {.expiry = clock_init(&c)};
	struct sorted there = {0}, gone = {0}, bad = {0};
	struct compact_entry e;
	uint8_t room[32];

	(void)state;
	sorted_add(&there, bytes_str("k"), 7, IKEY_KIND_UNTIL,
	    until(room, NOW + 1, "v"));
	sorted_add(
	    &gone, bytes_str("k"), 7, IKEY_KIND_UNTIL, until(room, NOW, "v"));
	sorted_add(&bad, bytes_str("k"), 7, IKEY_KIND_UNTIL, bytes_str("v"));

	check_ok(take(&f, &there, &e));
	check_eq(e.key.kind, IKEY_KIND_UNTIL);
	check_bytes_eq(e.ikey, there.entries[0].key);
	check_bytes_eq(e.value, there.entries[0].value);
	check_eq(f.expired, 0);

	check_ok(take(&f, &gone, &e));
	check_eq(e.key.kind, IKEY_KIND_DELETE);
	check_eq(e.key.seq, 7);
	check_bytes_eq(e.key.user, bytes_str("k"));
	check_eq(ikey_trailer(e.ikey), ikey_pack(7, IKEY_KIND_DELETE));
	check_bytes_eq(ikey_user(e.ikey), bytes_str("k"));
	check_eq(e.value.size, 0);
	check_eq(f.expired, 1);

	check_err(take(&f, &bad, &e), ERR_DAMAGED);
	check_contains(c.message, "STORE: damaged");
	compact_filter_fini(&f);
	sorted_fini(&there);
	sorted_fini(&gone);
	sorted_fini(&bad);
	env_fault_fini(&c.fault);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(
		expiry__looks_at_the_clock_once_and_only_if_need_be),
	    cmocka_unit_test(expiry__damage_has_a_message),
	    cmocka_unit_test(expiry__makes_a_delete_of_an_entry),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
