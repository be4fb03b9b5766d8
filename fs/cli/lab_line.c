#include "fs/cli/lab_line.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "engine/base/hash.h"
#include "engine/base/wire.h"

#define DIGITS 20 /* of the largest step */

uint64_t
lab_line_mix(uint64_t seed, uint64_t n)
{
	uint8_t b[8];

	wire_put_le64(b, n);
	return hash_64(bytes_of(b, sizeof(b)), seed);
}

void
lab_line_format(uint64_t seed, uint64_t step, char *line)
{
	char text[LAB_LINE_SIZE];
	int n = snprintf(text, sizeof(text), "%020" PRIu64 " %016" PRIx64 " ",
	    step, lab_line_mix(seed, step));

	memset(line, '.', LAB_LINE_SIZE - 1);
	memcpy(line, text, (size_t)n);
	line[LAB_LINE_SIZE - 1] = '\n';
}

bool
lab_line_parse(const char *line, uint64_t seed, uint64_t *step)
{
	char again[LAB_LINE_SIZE];
	uint64_t n = 0;

	for (int i = 0; i < DIGITS; i++) {
		if (line[i] < '0' || line[i] > '9')
			return false;
		n = n * 10 + (uint64_t)(line[i] - '0');
	}
	lab_line_format(seed, n, again);
	if (memcmp(line, again, sizeof(again)) != 0)
		return false;
	*step = n;
	return true;
}
