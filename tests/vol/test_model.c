/* The whole namespace against a simple model of it. */
#include <stdio.h>
#include <sys/stat.h>

#include "tests/check.h"
#include "tests/support/volume.h"

static struct volume t;

#define MODEL_MAX 80

enum model_type { MODEL_NONE, MODEL_DIR, MODEL_FILE };

struct model_node {
	enum model_type type;
	int parent;
	char name[8];
	uint64_t ino;
	char text[16]; /* FILE */
};

/* nodes[0] is the root. */
static struct model_node model[MODEL_MAX];
static struct check_rand rnd;

static int
model_child(int dir, const char *name)
{
	for (int i = 1; i < MODEL_MAX; i++)
		if (model[i].type && model[i].parent == dir &&
		    strcmp(model[i].name, name) == 0)
			return i;
	return -1;
}

static int
model_dirs(int dir)
{
	int n = 0;

	for (int i = 1; i < MODEL_MAX; i++)
		n += model[i].type == MODEL_DIR && model[i].parent == dir;
	return n;
}

static bool
model_is_empty(int dir)
{
	for (int i = 1; i < MODEL_MAX; i++)
		if (model[i].type && model[i].parent == dir)
			return false;
	return true;
}

static bool
model_is_below(int dir, int top)
{
	for (; dir != top; dir = model[dir].parent)
		if (dir == 0)
			return false;
	return true;
}

static int
model_free_slot(void)
{
	for (int i = 1; i < MODEL_MAX; i++)
		if (!model[i].type)
			return i;
	return -1;
}

static void
model_path(int i, char *out, size_t size)
{
	char above[1024];

	if (i == 0) {
		out[0] = '\0';
		return;
	}
	model_path(model[i].parent, above, sizeof(above));
	snprintf(
	    out, size, "%.700s%s%s", above, above[0] ? "/" : "", model[i].name);
}

/* A directory, and a name that may stand in it. */
struct model_spot {
	int dir;
	int node; /* -1: nothing */
	char name[8];
	char path[1024];
};

static struct model_spot
model_spot(void)
{
	struct model_spot s;
	char dir[1000];

	do
		s.dir = (int)check_rand_below(&rnd, MODEL_MAX);
	while (s.dir != 0 && model[s.dir].type != MODEL_DIR);
	snprintf(s.name, sizeof(s.name), "n%d", (int)check_rand_below(&rnd, 6));
	s.node = model_child(s.dir, s.name);
	model_path(s.dir, dir, sizeof(dir));
	snprintf(
	    s.path, sizeof(s.path), "%s%s%s", dir, dir[0] ? "/" : "", s.name);
	return s;
}

static void
model_compare_node(int i)
{
	struct vol_attr a;
	char path[1024];

	model_path(i, path, sizeof(path));
	a = volume_attr(&t, path);
	if (i)
		check_eq(a.ino, model[i].ino);
	if (model[i].type == MODEL_FILE) {
		check_eq(a.mode & S_IFMT, S_IFREG);
		check_eq(a.nlink, 1);
		check_str(volume_text(&t, a.ino), model[i].text);
	} else {
		check_eq(a.mode & S_IFMT, S_IFDIR);
		check_eq(a.nlink, 2 + model_dirs(i));
	}
}

static int
model_list_each(void *ctx, const struct vol_dirent *e)
{
	int *dir = ctx, i;

	if (e->name[0] == '.')
		return 0;
	i = model_child(*dir, e->name);
	check_true(i > 0);
	check_eq(e->ino, model[i].ino);
	check_eq(e->attr.ino, model[i].ino);
	vol_forget(t.v, e->attr.ino, 1);
	dir[1]++;
	return 0;
}

static void
model_compare_list(int dir)
{
	struct vol_dir *d;
	char path[1024];
	int ctx[2] = {dir, 0}, want = 0;

	for (int i = 1; i < MODEL_MAX; i++)
		want += model[i].type && model[i].parent == dir;
	model_path(dir, path, sizeof(path));
	check_ok(vol_opendir(t.v, volume_at(&t, path), &d));
	check_ok(vol_readdir(d, 0, true, model_list_each, ctx));
	vol_releasedir(d);
	check_eq(ctx[1], want);
}

static void
model_compare(void)
{
	for (int i = 0; i < MODEL_MAX; i++) {
		if (!model[i].type)
			continue;
		model_compare_node(i);
		if (model[i].type == MODEL_DIR)
			model_compare_list(i);
	}
	volume_check(&t);
}

