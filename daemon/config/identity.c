/* SPDX-License-Identifier: MIT */
#include "config/identity.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/parse.h"
#include "config/config.h"

/* The number that TEXT is; false: it is none that a user or a group can have. The largest one means "none". */
static bool parse_id(const char *text, uint32_t *out)
{
	int64_t number;

	if (strspn(text, "0123456789") != strlen(text) || parse_integer(text, &number, NULL) < 0 ||
	    number >= UINT32_MAX)
		return false;
	*out = (uint32_t)number;
	return true;
}

/* The entry of USER, a name or a number; NULL: there is none. -1 and *err: the look-up has failed. */
static int find_passwd(const char *user, const struct passwd **pw_out, struct err *err)
{
	uid_t uid;

	errno = 0;
	*pw_out = getpwnam(user);
	if (*pw_out == NULL && (errno == 0 || errno == ENOENT || errno == ESRCH) && parse_id(user, &uid)) {
		errno = 0;
		*pw_out = getpwuid(uid);
	}
	if (*pw_out == NULL && errno != 0 && errno != ENOENT && errno != ESRCH)
		return err_sys(err, "cannot look up the user \"%.64s\"", user);
	return 0;
}

int identity_uid(const char *user, uid_t *uid_out, struct err *err)
{
	const struct passwd *pw;

	if (find_passwd(user, &pw, err) < 0)
		return -1;
	if (pw != NULL)
		*uid_out = pw->pw_uid;
	else if (!parse_id(user, uid_out))
		return err_set(err, "there is no user \"%.64s\"", user);
	return 0;
}

int identity_gid(const char *group, gid_t *gid_out, struct err *err)
{
	const struct group *gr;

	errno = 0;
	gr = getgrnam(group);
	if (gr == NULL && errno != 0 && errno != ENOENT && errno != ESRCH)
		return err_sys(err, "cannot look up the group \"%.64s\"", group);
	if (gr != NULL)
		*gid_out = gr->gr_gid;
	else if (!parse_id(group, gid_out))
		return err_set(err, "there is no group \"%.64s\"", group);
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

/* A number that no user has, as in a container: a group with the same number, and nothing else, is taken for granted.
 */
static void take_number(uid_t uid, struct arena *arena, struct identity *out)
{
	out->user = arena_printf(arena, "%u", (unsigned)uid);
	out->home = arena_strdup(arena, "/");
	out->shell = arena_strdup(arena, "/bin/sh");
	out->uid = uid;
	out->gid = uid;
}

int identity_of_user(const char *user, const char *group, struct arena *arena, struct identity *out, struct err *err)
{
	const struct passwd *pw;
	int n = 32, room;
	uid_t uid;

	if (find_passwd(user, &pw, err) < 0)
		return -1;
	if (pw != NULL)
		take_passwd(pw, arena, out);
	else if (parse_id(user, &uid))
		take_number(uid, arena, out);
	else
		return err_set(err, "there is no user \"%.64s\"", user);
	if (group != NULL && identity_gid(group, &out->gid, err) < 0)
		return -1;
	/* If there is too little room, getgrouplist() sets N to the number of groups. */
	do {
		room = n;
		out->groups = arena_alloc(arena, (size_t)room * sizeof(*out->groups));
		if (getgrouplist(out->user, out->gid, out->groups, &n) >= 0)
			break;
	} while (n > room);
	if (n > room)
		n = room;
	out->n_groups = (size_t)n;
	out->set = true;
	return 0;
}

int identity_take_groups(struct identity *who, struct arena *arena, struct err *err)
{
	size_t n = 0;

	if (who->only == NULL)
		return 0;
	while (who->only[n] != NULL)
		n++;
	who->groups = arena_alloc(arena, (n + 1) * sizeof(*who->groups));
	who->n_groups = 0;
	for (size_t i = 0; i < n; i++) {
		if (identity_gid(who->only[i], &who->groups[i], err) < 0)
			return -1;
		who->n_groups++;
	}
	return 0;
}

void identity_pend(const char *user, const char *group, struct arena *arena, struct identity *out)
{
	*out = (struct identity){
		.set = true,
		.pending = true,
		.user = arena_strdup(arena, user),
		.group = group != NULL ? arena_strdup(arena, group) : NULL,
		.home = arena_strdup(arena, "/"),
		.shell = arena_strdup(arena, "/bin/sh"),
		.uid = (uid_t)-1, /* the kernel takes these for nobody's */
		.gid = (gid_t)-1,
	};
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
