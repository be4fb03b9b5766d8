#include "fs/cli/key_arg.h"

#include "fs/record/key.h"

static const char *
wrong_name(struct bytes name)
{
	if (name.size > KEY_NAME_MAX)
		return "has a name of more than 255 bytes";
	if (bytes_eq(name, bytes_str(".")) || bytes_eq(name, bytes_str("..")))
		return "has '.' or '..' for a name";
	return NULL;
}

static const char *
wrong_slashes(struct bytes key)
{
	if (key.size > 0 && key.data[0] == '/')
		return "begins with '/'";
	for (size_t i = 1; i < key.size; i++)
		if (key.data[i] == '/' && key.data[i - 1] == '/')
			return "has '//' in it";
	return NULL;
}

bool
key_arg_next(struct bytes *rest, struct bytes *name)
{
	const uint8_t *slash;
	size_t n = rest->size;

	if (rest->size == 0)
		return false;
	slash = memchr(rest->data, '/', rest->size);
	if (slash)
		n = (size_t)(slash - rest->data);
	*name = bytes_of(rest->data, n);
	if (slash)
		n++;
	*rest = bytes_of(rest->data + n, rest->size - n);
	return true;
}

const char *
key_arg_wrong(struct bytes key)
{
	const char *wrong = wrong_slashes(key);
	struct bytes name;

	if (key.size == 0)
		return "is empty";
	if (!wrong && key.data[key.size - 1] == '/')
		wrong = "ends with '/'";
	while (!wrong && key_arg_next(&key, &name))
		wrong = wrong_name(name);
	return wrong;
}

const char *
key_arg_wrong_prefix(struct bytes prefix)
{
	const char *wrong = wrong_slashes(prefix);
	bool ends = prefix.size > 0 && prefix.data[prefix.size - 1] == '/';
	struct bytes name;

	while (!wrong && key_arg_next(&prefix, &name)) {
		/* ".." may be the beginning of "..x". */
		bool may_go_on = prefix.size == 0 && !ends;

		if (!may_go_on || name.size > KEY_NAME_MAX)
			wrong = wrong_name(name);
	}
	return wrong;
}

struct bytes
key_arg_parent(struct bytes key)
{
	const uint8_t *slash =
	    key.size ? memrchr(key.data, '/', key.size) : NULL;

	return bytes_of(key.data, slash ? (size_t)(slash - key.data) : 0);
}

struct bytes
key_arg_name(struct bytes key)
{
	struct bytes parent = key_arg_parent(key);
	size_t skip = parent.size ? parent.size + 1 : 0;

	return bytes_of(key.data + skip, key.size - skip);
}
