/* Modes, owners, times, link counts, kinds of files, names. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <sys/un.h>

#include "tests/support/file.h"
#include "tests/support/mount.h"

static bool
same_time(struct timespec a, struct timespec b)
{
	return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

static bool
later(struct timespec a, struct timespec b)
{
	return a.tv_sec > b.tv_sec ||
	       (a.tv_sec == b.tv_sec && a.tv_nsec > b.tv_nsec);
}

static void
attr__modes(void **state)
{
	(void)state;
	check_ok(call(close(open("f", O_CREAT | O_WRONLY, 0666))));
	check_eq(file_stat("f").st_mode, S_IFREG | 0644);
	for (mode_t m = 0; m <= 07777; m += 0111) {
		check_ok(call(chmod("f", m)));
		check_eq(file_stat("f").st_mode, S_IFREG | m);
	}
	check_ok(call(chmod("f", 07751)));
	umask(0);
	check_ok(call(mkdir("d", 0777)));
	check_eq(file_stat("d").st_mode, S_IFDIR | 0777);
	check_ok(call(chmod("d", 01700)));
	umask(077);
	check_ok(call(mkdir("e", 0777)));
	check_eq(file_stat("e").st_mode, S_IFDIR | 0700);
	check_ok(call(close(open("g", O_CREAT | O_WRONLY, 0666))));
	check_eq(file_stat("g").st_mode, S_IFREG | 0600);
	mount_again(mount_now());
	check_eq(file_stat("f").st_mode, S_IFREG | 07751);
	check_eq(file_stat("d").st_mode, S_IFDIR | 01700);
	check_err(call(chmod("missing", 0644)), -ENOENT);
}

static void
attr__owners(void **state)
{
	(void)state;
	if (geteuid() != 0)
		check_skip("only root can give files away");
	file_put("f", "");
	check_ok(call(symlink("f", "l")));
	check_ok(call(chown("f", 12345, 54321)));
	check_eq(file_stat("f").st_uid, 12345);
	check_eq(file_stat("f").st_gid, 54321);
	check_ok(call(chown("f", (uid_t)-1, 7)));
	check_ok(call(chown("f", 4000000000, (gid_t)-1)));
	check_ok(call(lchown("l", 5, 6)));
	mount_again(mount_now());
	check_eq(file_stat("f").st_uid, 4000000000);
	check_eq(file_stat("f").st_gid, 7);
	check_eq(file_stat("l").st_uid, 5);
	check_eq(file_stat("l").st_gid, 6);
}

static void
check_times(struct timespec atime, struct timespec mtime)
{
	struct stat st = file_stat("f");

	check_true(same_time(st.st_atim, atime));
	check_true(same_time(st.st_mtim, mtime));
}

static void
attr__times_are_set_to_the_nanosecond(void **state)
{
	const struct timespec a = {1000000000, 123456789};
	const struct timespec m = {2000000001, 999999999};
	const struct timespec old = {-5, 250000000}, zero = {0, 0};
	const struct timespec now = {0, UTIME_NOW}, omit = {0, UTIME_OMIT};
	struct stat st, before;

	(void)state;
	file_put("f", "");
	check_ok(call(utimensat(AT_FDCWD, "f", (struct timespec[]){a, m}, 0)));
	check_times(a, m);
	check_ok(
	    call(utimensat(AT_FDCWD, "f", (struct timespec[]){omit, old}, 0)));
	check_times(a, old);
	check_ok(
	    call(utimensat(AT_FDCWD, "f", (struct timespec[]){zero, omit}, 0)));
	check_times(zero, old);
	mount_again(mount_now());
	check_times(zero, old);
	before = file_stat("f");
	file_nap();
	check_ok(
	    call(utimensat(AT_FDCWD, "f", (struct timespec[]){now, omit}, 0)));
	st = file_stat("f");
	check_true(later(st.st_atim, before.st_ctim));
	check_true(same_time(st.st_mtim, old));
	check_true(later(st.st_ctim, before.st_ctim));
	check_ok(call(utimensat(AT_FDCWD, "f", NULL, 0)));
	check_true(later(file_stat("f").st_mtim, before.st_ctim));
}

/* 64 bits of nanoseconds reach from 1677 to 2262. */
static void
attr__times_too_far_away_are_as_far_as_can_be_kept(void **state)
{
	const struct timespec late = {INT64_C(1) << 34, 5};
	const struct timespec early = {-(INT64_C(1) << 34), 5};
	const struct timespec last = {9223372036, 854775807};
	const struct timespec first = {-9223372037, 145224192};

	(void)state;
	if (mount_now()->is_plain)
		check_skip("other filesystems keep other times");
	file_put("f", "");
	check_ok(call(
	    utimensat(AT_FDCWD, "f", (struct timespec[]){late, early}, 0)));
	check_times(last, first);
	mount_again(mount_now());
	check_times(last, first);
	check_ok(call(
	    utimensat(AT_FDCWD, "f", (struct timespec[]){first, last}, 0)));
	check_times(first, last);
}

