/* SPDX-License-Identifier: MIT */
#include "config/identity.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/err.h"
#include "config/config.h"

int identity_uid(const char *user, uid_t *uid_out, struct err *err)
{
	const struct passwd *pw;

	errno = 0;
	pw = getpwnam(user);
	if (pw == NULL && errno != 0 && errno != ENOENT && errno != ESRCH)
		return err_sys(err, "cannot look up the user \"%.64s\"", user);
	if (pw == NULL)
		return err_set(err, "there is no user \"%.64s\"", user);
	*uid_out = pw->pw_uid;
	return 0;
}

int identity_gid(const char *group, gid_t *gid_out, struct err *err)
{
	const struct group *gr;

	errno = 0;
	gr = getgrnam(group);
	if (gr == NULL && errno != 0 && errno != ENOENT && errno != ESRCH)
		return err_sys(err, "cannot look up the group \"%.64s\"", group);
	if (gr == NULL)
		return err_set(err, "there is no group \"%.64s\"", group);
	*gid_out = gr->gr_gid;
	return 0;
}

static void take_passwd(const struct passwd *pw, struct arena *arena, struct identity *out)
{
	out->user = arena_strdup(arena, pw->pw_name);
	out->home = arena_strdup(arena, pw->pw_dir);
	out->shell = arena_strdup(arena, pw->pw_shell);
	out->uid = pw->pw_uid;
	out->gid = pw->pw_gid;
}

int identity_of_user(const char *user, const char *group, struct arena *arena, struct identity *out, struct err *err)
{
	const struct passwd *pw = getpwnam(user);
	int n = 32, room;

	if (pw == NULL)
		return err_set(err, "there is no user \"%.64s\"", user);
	take_passwd(pw, arena, out);
	if (group != NULL && identity_gid(group, &out->gid, err) < 0)
		return -1;
	/* If there is too little room, getgrouplist() sets N to the number of groups. */
	do {
		room = n;
		out->groups = arena_alloc(arena, (size_t)room * sizeof(*out->groups));
		if (getgrouplist(user, out->gid, out->groups, &n) >= 0)
			break;
	} while (n > room);
	if (n > room)
		n = room;
	out->n_groups = (size_t)n;
	out->set = true;
	return 0;
}

void identity_of_process(struct arena *arena, struct identity *out)
{
	const struct passwd *pw = getpwuid(geteuid());
	int n = getgroups(0, NULL);

	out->user = arena_strdup(arena, "");
	out->home = arena_strdup(arena, "/");
	out->shell = arena_strdup(arena, "/bin/sh");
	if (pw != NULL)
		take_passwd(pw, arena, out);
	out->uid = geteuid();
	out->gid = getegid();
	if (n > 0) {
		out->groups = arena_alloc(arena, (size_t)n * sizeof(*out->groups));
		n = getgroups(n, out->groups);
	}
	out->n_groups = n > 0 ? (size_t)n : 0;
	out->set = false;
}
