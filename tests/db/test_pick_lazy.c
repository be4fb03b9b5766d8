#include <stdio.h>

#include "tests/support/picks.h"

static const struct {
	const char *version;
	const char *running;
	const char *want;
} cases[] = {
    {"", "", NULL},
    {"0:1:a-c 0:2:a-c 0:3:a-c 6:4:a-c*99999", "", NULL},

    /* level 0 becomes a run in the deepest free level above the runs */
    {"0:3:a-c 0:4:b-d 0:5:c-e 0:6:x-z 6:1:a-z*9999", "", "0>4: 6 5 4 3"},
    {"0:3:a-c 0:4:b-d 0:5:c-e 0:6:x-z 5:2:a-z 6:1:a-z*9999", "",
	"0>4: 6 5 4 3"},
    {"0:3:a-c 0:4:b-d 0:5:c-e 0:6:x-z 4:2:a-z 6:1:a-z*9999", "",
	"0>3: 6 5 4 3"},
    {"0:3:a-c 0:4:b-d 0:5:c-e 0:6:x-z 2:2:a-z 6:1:a-z*9999", "",
	"0>1: 6 5 4 3"},
    /* or goes right to the bottom if it is too much by itself */
    {"0:3:a-c 0:4:b-d 0:5:c-e 0:6:x-z 6:1:a-b*1000 6:2:x-x*998", "",
	"0>6: 6 5 4 3 | 1 2"},
    {"0:3:a-c 0:4:b-d 0:5:c-e 0:6:x-z 5:7:f-f 6:1:a-b*1000", "",
	"0>4: 6 5 4 3"},
    {"0:3:a-c 0:4:b-d 0:5:c-e 0:6:x-z", "", "0>6: 6 5 4 3"},

    /* if there is none, with the next runs that are not larger */
    {"0:5:a-c 0:6:a-c 0:7:a-c 0:8:a-c 1:4:a-z*900 2:3:a-z*1301 3:2:a-z"
     " 6:1:a-z*99999",
	"", "0>1: 8 7 6 5 | 4"},
    {"0:5:a-c 0:6:a-c 0:7:a-c 0:8:a-c 1:4:a-z*900 2:3:a-z*1300 3:2:a-z*2601"
     " 6:1:a-z*99999",
	"", "0>2: 8 7 6 5 | 4 | 3"},
    {"0:5:a-c 0:6:a-c 0:7:a-c 0:8:a-c 1:4:a-z*900 2:3:a-z*1300 6:1:a-z*99999",
	"", "0>4: 8 7 6 5 | 4 | 3"},
    {"0:5:a-c 0:6:a-c 0:7:a-c 0:8:a-c 1:4:a-z*900 4:3:a-z*1300 6:1:a-z*99999",
	"", "0>3: 8 7 6 5 | 4"},
    {"0:6:a-c 0:7:a-c 0:8:a-c 0:9:a-c 1:5:a-z 2:4:a-z 3:3:a-z 4:2:a-z 5:1:a-z"
     " 6:11:a-z*99999",
	"", "0>4: 9 8 7 6 | 5 | 4 | 3 | 2"},

    /* runs that are a fifth of the bottom become one */
    {"1:4:a-c*500 2:3:a-c*300 4:2:d-z*199 6:1:a-z*5000", "", NULL},
    {"1:4:a-c*500 2:3:a-c*300 4:2:d-z*201 6:1:a-z*5000", "", "1>5: 4 | 3 | 2"},
    {"3:4:a-c*500 3:3:d-e*501 6:1:a-z*5000", "", "3>5: 4 3 move"},
    {"3:4:a-c*500", "", "3>5: 4 move"},
    /* which goes down as more come */
    {"4:4:a-c*500 5:3:a-c*300 5:2:d-z*100 6:1:a-z*5000", "", NULL},
    {"4:4:a-c*500 5:3:a-c*300 5:2:d-z*201 6:1:a-a*2000 6:9:x-z*3000", "",
	"5>6: 3 | 1"},
    {"5:3:a-c*300", "", "5>6: 3 move"},

    /* what is loaded in order goes to the bottom at once */
    {"0:1:a-c 0:2:d-f 0:3:g-i 0:4:j-l 6:5:x-z*99999", "", "0>6: 1 2 3 4 move"},
    {"0:1:a-c 0:2:d-f 0:3:g-i 0:4:j-l 4:5:x-z 6:6:x-z*99999", "",
	"0>6: 1 2 3 4 move"},
    {"0:7:a-c 0:8:d-f 0:9:g-i 0:10:j-l 4:5:a-a 6:6:x-z*99999", "",
	"0>3: 10 9 8 7"},
    {"0:7:a-c 0:8:d-f 0:9:g-i 0:10:j-l 1:5:a-a 6:6:x-z*99999", "",
	"0>4: 10 9 8 7 | 5"},

    /* beside others */
    {"0:3:a-c 0:4:a-d 0:5:c-e 0:6:x-z 6:1:a-z*9999", "0>4:a-a", NULL},
    {"0:3:a-c 0:4:a-d 0:5:c-e 0:6:x-z 6:1:a-z*9999", "5>6:a-z", "0>4: 6 5 4 3"},
    {"0:3:a-c 0:4:a-d 0:5:c-e 0:6:x-z 4:2:a-z*9 6:1:a-z*9999", "4>5:a-z",
	"0>3: 6 5 4 3"},
    {"4:4:a-c*500 5:3:a-c*300 5:2:d-z*301 6:1:a-a*2000 6:9:x-z*3000", "5>6:a-a",
	"5>6: 2 | 9"},
};

static void
pick_lazy__merges_runs_that_are_alike(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		printf("case %zu\n", i);
		picks_check_next(&picks_lazy, cases[i].version,
		    cases[i].running, "", cases[i].want);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(pick_lazy__merges_runs_that_are_alike),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
