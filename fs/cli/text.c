#include "fs/cli/text.h"

#include <unistd.h>

/* Sequences of UTF-8 by their first byte (RFC 3629, section 4): how long they
 * are, and what the second byte may be. */
static const struct {
	uint8_t first, last;
	uint8_t length;
	uint8_t second_min, second_max;
} utf8_forms[] = {
    {0x00, 0x7f, 1, 0, 0},
    {0xc2, 0xdf, 2, 0x80, 0xbf},
    {0xe0, 0xe0, 3, 0xa0, 0xbf},
    {0xe1, 0xec, 3, 0x80, 0xbf},
    {0xed, 0xed, 3, 0x80, 0x9f}, /* no surrogates */
    {0xee, 0xef, 3, 0x80, 0xbf},
    {0xf0, 0xf0, 4, 0x90, 0xbf},
    {0xf1, 0xf3, 4, 0x80, 0xbf},
    {0xf4, 0xf4, 4, 0x80, 0x8f},
};

size_t
text_utf8_length(struct bytes s)
{
	size_t i = 0;
	size_t n;

	if (s.size == 0)
		return 0;
	while (
	    i < sizeof(utf8_forms) / sizeof(*utf8_forms) &&
	    (s.data[0] < utf8_forms[i].first || s.data[0] > utf8_forms[i].last))
		i++;
	if (i == sizeof(utf8_forms) / sizeof(*utf8_forms))
		return 0;
	n = utf8_forms[i].length;
	if (n > s.size || (n > 1 && (s.data[1] < utf8_forms[i].second_min ||
					s.data[1] > utf8_forms[i].second_max)))
		return 0;
	for (size_t k = 2; k < n; k++)
		if ((s.data[k] & 0xc0) != 0x80)
			return 0;
	return n;
}

static struct bytes
skip(struct bytes s, size_t n)
{
	return bytes_of(s.data + n, s.size - n);
}

bool
text_is_utf8(struct bytes s)
{
	while (s.size > 0) {
		size_t n = text_utf8_length(s);

		if (n == 0)
			return false;
		s = skip(s, n);
	}
	return true;
}

void
text_put(FILE *out, struct bytes s)
{
	if (s.size > 0)
		fwrite(s.data, 1, s.size, out);
}

/* Control characters of ISO 6429 (C1) are two bytes in UTF-8. */
static bool
is_printable(struct bytes s, size_t length)
{
	if (length == 1)
		return s.data[0] >= 0x20 && s.data[0] < 0x7f;
	return length > 1 && (s.data[0] != 0xc2 || s.data[1] >= 0xa0);
}

static void
put_escape(FILE *out, uint8_t c)
{
	if (c == '\n')
		fputs("\\n", out);
	else if (c == '\t')
		fputs("\\t", out);
	else if (c == '\\')
		fputs("\\\\", out);
	else
		fprintf(out, "\\x%02x", c);
}

void
text_put_escaped(FILE *out, struct bytes s)
{
	while (s.size > 0) {
		size_t n = text_utf8_length(s);

		if (is_printable(s, n) && s.data[0] != '\\') {
			fwrite(s.data, 1, n, out);
		} else {
			n = 1;
			put_escape(out, s.data[0]);
		}
		s = skip(s, n);
	}
}

void
text_put_name(FILE *out, struct bytes s)
{
	if (isatty(fileno(out)))
		text_put_escaped(out, s);
	else
		text_put(out, s);
}

/* --- JSON ----------------------------------------------------------------- */

static void
put_json_string(FILE *out, struct bytes s)
{
	for (size_t i = 0; i < s.size; i++) {
		uint8_t c = s.data[i];

		if (c == '"' || c == '\\')
			fprintf(out, "\\%c", c);
		else if (c == '\n')
			fputs("\\n", out);
		else if (c == '\t')
			fputs("\\t", out);
		else if (c < 0x20 || c == 0x7f)
			fprintf(out, "\\u%04x", c);
		else
			putc(c, out);
	}
}

static void
put_base64(FILE *out, struct bytes s)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				     "abcdefghijklmnopqrstuvwxyz0123456789+/";

	for (size_t i = 0; i < s.size; i += 3) {
		size_t n = s.size - i;
		uint32_t v = (uint32_t)s.data[i] << 16;

		if (n > 1)
			v |= (uint32_t)s.data[i + 1] << 8;
		if (n > 2)
			v |= s.data[i + 2];
		putc(digits[v >> 18], out);
		putc(digits[v >> 12 & 63], out);
		putc(n > 1 ? digits[v >> 6 & 63] : '=', out);
		putc(n > 2 ? digits[v & 63] : '=', out);
	}
}

void
text_put_json(FILE *out, const char *name, struct bytes s)
{
	bool plain = text_is_utf8(s);

	fprintf(out, "\"%s%s\":\"", name, plain ? "" : "_base64");
	if (plain)
		put_json_string(out, s);
	else
		put_base64(out, s);
	putc('"', out);
}
