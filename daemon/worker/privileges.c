/* SPDX-License-Identifier: MIT */
#include "worker/privileges.h"

#include <grp.h>
#include <unistd.h>

#include "base/err.h"
#include "config/config.h"

int privileges_drop(const struct identity *who, struct err *err)
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
