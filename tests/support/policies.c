#include "tests/support/policies.h"

#include "fs/vol/policy.h"
#include "tests/check.h"

struct durability
policies_of(const char *text)
{
	struct durability d = {0};
	char why[DURABILITY_ERROR_MAX] = "";

	check_ok(policy_parse(bytes_str(text), &d, why));
	return d;
}

void
policies_check(const struct durability *d, const char *want)
{
	char text[DURABILITY_TEXT_MAX];

	durability_format(d, text);
	check_str(text, want);
}
