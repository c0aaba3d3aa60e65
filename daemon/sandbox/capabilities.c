/* SPDX-License-Identifier: MIT */
#include "sandbox/capabilities.h"

#include <errno.h>
#include <linux/capability.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/capability.h"
#include "base/err.h"
#include "sandbox/namespaces.h"
#include "sandbox/state.h"

#define BIT(number) (UINT64_C(1) << (number))

struct sets {
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];
};

static struct sets make_sets(uint64_t effective, uint64_t inheritable)
{
	struct sets sets;

	for (int i = 0; i < _LINUX_CAPABILITY_U32S_3; i++)
		sets.data[i] = (struct __user_cap_data_struct){
			.effective = (uint32_t)(effective >> (32 * i)),
			.permitted = (uint32_t)(effective >> (32 * i)),
			.inheritable = (uint32_t)(inheritable >> (32 * i)),
		};
	return sets;
}

static int write_sets(const struct sets *sets)
{
	struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};

	return (int)syscall(SYS_capset, &head, sets->data);
}

static bool has_sets(const struct sets *sets)
{
	struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct sets mine;

	return syscall(SYS_capget, &head, mine.data) == 0 && memcmp(&mine, sets, sizeof(mine)) == 0;
}

/* ---- without a list ---- */

static int drop_all(struct err *err)
{
	const struct sets none = make_sets(0, 0);
	int saved;

	/* The ambient ones go with the permitted ones. */
	if (write_sets(&none) == 0)
		return 0;
	saved = errno; /* many filters of system calls refuse this one: they are no harm if there is nothing to give up
			*/
	return has_sets(&none) ? 0 : err_code(err, saved, "cannot give up the capabilities (capset)");
}

static int drop_ambient(struct err *err)
{
	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0)
		return err_sys(err, "cannot give up the ambient capabilities (PR_CAP_AMBIENT_CLEAR_ALL)");
	return 0;
}

/* ---- with a list ---- */

static uint64_t find_inheritable(const struct sandbox *sandbox)
{
	return sandbox->runs_programs ? sandbox->service->sandbox.capabilities : 0;
}

/* For this process, as opposed to its programs. */
static uint64_t find_effective(const struct sandbox *sandbox)
{
	uint64_t listed = sandbox->service->sandbox.capabilities;
	bool ends_others = sandbox->runs_programs && !sandbox->service->program.runs && (listed & BIT(CAP_SETUID)) != 0;

	return ends_others ? listed | (sandbox->had & BIT(CAP_KILL)) : listed;
}

/* The bounding set is what execve(2) can give, to programs of root and through files with capabilities. */
static int limit_bounds(uint64_t listed)
{
	for (int i = 0; i < 64; i++) {
		int has = prctl(PR_CAPBSET_READ, i, 0, 0, 0);

		if (has < 0)
			return 0; /* the kernel knows no more */
		if (has > 0 && (listed & BIT(i)) == 0 && prctl(PR_CAPBSET_DROP, i, 0, 0, 0) < 0)
			return -1;
	}
	return 0;
}

static int raise_ambient(uint64_t listed, struct err *err)
{
	for (int i = 0; i < 64; i++) {
		if ((listed & BIT(i)) != 0 && prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, i, 0, 0) < 0)
			return err_sys(err, "cannot keep a capability for the program (PR_CAP_AMBIENT_RAISE)");
	}
	return 0;
}

static int lacks(uint64_t missing, struct err *err)
{
	char name[CAPABILITY_TEXT];

	capability_name(__builtin_ctzll(missing), name);
	return err_set(err, "the daemon lacks %s, so it cannot give it", name);
}

int capabilities_keep(struct sandbox *sandbox, struct err *err)
{
	const struct config_sandbox *wish = &sandbox->service->sandbox;
	const struct identity *who = &sandbox->service->identity;

	sandbox->had = capability_own();
	if (!wish->capabilities_written)
		return 0;
	if ((wish->capabilities & ~sandbox->had) != 0)
		return lacks(wish->capabilities & ~sandbox->had, err);
	/* With no_new_privs execve(2) gives nothing new. A program of another user gets nothing from the bounding set
	 * but through a file, and the master has said so. */
	if (limit_bounds(wish->capabilities) < 0 && !wish->no_new_privileges && who->uid == 0)
		return err_sys(err, "cannot limit the bounding set (PR_CAPBSET_DROP); "
				    "sandbox.no_new_privileges = true does without");
	if (who->set && who->uid != 0 && prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) < 0)
		return err_sys(err, "cannot keep capabilities (PR_SET_KEEPCAPS)");
	return 0;
}

static int take_listed(const struct sandbox *sandbox, struct err *err)
{
	const struct sets sets = make_sets(find_effective(sandbox), find_inheritable(sandbox));

	if (drop_ambient(err) < 0)
		return -1;
	if (write_sets(&sets) < 0 && !has_sets(&sets))
		return err_sys(err, "cannot set the capabilities (capset)");
	(void)prctl(PR_SET_KEEPCAPS, 0, 0, 0, 0);
	return geteuid() != 0 ? raise_ambient(find_inheritable(sandbox), err) : 0;
}

int capabilities_drop(struct sandbox *sandbox, struct err *err)
{
	if (sandbox->service->sandbox.capabilities_written)
		return take_listed(sandbox, err);
	return sandbox->runs_programs && geteuid() == 0 ? drop_ambient(err) : drop_all(err);
}

int capabilities_verify(const struct sandbox *sandbox, struct err *err)
{
	const struct sets sets = make_sets(find_effective(sandbox), find_inheritable(sandbox));

	if (sandbox->service->sandbox.capabilities_written && !has_sets(&sets))
		return err_set(err, "the process has other capabilities than those that it has set");
	return 0;
}

int capabilities_pass(const struct sandbox *sandbox)
{
	uint64_t listed = sandbox->service->sandbox.capabilities;
	const struct sets sets = make_sets(listed, listed);

	if (!sandbox->service->sandbox.capabilities_written || find_effective(sandbox) == listed)
		return 0;
	return write_sets(&sets);
}

int capabilities_find_lack(const struct config_service *service, struct err *err)
{
	const struct config_sandbox *wish = &service->sandbox;

	if (wish->capabilities != 0 && namespaces_need_user_namespace(service))
		return err_set(err, "they count for what is private to its workers only, and not for the host: the "
				    "daemon lacks CAP_SYS_ADMIN, and sandbox.private_* and read_only need a user "
				    "namespace without it");
	if (!wish->capabilities_written || wish->no_new_privileges || capability_has(CAP_SETPCAP))
		return 0;
	return err_set(err,
		       "the bounding set stays as it is, so files with set-user-ID bits or capabilities can give a "
		       "program more: the daemon lacks CAP_SETPCAP");
}
