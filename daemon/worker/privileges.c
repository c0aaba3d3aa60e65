/* SPDX-License-Identifier: MIT */
#include "worker/privileges.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <preforkd/module.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/dumpable.h"
#include "base/err.h"
#include "config/config.h"
#include "config/identity.h"

const struct config_service *privileges_find(const struct config_service *service, struct err *err)
{
	static struct config_service own;
	const struct identity *who = &service->identity;

	if (!who->pending)
		return service;
	own = *service;
	if (identity_of_user(who->user, who->group, arena_new(), &own.identity, err) < 0)
		return NULL;
	own.identity.pending = false;
	return &own;
}

/*
 * Takes the identity WHO: supplementary groups, group, user, in this order, and verifies that there is no way back.
 * Does nothing if WHO is not set (the daemon was not started as root).
 */
static int become_user(const struct identity *who, struct err *err)
{
	uid_t real, effective, saved;

	if (!who->set)
		return 0;
	/* groups first: only root can change them */
	if (setgroups(who->n_groups, who->groups) < 0)
		return err_sys(err, "cannot set the groups of user \"%s\"", who->user);
	if (setresgid(who->gid, who->gid, who->gid) < 0)
		return err_sys(err, "cannot become group %u", (unsigned)who->gid);
	if (setresuid(who->uid, who->uid, who->uid) < 0)
		return err_sys(err, "cannot become user \"%s\"", who->user);
	if (getresuid(&real, &effective, &saved) < 0 || real != who->uid || effective != who->uid ||
	    saved != who->uid || (who->uid != 0 && setuid(0) == 0))
		return err_set(err, "user \"%s\": privileges could not be given up", who->user);
	return 0;
}

static int drop_capabilities(struct err *err)
{
	struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {{0}}, mine[_LINUX_CAPABILITY_U32S_3];
	int saved;

	/* The ambient ones go with the permitted ones. */
	if (syscall(SYS_capset, &head, none) == 0)
		return 0;
	saved = errno; /* many filters of system calls refuse this one: they are no harm if there is nothing to give up
			*/
	if (syscall(SYS_capget, &head, mine) == 0 && memcmp(mine, none, sizeof(mine)) == 0)
		return 0;
	return err_code(err, saved, "cannot give up the capabilities (capset)");
}

static int drop_ambient_capabilities(struct err *err)
{
	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0)
		return err_sys(err, "cannot give up the ambient capabilities (PR_CAP_AMBIENT_CLEAR_ALL)");
	return 0;
}

int privileges_drop(const struct config_service *service, struct err *err)
{
	bool programs = (service->handler->flags & PREFORKD_COMMAND) != 0;

	if (become_user(&service->identity, err) < 0)
		return -1;
	if ((programs && geteuid() == 0 ? drop_ambient_capabilities(err) : drop_capabilities(err)) < 0)
		return -1;
	if (!programs && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return err_sys(err, "cannot set no_new_privs");
	return dumpable_set(false, err);
}
