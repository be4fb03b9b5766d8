/* Counts its runs so that a power cut loses none, and lists the store:
 * cc example.c $(pkg-config --cflags --libs lsm) && ./a.out /tmp/store */
#include <err.h>
#include <lsm.h>
#include <stdlib.h>

static int
check(int rc, const char *what)
{
	return rc < 0 ? (errx(1, "%s: %s", what, strerror(-rc)), rc) : rc;
}

int
main(int argc, char **argv)
{
	const char *path = argc > 1 ? argv[1] : "/tmp/store";
	struct lsm_batch *batch = lsm_batch_new();
	struct bytes key = bytes_str("runs");
	struct lsm_options options;
	struct lsm_value value; /* pinned where it is: nothing is copied */
	struct lsm_iter *it;
	struct lsm *db;
	uint64_t runs = 0, seq;

	lsm_options_init(&options);
	options.create = true;
	check(batch ? lsm_open(path, &options, &db) : -1, path);
	if (check(lsm_get(db, NULL, key, &value), "get") == 1) {
		memcpy(&runs, value.bytes.data, sizeof(runs));
		lsm_value_release(&value);
	}
	runs++; /* a batch: all of its operations happen, or none */
	check(lsm_batch_put(batch, key, bytes_of(&runs, sizeof(runs))), "put");
	check(lsm_write(db, batch, &seq), "write");
	check(lsm_sync(db, seq), "sync"); /* from here on it is safe */

	check(lsm_iter_open(db, NULL, &it), "list");
	for (int rc = lsm_iter_first(it); check(rc, "next");
	     rc = lsm_iter_next(it))
		printf("%.*s: %zu bytes\n", (int)lsm_iter_key(it).size,
		    (const char *)lsm_iter_key(it).data,
		    lsm_iter_value(it).size);
	lsm_iter_close(it);
	lsm_batch_free(batch);
	printf("run %llu\n", (unsigned long long)runs);
	return check(lsm_close(db), "close");
}
