/* SPDX-License-Identifier: MIT */
#include "sandbox/sandbox.h"

#include <preforkd/module.h>
#include <stddef.h>
#include <unistd.h>

#include "base/err.h"
#include "sandbox/capabilities.h"
#include "sandbox/group.h"
#include "sandbox/landlock.h"
#include "sandbox/namespaces.h"
#include "sandbox/no_new_privileges.h"
#include "sandbox/oom_score.h"
#include "sandbox/rlimits.h"
#include "sandbox/root.h"
#include "sandbox/state.h"
#include "sandbox/surroundings.h"
#include "sandbox/system_calls.h"
#include "sandbox/user.h"

struct step {
	const char *key; /* of the configuration: what the administrator looks at when the step fails */
	int (*take)(struct sandbox *sandbox, struct err *err);
	int (*verify)(const struct sandbox *sandbox, struct err *err); /* NULL: take() has seen the result */
};

/* For a program: async-signal-safe; -1 with errno. */
struct program_step {
	const char *key;
	int (*take)(const struct sandbox *sandbox);
};

#define LANDLOCK_KEYS "sandbox.read, write, execute, tcp_connect, tcp_bind"

/* Its rules name files as the process is going to see them: the mounts come first. */
static int prepare_landlock_early(struct sandbox *sandbox, struct err *err)
{
	return namespaces_are_late(sandbox) ? 0 : landlock_prepare(sandbox, err);
}

static int prepare_landlock_late(struct sandbox *sandbox, struct err *err)
{
	return namespaces_are_late(sandbox) ? landlock_prepare(sandbox, err) : 0;
}

/* If there are namespaces, they have changed it, or do so later. */
static int change_root(struct sandbox *sandbox, struct err *err)
{
	return namespaces_are_late(sandbox) ? 0 : root_change(sandbox, false, err);
}

/*
 * The order counts:
 * - what needs the files and the rights of the master comes before the user changes;
 * - namespaces come before the user changes if the master may make them; otherwise the user of the service makes a user
 *   namespace first, because nobody can become another user in it;
 * - the root folder changes before the user does, who may not do it, and before paths in it are opened; with mounts of
 *   its own, before these, which are made in it; in a user namespace, after that, which cannot be made in it;
 * - the user changes before the capabilities go, which the change needs;
 * - no_new_privs comes after the change of user, and before the filter of system calls, which needs it, or else the
 *   capabilities of the master.
 */
static const struct step entering[] = {
	{"the control group", group_enter, NULL},
	{"program.oom_score_adjust", oom_score_set, NULL},
	{"program.nice", nice_set, nice_verify},
	{"limits", rlimits_prepare, NULL},
	{"sandbox", namespaces_choose, NULL},
	{"sandbox", namespaces_with_rights, NULL},
	{"sandbox.root", change_root, root_verify},
	{LANDLOCK_KEYS, prepare_landlock_early, NULL},
	{"sandbox.capabilities", capabilities_keep, NULL},
	{"sandbox.level", system_calls_limit_early, NULL},
	{"user", user_take, user_verify},
	{"sandbox", namespaces_without_rights, NULL},
	{"program.umask", umask_set, NULL},
	{"program.directory", directory_enter, NULL},
	{LANDLOCK_KEYS, prepare_landlock_late, NULL},
	{"sandbox.capabilities", capabilities_drop, capabilities_verify},
	{"sandbox.no_new_privileges", no_new_privileges_set, no_new_privileges_verify},
};

/* Taken when no set-up of a service needs what they take away. */
static const struct step closing[] = {
	{LANDLOCK_KEYS, landlock_confine, NULL},
	{"limits", rlimits_set, rlimits_verify},
	{"sandbox.level", system_calls_limit, NULL},
};

static const struct program_step of_program[] = {
	{LANDLOCK_KEYS, landlock_confine_program},
	{"limits", rlimits_set_program},
	{"sandbox.capabilities", capabilities_pass},
};

static struct sandbox own = {.ruleset = -1}; /* of this process; service NULL: it is in none */

static int fail(const char *key, const struct err *why, struct err *err)
{
	(void)err_set(err, "%s: %.400s", key, why->text);
	err->code = why->code;
	return -1;
}

static int take_steps(const struct step *steps, size_t n, struct err *err)
{
	struct err why;

	for (size_t i = 0; i < n; i++) {
		if (steps[i].take(&own, &why) < 0 || (steps[i].verify != NULL && steps[i].verify(&own, &why) < 0))
			return fail(steps[i].key, &why, err);
	}
	return 0;
}

const struct config_service *sandbox_find_user(const struct config_service *service, struct err *err)
{
	return user_find(service, err);
}

int sandbox_enter(const struct config_service *service, struct err *err)
{
	own = (struct sandbox){
		.service = service,
		.ruleset = -1,
		.runs_programs = (service->handler->flags & PREFORKD_COMMAND) != 0,
		.other_user = service->identity.set && service->identity.uid != geteuid(),
	};
	return take_steps(entering, sizeof(entering) / sizeof(entering[0]), err);
}

int sandbox_close(struct board_slot *slot, struct err *err)
{
	own.slot = slot;
	return take_steps(closing, sizeof(closing) / sizeof(closing[0]), err);
}

int sandbox_descriptor(void)
{
	return own.ruleset;
}

int sandbox_enter_program(const char **key_out)
{
	if (own.service == NULL)
		return 0;
	for (size_t i = 0; i < sizeof(of_program) / sizeof(of_program[0]); i++) {
		*key_out = of_program[i].key;
		if (of_program[i].take(&own) < 0)
			return -1;
	}
	return 0;
}