static void
attr__a_link_has_times_of_its_own(void **state)
{
	const struct timespec t[] = {{77, 1}, {88, 2}};

	(void)state;
	file_put("f", "");
	check_ok(call(symlink("f", "l")));
	check_ok(call(utimensat(AT_FDCWD, "l", t, AT_SYMLINK_NOFOLLOW)));
	check_true(same_time(file_stat("l").st_mtim, t[1]));
	check_ne(file_stat("f").st_mtim.tv_sec, 88);
}

enum { MTIME = 1, CTIME = 2 };

/* Which times of path have gone on since `before`. */
static unsigned
moved(const char *path, const struct stat *before)
{
	struct stat st = file_stat(path);

	return (later(st.st_mtim, before->st_mtim) ? MTIME : 0u) |
	       (later(st.st_ctim, before->st_ctim) ? CTIME : 0u);
}

static void
attr__what_changes_which_times(void **state)
{
	struct stat st;
	char text[4];
	int fd;

	(void)state;
	file_put("f", "abc");
	fd = file_open("f", O_RDWR);
	st = file_stat("f");
	file_nap();
	check_eq(call(read(fd, text, 3)), 3);
	check_ok(call(fsync(fd)));
	check_eq(moved("f", &st), 0);
	check_ok(call(fchmod(fd, 0600)));
	check_eq(moved("f", &st), CTIME);
	st = file_stat("f");
	file_nap();
	check_eq(call(write(fd, "d", 1)), 1);
	check_eq(moved("f", &st), MTIME | CTIME);
	st = file_stat("f");
	file_nap();
	check_ok(call(ftruncate(fd, 2)));
	check_eq(moved("f", &st), MTIME | CTIME);
	st = file_stat("f");
	file_nap();
	check_ok(call(rename("f", "g")));
	check_eq(moved("g", &st), CTIME);
	st = file_stat("g");
	file_nap();
	file_close(file_open("g", O_WRONLY | O_TRUNC));
	check_eq(moved("g", &st), MTIME | CTIME);
	file_close(fd);
}

/* A change of names moves the times of the directories it happens in, and of
 * no other. */
