/* SPDX-License-Identifier: MIT */
#include "base/path_access.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/err.h"

#define LINKS_MOST 40 /* as the kernel */

struct walk {
	const struct path_user *who;
	char done[PATH_MAX]; /* without links; "" is the root */
	char rest[PATH_MAX];
	int links;
	struct err *err;
};

static bool is_member(const struct path_user *who, gid_t group)
{
	if (who->gid == group)
		return true;
	for (size_t i = 0; i < who->n_groups; i++) {
		if (who->groups[i] == group)
			return true;
	}
	return false;
}

/* HOW as the mode of ST gives it to WHO, without access control lists. */
static bool does_mode_allow(const struct stat *st, int how, const struct path_user *who)
{
	int shift = who->uid == st->st_uid ? 6 : is_member(who, st->st_gid) ? 3 : 0;

	if ((how & ~(int)(st->st_mode >> shift)) == 0)
		return true;
	if (!S_ISDIR(st->st_mode) && (how & X_OK) != 0 && (st->st_mode & 0111) == 0)
		return false;
	return who->may_override || (who->may_search && (how & W_OK) == 0 && (S_ISDIR(st->st_mode) || how == R_OK));
}

static bool has_list(const char *path)
{
	return getxattr(path, "system.posix_acl_access", NULL, 0) > 0 || getxattr(path, "system.nfs4_acl", NULL, 0) > 0;
}

static const char *find_verb(const struct stat *st, int how)
{
	if ((how & W_OK) != 0)
		return S_ISDIR(st->st_mode) ? "make files in" : "write";
	if ((how & R_OK) != 0)
		return "read";
	return S_ISDIR(st->st_mode) ? "enter" : "run";
}

static enum path_answer check_mode(const struct walk *w, const char *path, const struct stat *st, int how)
{
	const struct passwd *owner;
	char number[16];
	bool listed;

	if (does_mode_allow(st, how, w->who))
		return PATH_YES;
	owner = getpwuid(st->st_uid);
	listed = has_list(path);
	(void)snprintf(number, sizeof(number), "%u", (unsigned)st->st_uid);
	(void)err_set(w->err, "%.64s cannot %s %.256s (mode %04o, owner %.32s)%s", w->who->name, find_verb(st, how),
		      path, (unsigned)st->st_mode & 07777, owner != NULL ? owner->pw_name : number,
		      listed ? ", unless its access control list allows it" : "");
	return listed ? PATH_UNKNOWN : PATH_NO;
}

/* stat(2) failed for PATH. */
static enum path_answer report_missing(const struct walk *w, const char *path)
{
	bool hidden = errno == EACCES;

	(void)err_sys(w->err, "%.256s", path);
	return hidden ? PATH_UNKNOWN : PATH_NO;
}

static enum path_answer enter_folder(const struct walk *w)
{
	const char *folder = w->done[0] != '\0' ? w->done : "/";
	struct stat st;

	if (stat(folder, &st) < 0)
		return report_missing(w, folder);
	if (!S_ISDIR(st.st_mode)) {
		errno = ENOTDIR;
		return report_missing(w, folder);
	}
	return check_mode(w, folder, &st, X_OK);
}

/* Puts the target of the link w->done in front of the rest. False: too many links, or too long. */
static bool follow_link(struct walk *w, size_t parent)
{
	char target[PATH_MAX], rest[PATH_MAX];
	ssize_t n = readlink(w->done, target, sizeof(target) - 1);

	if (n < 0)
		return false;
	target[n] = '\0';
	if (++w->links > LINKS_MOST) {
		errno = ELOOP;
		return false;
	}
	memcpy(rest, w->rest, sizeof(rest));
	if ((size_t)snprintf(w->rest, sizeof(w->rest), "%s/%s", target, rest) >= sizeof(w->rest)) {
		errno = ENAMETOOLONG;
		return false;
	}
	w->done[target[0] == '/' ? 0 : parent] = '\0';
	return true;
}

/* Goes one name further; *more is false when no name was left. */
static enum path_answer step(struct walk *w, bool *more)
{
	size_t skip = strspn(w->rest, "/"), len = strcspn(w->rest + skip, "/"), parent = strlen(w->done);
	enum path_answer answer;
	struct stat st;
	char *slash;

	*more = len > 0;
	if (len == 0)
		return PATH_YES;
	answer = enter_folder(w);
	if (answer != PATH_YES)
		return answer;
	if (len == 2 && memcmp(w->rest + skip, "..", 2) == 0) {
		slash = strrchr(w->done, '/');
		if (slash != NULL)
			*slash = '\0';
	} else if (len != 1 || w->rest[skip] != '.') {
		if (parent + 1 + len >= sizeof(w->done)) {
			errno = ENAMETOOLONG;
			return report_missing(w, w->done);
		}
		(void)snprintf(w->done + parent, sizeof(w->done) - parent, "/%.*s", (int)len, w->rest + skip);
	}
	memmove(w->rest, w->rest + skip + len, strlen(w->rest + skip + len) + 1);
	if (w->done[0] == '\0')
		return PATH_YES;
	if (lstat(w->done, &st) < 0 || (S_ISLNK(st.st_mode) && !follow_link(w, parent)))
		return report_missing(w, w->done);
	return PATH_YES;
}

static enum path_answer follow(struct walk *w, int how)
{
	enum path_answer answer;
	bool more = true;
	struct stat st;

	while (more) {
		answer = step(w, &more);
		if (answer != PATH_YES)
			return answer;
	}
	if (w->done[0] == '\0')
		(void)snprintf(w->done, sizeof(w->done), "/");
	if (how == F_OK)
		return PATH_YES;
	return stat(w->done, &st) < 0 ? report_missing(w, w->done) : check_mode(w, w->done, &st, how);
}

enum path_answer path_access(const char *path, int how, const struct path_user *who, char *real, struct err *err)
{
	struct walk w = {.who = who, .err = err};
	enum path_answer answer = PATH_NO;

	if ((size_t)snprintf(w.rest, sizeof(w.rest), "%s", path) >= sizeof(w.rest))
		(void)err_code(err, ENAMETOOLONG, "%.128s", path);
	else
		answer = follow(&w, how);
	if (real != NULL)
		(void)snprintf(real, PATH_MAX, "%s", w.done);
	return answer;
}
