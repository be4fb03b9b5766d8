#include "tests/support/edits.h"

void
edits_example_snapshot(struct edit *e)
{
	*e = (struct edit){0};
	check_ok(named_add(&e->drops, "old", 0, 0));
	check_ok(named_add(&e->snapshots, "new", 42, 1700000000000));
}

void
edits_example(struct edit *e)
{
	struct table_info info = {.file_no = 12,
	    .file_bytes = 300,
	    .entries = 2,
	    .deletes = 1,
	    .seq_min = 41,
	    .seq_max = 42};
	struct version_file *f;

	*e = (struct edit){.log_number = 9, .next_number = 13, .last_seq = 42};
	check_ok(
	    ikey_append(&info.smallest, bytes_str("a"), 42, IKEY_KIND_PUT));
	check_ok(
	    ikey_append(&info.largest, bytes_str("k"), 41, IKEY_KIND_DELETE));
	check_ok(version_file_new(NULL, &info, &f));
	check_ok(edit_add_file(e, 1, f));
	check_ok(edit_remove_file(e, 0, 10));
	version_file_unref(f);
	table_info_fini(&info);
}

void
edits_check_file(
    const struct version_file *got, const struct version_file *want)
{
	check_eq(got->number, want->number);
	check_eq(got->bytes, want->bytes);
	check_eq(got->entries, want->entries);
	check_eq(got->deletes, want->deletes);
	check_eq(got->seq_min, want->seq_min);
	check_eq(got->seq_max, want->seq_max);
	check_bytes_eq(buf_bytes(&got->smallest), buf_bytes(&want->smallest));
	check_bytes_eq(buf_bytes(&got->largest), buf_bytes(&want->largest));
	check_eq(got->ranges, want->ranges);
	check_bytes_eq(
	    buf_bytes(&got->ranges_begin), buf_bytes(&want->ranges_begin));
	check_bytes_eq(
	    buf_bytes(&got->ranges_end), buf_bytes(&want->ranges_end));
	check_eq(got->span.end, want->span.end);
	check_true(vref_list_eq(&got->value_refs, &want->value_refs));
	check_true(expiries_eq(&got->expiries, &want->expiries));
	check_true(hidden_eq(&got->hidden, &want->hidden));
}

void
edits_check_same(const struct edit *got, const struct edit *want)
{
	check_eq(got->log_number, want->log_number);
	check_eq(got->next_number, want->next_number);
	check_eq(got->last_seq, want->last_seq);
	check_eq(got->add_count, want->add_count);
	check_eq(got->remove_count, want->remove_count);
	check_true(named_same(&got->drops, &want->drops));
	check_true(named_same(&got->snapshots, &want->snapshots));
	for (size_t i = 0; i < got->add_count; i++) {
		check_eq(got->adds[i].level, want->adds[i].level);
		edits_check_file(got->adds[i].file, want->adds[i].file);
	}
	for (size_t i = 0; i < got->remove_count; i++) {
		check_eq(got->removes[i].level, want->removes[i].level);
		check_eq(got->removes[i].number, want->removes[i].number);
	}
}