static void
attr__times_of_directories(void **state)
{
	struct stat d, e;

	(void)state;
	check_ok(call(mkdir("d", 0755)));
	check_ok(call(mkdir("e", 0755)));
	d = file_stat("d");
	e = file_stat("e");
	file_nap();
	file_put("d/f", "");
	check_eq(moved("d", &d), MTIME | CTIME);
	d = file_stat("d");
	file_nap();
	file_put("d/f", "text");
	check_ok(call(chmod("d/f", 0600)));
	check_eq(moved("d", &d), 0);
	check_ok(call(mkdir("d/sub", 0755)));
	check_eq(moved("d", &d), MTIME | CTIME);
	d = file_stat("d");
	file_nap();
	file_put("d/sub/x", "");
	check_ok(call(unlink("d/sub/x")));
	check_eq(moved("d", &d), 0);
	check_ok(call(rmdir("d/sub")));
	check_eq(moved("d", &d), MTIME | CTIME);
	check_eq(moved("e", &e), 0);
	d = file_stat("d");
	file_nap();
	check_ok(call(rename("d/f", "e/f")));
	check_eq(moved("d", &d), MTIME | CTIME);
	check_eq(moved("e", &e), MTIME | CTIME);
	e = file_stat("e");
	file_nap();
	check_ok(call(symlink("x", "e/l")));
	check_eq(moved("e", &e), MTIME | CTIME);
	e = file_stat("e");
	file_nap();
	check_ok(call(unlink("e/f")));
	check_eq(moved("e", &e), MTIME | CTIME);
	mount_again(mount_now());
	check_eq(moved("e", &e), MTIME | CTIME);
}

static void
attr__directories_count_their_children(void **state)
{
	char name[16];

	(void)state;
	check_ok(call(mkdir("d", 0755)));
	check_ok(call(mkdir("e", 0755)));
	check_eq(file_stat("d").st_nlink, 2);
	file_put("d/f", "");
	check_eq(file_stat("d").st_nlink, 2);
	for (int i = 0; i < 10; i++) {
		snprintf(name, sizeof(name), "d/%d", i);
		check_ok(call(mkdir(name, 0755)));
		check_eq(file_stat("d").st_nlink, 3 + i);
	}
	check_ok(call(rename("d/0", "e/0")));
	check_ok(call(rename("d/1", "d/one")));
	check_ok(call(rename("d/2", "d/3"))); /* replaces an empty one */
	check_eq(file_stat("d").st_nlink, 10);
	check_eq(file_stat("e").st_nlink, 3);
	check_ok(call(rmdir("d/4")));
	mount_again(mount_now());
	check_eq(file_stat("d").st_nlink, 9);
	check_eq(file_stat("e").st_nlink, 3);
	check_eq(file_stat("d/f").st_nlink, 1);
}

static void
attr__setgid_directories(void **state)
{
	(void)state;
	if (geteuid() != 0)
		check_skip("needs a second group");
	check_ok(call(mkdir("d", 0755)));
	check_ok(call(chown("d", 0, 4242)));
	check_ok(call(chmod("d", 02775)));
	check_ok(call(mkdir("d/sub", 0755)));
	file_put("d/f", "");
	check_eq(file_stat("d/sub").st_gid, 4242);
	check_eq(file_stat("d/sub").st_mode & 07777, 02755);
	check_eq(file_stat("d/f").st_gid, 4242);
	check_eq(file_stat("d/f").st_mode & 07777, 0644);
	check_ok(call(mkdir("d/sub/sub", 0755)));
	check_eq(file_stat("d/sub/sub").st_gid, 4242);
	check_ok(call(symlink("x", "d/l")));
	check_eq(file_stat("d/l").st_gid, 4242);
}

static void
attr__special_files(void **state)
{
	(void)state;
	check_ok(call(mkfifo("fifo", 0640)));
	check_ok(call(mknod("sock", S_IFSOCK | 0600, 0)));
	check_ok(call(mknod("plain", S_IFREG | 0604, 0)));
	if (geteuid() == 0) {
		check_ok(call(mknod("null", S_IFCHR | 0666, makedev(1, 3))));
		check_ok(
		    call(mknod("disk", S_IFBLK | 0660, makedev(259, 70000))));
	}
	check_err(call(mkfifo("fifo", 0640)), -EEXIST);
	mount_again(mount_now());
	check_eq(file_stat("fifo").st_mode, S_IFIFO | 0640);
	check_eq(file_stat("sock").st_mode, S_IFSOCK | 0600);
	check_eq(file_stat("plain").st_mode, S_IFREG | 0604);
	if (geteuid() != 0)
		return;
	check_eq(file_stat("null").st_mode, S_IFCHR | 0644);
	check_eq(file_stat("null").st_rdev, makedev(1, 3));
	check_eq(file_stat("disk").st_mode, S_IFBLK | 0640);
	check_eq(file_stat("disk").st_rdev, makedev(259, 70000));
}

