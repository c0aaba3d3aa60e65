/* SPDX-License-Identifier: MIT */
#include "sandbox/user.h"

#include <grp.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/err.h"
#include "config/config.h"
#include "config/identity.h"
#include "sandbox/state.h"

const struct config_service *user_find(const struct config_service *service, struct err *err)
{
	static struct config_service own;
	const struct identity *who = &service->identity;

	if (!who->pending)
		return service;
	own = *service;
	if (identity_of_user(who->user, who->group, arena_new(), &own.identity, err) < 0 ||
	    identity_take_groups(&own.identity, arena_new(), err) < 0)
		return NULL;
	own.identity.pending = false;
	return &own;
}

int user_take(struct sandbox *sandbox, struct err *err)
{
	const struct identity *who = &sandbox->service->identity;

	if (!who->set)
		return 0;
	/* groups first: only root can change them */
	if (setgroups(who->n_groups, who->groups) < 0)
		return err_sys(err, "cannot set the groups of user \"%s\"", who->user);
	if (setresgid(who->gid, who->gid, who->gid) < 0)
		return err_sys(err, "cannot become group %u", (unsigned)who->gid);
	if (setresuid(who->uid, who->uid, who->uid) < 0)
		return err_sys(err, "cannot become user \"%s\"", who->user);
	return 0;
}

int user_verify(const struct sandbox *sandbox, struct err *err)
{
	const struct identity *who = &sandbox->service->identity;
	uid_t real, effective, saved;

	if (!who->set)
		return 0;
	if (getresuid(&real, &effective, &saved) < 0 || real != who->uid || effective != who->uid ||
	    saved != who->uid || (who->uid != 0 && setuid(0) == 0))
		return err_set(err, "user \"%s\": privileges could not be given up", who->user);
	return 0;
}