/* Each model_do_* says what must come of it, does it, and returns. */
static void
model_do_create(enum model_type type)
{
	struct vol_attr how = {.mode = S_IFREG | 0644}, a;
	struct model_spot s = model_spot();
	int slot = model_free_slot(), err;
	char path[1024];
	uint64_t dir;

	if (slot < 0)
		return;
	model_path(s.dir, path, sizeof(path));
	dir = volume_at(&t, path);
	err = type == MODEL_DIR ? vol_mkdir(t.v, &t.ctx, dir, s.name, 0755, &a)
				: vol_mknod(t.v, &t.ctx, dir, s.name, &how, &a);
	check_err(err, s.node >= 0 ? -EEXIST : 0);
	if (err)
		return;
	model[slot] = (struct model_node){type, s.dir, "", a.ino, ""};
	memcpy(model[slot].name, s.name, sizeof(s.name));
	if (type == MODEL_DIR)
		return;
	snprintf(model[slot].text, sizeof(model[slot].text), "t%llu",
	    (unsigned long long)a.ino);
	check_ok(vol_write(t.v, &t.ctx, a.ino, 0, bytes_str(model[slot].text)));
}

static void
model_do_remove(bool rmdir)
{
	struct model_spot s = model_spot();
	int want = 0;

	if (s.node < 0)
		want = -ENOENT;
	else if (rmdir && model[s.node].type != MODEL_DIR)
		want = -ENOTDIR;
	else if (!rmdir && model[s.node].type == MODEL_DIR)
		want = -EISDIR;
	else if (rmdir && !model_is_empty(s.node))
		want = -ENOTEMPTY;
	check_err(
	    rmdir ? volume_rmdir(&t, s.path) : volume_rm(&t, s.path), want);
	if (want == 0)
		model[s.node].type = MODEL_NONE;
}

static bool
model_is_dir(const struct model_spot *s)
{
	return s->node >= 0 && model[s->node].type == MODEL_DIR;
}

static int
model_rename_error(
    const struct model_spot *a, const struct model_spot *b, unsigned flags)
{
	if (a->node < 0)
		return -ENOENT;
	if (flags == VOL_RENAME_EXCHANGE && b->node < 0)
		return -ENOENT;
	if (flags == VOL_RENAME_NOREPLACE && b->node >= 0)
		return -EEXIST;
	if (a->node == b->node)
		return 0;
	if (model_is_dir(a) && model_is_below(b->dir, a->node))
		return -EINVAL;
	if (b->node < 0)
		return 0;
	if (flags == VOL_RENAME_EXCHANGE)
		return model_is_dir(b) && model_is_below(a->dir, b->node)
			   ? -EINVAL
			   : 0;
	if (model_is_dir(a) != model_is_dir(b))
		return model_is_dir(a) ? -ENOTDIR : -EISDIR;
	return model_is_dir(b) && !model_is_empty(b->node) ? -ENOTEMPTY : 0;
}

static void
model_do_rename(void)
{
	const unsigned all[] = {
	    0, 0, VOL_RENAME_NOREPLACE, VOL_RENAME_EXCHANGE};
	unsigned flags = all[check_rand_below(&rnd, 4)];
	struct model_spot a = model_spot(), b = model_spot();
	int want = model_rename_error(&a, &b, flags);

	check_err(volume_mv(&t, a.path, b.path, flags), want);
	if (want || a.node == b.node)
		return;
	if (b.node >= 0 && flags != VOL_RENAME_EXCHANGE)
		model[b.node].type = MODEL_NONE;
	if (b.node >= 0 && flags == VOL_RENAME_EXCHANGE) {
		model[b.node].parent = a.dir;
		memcpy(model[b.node].name, a.name, sizeof(a.name));
	}
	model[a.node].parent = b.dir;
	memcpy(model[a.node].name, b.name, sizeof(b.name));
}

static void
model_step(void)
{
	switch (check_rand_below(&rnd, 8)) {
	case 0:
	case 1:
		model_do_create(MODEL_DIR);
		break;
	case 2:
		model_do_create(MODEL_FILE);
		break;
	case 3:
		model_do_remove(false);
		break;
	case 4:
		model_do_remove(true);
		break;
	default:
		model_do_rename();
	}
}

/* Lets go of everything in memory but what pins it. */
static void
model_forget_all(void)
{
	for (int i = MODEL_MAX - 1; i > 0; i--)
		if (model[i].type)
			vol_forget(t.v, model[i].ino, UINT64_MAX);
}

static void
model__namespace_is_the_same(void **state)
{
	int steps = check_long() ? 100000 : 6000;

	(void)state;
	volume_init(&t);
	rnd = check_rand_of(check_seed());
	memset(model, 0, sizeof(model));
	model[0].type = MODEL_DIR;
	for (int i = 1; i <= steps; i++) {
		model_step();
		if (check_rand_one_in(&rnd, 40))
			model_forget_all();
		if (i % 100 == 0)
			model_compare();
		if (i % 1000 == 0) {
			volume_reopen(&t);
			model_compare();
		}
	}
	volume_fini(&t);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(model__namespace_is_the_same),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