static void
attr__fifos_and_sockets_work(void **state)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX, .sun_path = "s"};
	int s = socket(AF_UNIX, SOCK_STREAM, 0);
	int c = socket(AF_UNIX, SOCK_STREAM, 0);
	char text[4];
	int fd;

	(void)state;
	check_ok(call(mkfifo("p", 0600)));
	fd = file_open("p", O_RDWR);
	check_eq(call(write(fd, "abc", 3)), 3);
	check_eq(call(read(fd, text, 4)), 3);
	file_close(fd);
	check_ok(call(bind(s, (struct sockaddr *)&a, sizeof(a))));
	check_ok(call(listen(s, 1)));
	check_ok(call(connect(c, (struct sockaddr *)&a, sizeof(a))));
	check_eq(file_stat("s").st_mode & S_IFMT, S_IFSOCK);
	file_close(c);
	file_close(s);
}

static void
check_link(const char *path, const char *target)
{
	char got[5000];
	ssize_t n = readlink(path, got, sizeof(got));

	check_true(n >= 0);
	check_bytes_eq(bytes_of(got, (size_t)n), bytes_str(target));
	check_eq(file_stat(path).st_size, strlen(target));
	check_eq(file_stat(path).st_mode, S_IFLNK | 0777);
}

static void
attr__symlinks_of_any_length(void **state)
{
	char target[5000];

	(void)state;
	check_ok(call(mkdir("d", 0755)));
	file_put("d/f", "through");
	check_ok(call(symlink("d", "short")));
	check_ok(call(symlink("../d/f", "d/up")));
	file_is("short/f", "through");
	file_is("short/up", "through");
	memset(target, 'x', sizeof(target));
	target[4095] = 0;
	check_ok(call(symlink(target, "long")));
	check_err(call(symlink("y", "long")), -EEXIST);
	check_err(call(symlink("", "empty")), -ENOENT);
	check_ok(call(symlink("\xff\xfe weird \n", "bytes")));
	check_err(call(open("long", O_RDONLY)), -ENAMETOOLONG);
	check_ok(call(symlink("loop", "loop")));
	check_err(call(open("loop", O_RDONLY)), -ELOOP);
	mount_again(mount_now());
	check_link("short", "d");
	check_link("long", target);
	check_link("bytes", "\xff\xfe weird \n");
}

static void
attr__names_of_255_bytes_work_and_of_256_do_not(void **state)
{
	char name[258];

	(void)state;
	memset(name, 'n', sizeof(name));
	name[255] = 0;
	file_put(name, "long");
	check_ok(call(rename(name, "s")));
	check_ok(call(rename("s", name)));
	mount_again(mount_now());
	file_is(name, "long");
	check_ok(call(unlink(name)));
	check_ok(call(mkdir(name, 0755)));
	check_ok(call(rmdir(name)));
	check_ok(call(symlink("x", name)));
	name[255] = 'n';
	name[256] = 0;
	check_err(call(open(name, O_RDWR | O_CREAT, 0644)), -ENAMETOOLONG);
	check_err(call(mkdir(name, 0755)), -ENAMETOOLONG);
	check_err(call(symlink("x", name)), -ENAMETOOLONG);
	check_err(call(mkfifo(name, 0644)), -ENAMETOOLONG);
	check_err(call(unlink(name)), -ENAMETOOLONG);
	check_err(call(access(name, F_OK)), -ENAMETOOLONG);
	file_put("short", "");
	check_err(call(rename("short", name)), -ENAMETOOLONG);
	check_eq(file_count("."), 2);
}

static const char *const names[] = {" ", "a b", "-rf", "\n", "\t", "*", "?",
    "\xff\xfe\x80", "\xc3\xa4", "a\xcc\x88", "...", ".hidden", "a\\b", "\x01",
    "\x7f", "A", "a", "a-b", "a.b", "E", "keyfs", "\"quoted\""};
