/* SPDX-License-Identifier: MIT */
#include "sandbox/system_calls.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/capability.h"
#include "base/err.h"
#include "config/config.h"
#include "sandbox/filters.h"
#include "sandbox/state.h"
#include "sandbox/violations.h"

/* Linux 5.19: a call that waits for its answer is interrupted by nothing but the end of its process. */
#ifndef SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV
#define SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV (1UL << 5)
#endif

static bool limited; /* this process has taken its filter */

/* ---- master ---- */

/* The kernel has filters, and nothing around this process keeps it from asking. */
static int look_for_filters(struct err *err)
{
	uint32_t action = SECCOMP_RET_ERRNO;

	if (syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) == 0)
		return 0;
	return err_sys(err, "system calls cannot be limited, so all are allowed: seccomp(2)");
}

int system_calls_find_lack(const struct config_service *service, struct err *err)
{
	if (service->sandbox.level == SANDBOX_OFF)
		return 0;
	if (look_for_filters(err) < 0 || filters_prepare(service, err) < 0)
		return -1;
	if (service->sandbox.no_new_privileges || capability_has(CAP_SYS_ADMIN) ||
	    prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1)
		return 0;
	return err_set(err, "system calls cannot be limited, so all are allowed: without sandbox.no_new_privileges the "
			    "daemon needs the capability CAP_SYS_ADMIN for that");
}

/* ---- worker ---- */

/*
 * Returns a listener, or 0; -1 with errno. SPEC_ALLOW (Linux 4.17): a filter changes nothing about speculation; before
 * 5.16 the kernel would otherwise slow each process with a filter down.
 */
static int take_filter(const struct sock_fprog *program, unsigned long flags)
{
	long rc = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags | SECCOMP_FILTER_FLAG_SPEC_ALLOW, program);

	if (rc < 0 && errno == EINVAL)
		rc = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, program);
	return (int)rc;
}

/* -1 with errno: the kernel is older than 5.0, or a filter around this process has a listener. */
static int take_listened(const struct sock_fprog *program)
{
	unsigned long flags = SECCOMP_FILTER_FLAG_NEW_LISTENER;
	int fd = take_filter(program, flags | SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV);

	if (fd < 0 && errno == EINVAL)
		fd = take_filter(program, flags);
	if (fd < 0)
		return -1;
	violations_listen(fd);
	return 0;
}

static int take_kind(enum filter_kind kind)
{
	enum filter_kind simple = filters_without_listener(kind);
	const struct sock_fprog *program = filters_get(kind);

	if (simple != kind) {
		if (program != NULL && take_listened(program) == 0)
			return 0;
		program = filters_get(simple);
	}
	if (program == NULL) {
		errno = ENOSYS;
		return -1;
	}
	return take_filter(program, 0);
}

/* The master has told this already: there are no filters, or this process may not have one. */
static bool is_lack(int error)
{
	return error == ENOSYS || error == EINVAL || error == EPERM || error == EACCES;
}

int system_calls_limit_early(struct sandbox *sandbox, struct err *err)
{
	enum filter_kind kind = filters_kind(sandbox->service);

	if (kind == FILTER_NONE || sandbox->service->sandbox.no_new_privileges ||
	    prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1)
		return 0;
	limited = take_kind(kind) == 0;
	if (limited || is_lack(errno))
		return 0;
	return err_sys(err, "cannot limit the system calls");
}

int system_calls_limit(struct sandbox *sandbox, struct err *err)
{
	enum filter_kind kind = filters_kind(sandbox->service);

	if (kind == FILTER_NONE || limited)
		return 0;
	if (filters_end_the_process(kind) && violations_note_last(sandbox->slot) < 0)
		return err_sys(err, "cannot limit the system calls");
	limited = take_kind(kind) == 0;
	if (limited || (is_lack(errno) && !sandbox->service->sandbox.required))
		return 0;
	return err_sys(err, "cannot limit the system calls");
}
