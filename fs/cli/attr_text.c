#include "fs/cli/attr_text.h"

#include <grp.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

const char *
attr_text_type(mode_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFREG:
		return "file";
	case S_IFDIR:
		return "dir";
	case S_IFLNK:
		return "link";
	case S_IFIFO:
		return "fifo";
	case S_IFSOCK:
		return "socket";
	case S_IFCHR:
		return "char";
	default:
		return "block";
	}
}

/* Most files of a listing have one owner: the last name is remembered. */
struct known {
	bool set;
	id_t id;
	char name[64];
};

static const char *
remember(struct known *k, id_t id, const char *name)
{
	k->set = true;
	k->id = id;
	if (name)
		snprintf(k->name, sizeof(k->name), "%s", name);
	else
		snprintf(k->name, sizeof(k->name), "%u", (unsigned)id);
	return k->name;
}

const char *
attr_text_user(uid_t uid)
{
	static struct known known;
	struct passwd *p;

	if (known.set && known.id == uid)
		return known.name;
	p = getpwuid(uid);
	return remember(&known, uid, p ? p->pw_name : NULL);
}

const char *
attr_text_group(gid_t gid)
{
	static struct known known;
	struct group *g;

	if (known.set && known.id == gid)
		return known.name;
	g = getgrgid(gid);
	return remember(&known, gid, g ? g->gr_name : NULL);
}

struct attr_mode
attr_text_mode(mode_t mode)
{
	struct attr_mode m;

	strmode(mode, m.text);
	m.text[10] = '\0'; /* a space for what we do not have */
	return m;
}

/* What a calendar cannot hold is shown as seconds. */
static struct attr_time
seconds_of(struct timespec t)
{
	struct attr_time out;

	snprintf(out.text, sizeof(out.text), "@%lld", (long long)t.tv_sec);
	return out;
}

struct attr_time
attr_text_time(struct timespec t)
{
	struct attr_time out;
	struct tm tm;

	if (!localtime_r(&t.tv_sec, &tm) ||
	    strftime(out.text, sizeof(out.text), "%Y-%m-%d %H:%M", &tm) == 0)
		return seconds_of(t);
	return out;
}

struct attr_time
attr_text_exact_time(struct timespec t)
{
	struct attr_time out;
	char day[32], zone[16];
	struct tm tm;

	if (!localtime_r(&t.tv_sec, &tm) ||
	    strftime(day, sizeof(day), "%Y-%m-%d %H:%M:%S", &tm) == 0 ||
	    strftime(zone, sizeof(zone), "%z", &tm) == 0)
		return seconds_of(t);
	snprintf(
	    out.text, sizeof(out.text), "%s.%09ld %s", day, t.tv_nsec, zone);
	return out;
}