#define NAMES (sizeof(names) / sizeof(*names))

static void
attr__any_bytes_are_a_name(void **state)
{
	char path[64];

	(void)state;
	for (size_t i = 0; i < NAMES; i++) {
		check_ok(call(mkdir(names[i], 0755)));
		snprintf(path, sizeof(path), "%s/%s", names[i], names[i]);
		file_put(path, names[i]);
	}
	mount_again(mount_now());
	check_eq(file_count("."), NAMES);
	for (size_t i = 0; i < NAMES; i++) {
		snprintf(path, sizeof(path), "%s/%s", names[i], names[i]);
		file_is(path, names[i]);
		check_eq(file_count(names[i]), 1);
	}
}

static void
attr__inode_numbers_stay(void **state)
{
	ino_t f, d;
	int fd;

	(void)state;
	file_put("f", "");
	check_ok(call(mkdir("d", 0755)));
	f = file_stat("f").st_ino;
	d = file_stat("d").st_ino;
	check_ne(f, d);
	fd = file_open("f", O_RDWR);
	file_fill(fd, 0, 200000, 1);
	check_eq(file_fstat(fd).st_ino, f);
	file_close(fd);
	mount_again(mount_now());
	check_eq(file_stat("f").st_ino, f);
	check_eq(file_stat("d").st_ino, d);
}

static void
attr__a_number_is_not_used_again(void **state)
{
	ino_t last = 0;

	(void)state;
	if (mount_now()->is_plain)
		check_skip("not promised by other filesystems");
	for (int i = 0; i < 20; i++) {
		ino_t ino;

		file_put("f", "");
		ino = file_stat("f").st_ino;
		check_true(ino > last);
		last = ino;
		check_ok(call(unlink("f")));
		if (i % 5 == 4)
			mount_again(mount_now());
	}
}

static void
attr__statvfs(void **state)
{
	struct statvfs s;

	(void)state;
	check_ok(call(statvfs(".", &s)));
	check_eq(s.f_namemax, 255);
	check_true(s.f_blocks > 0 && s.f_frsize > 0);
	check_true(s.f_bavail > 0 && s.f_bfree <= s.f_blocks);
}

static void
attr__sizes_in_blocks(void **state)
{
	int fd = file_open("f", O_RDWR | O_CREAT);

	(void)state;
	file_fill(fd, 0, 1000000, 1);
	check_ok(call(fsync(fd)));
	check_true(file_fstat(fd).st_blocks >= 1000000 / 512);
	check_true(file_fstat(fd).st_blocks <= 1200000 / 512);
	check_true(file_fstat(fd).st_blksize >= 512);
	file_close(fd);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(attr__modes),
	    cmocka_unit_test(attr__owners),
	    cmocka_unit_test(attr__times_are_set_to_the_nanosecond),
	    cmocka_unit_test(
		attr__times_too_far_away_are_as_far_as_can_be_kept),
	    cmocka_unit_test(attr__a_link_has_times_of_its_own),
	    cmocka_unit_test(attr__what_changes_which_times),
	    cmocka_unit_test(attr__times_of_directories),
	    cmocka_unit_test(attr__directories_count_their_children),
	    cmocka_unit_test(attr__setgid_directories),
	    cmocka_unit_test(attr__special_files),
	    cmocka_unit_test(attr__fifos_and_sockets_work),
	    cmocka_unit_test(attr__symlinks_of_any_length),
	    cmocka_unit_test(attr__names_of_255_bytes_work_and_of_256_do_not),
	    cmocka_unit_test(attr__any_bytes_are_a_name),
	    cmocka_unit_test(attr__inode_numbers_stay),
	    cmocka_unit_test(attr__a_number_is_not_used_again),
	    cmocka_unit_test(attr__statvfs),
	    cmocka_unit_test(attr__sizes_in_blocks),
	};

	return mount_run(tests, sizeof(tests) / sizeof(*tests));
}
