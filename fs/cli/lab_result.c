#include "fs/cli/lab_result.h"

#include <errno.h>
#include <stdlib.h>

int
lab_result_init(struct lab_result *r, size_t cells)
{
	*r = (struct lab_result){.cells = calloc(cells, sizeof(*r->cells))};
	return r->cells ? 0 : -ENOMEM;
}

void
lab_result_fini(struct lab_result *r)
{
	for (size_t i = 0; i < r->count; i++)
		free(r->cells[i].cuts);
	free(r->cells);
	*r = (struct lab_result){0};
}

struct lab_cell *
lab_result_add(struct lab_result *r, const char *workload,
    const struct durability *policy, const struct lab_bound *bound)
{
	struct lab_cell *c = &r->cells[r->count++];

	c->workload = workload;
	c->policy = *policy;
	c->bound = *bound;
	durability_format(policy, c->policy_text);
	return c;
}

int
lab_result_note(struct lab_cell *c, const struct lab_cut *cut)
{
	if (c->cut_count == c->cut_cap) {
		size_t cap = c->cut_cap ? 2 * c->cut_cap : 8;
		struct lab_cut *cuts =
		    reallocarray(c->cuts, cap, sizeof(*cuts));

		if (!cuts)
			return -ENOMEM;
		c->cuts = cuts;
		c->cut_cap = cap;
	}
	c->cuts[c->cut_count++] = *cut;
	return 0;
}

static uint64_t
max_of(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

void
lab_result_sum(const struct lab_cell *c, struct lab_sum *out)
{
	uint64_t run_ns = 0, synced = 0;
	struct lab_sum s = {0};

	for (size_t i = 0; i < c->cut_count; i++) {
		const struct lab_cut *cut = &c->cuts[i];

		s.acked += cut->loss.acked;
		s.survived += cut->loss.survived;
		s.lost += cut->loss.lost;
		s.worst_lost = max_of(s.worst_lost, cut->loss.lost);
		if (cut->loss.age_ns >= s.worst_age_ns) {
			s.worst_age_ns = cut->loss.age_ns;
			s.worst_allowance_ns =
			    cut->allowance.late_ns + cut->allowance.sync_ns;
		}
		s.unsure_ns = max_of(s.unsure_ns, cut->loss.unsure_ns);
		s.prefixes += cut->loss.prefix;
		s.broken += cut->broken != 0;
		s.syncs += cut->syncs;
		synced += cut->synced_steps;
		run_ns += cut->run_ns;
	}
	if (run_ns > 0)
		s.steps_per_second = (double)s.acked * 1e9 / (double)run_ns;
	if (s.syncs > 0)
		s.steps_per_sync = (double)synced / (double)s.syncs;
	s.p50_ns = lab_latency_at(&c->latency, 500);
	s.p99_ns = lab_latency_at(&c->latency, 990);
	*out = s;
}

bool
lab_result_is_broken(const struct lab_result *r)
{
	for (size_t i = 0; i < r->count; i++)
		for (size_t k = 0; k < r->cells[i].cut_count; k++)
			if (r->cells[i].cuts[k].broken)
				return true;
	return false;
}
