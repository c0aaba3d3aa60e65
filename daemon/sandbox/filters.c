/* SPDX-License-Identifier: MIT */
#include "sandbox/filters.h"

#include <errno.h>
#include <preforkd/module.h>
#include <seccomp.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/child.h"
#include "base/err.h"
#include "base/fds.h"
#include "config/config.h"
#include "sandbox/allowed.h"
#include "sandbox/forbidden.h"

static struct sock_fprog made[FILTER_KINDS];

/* ---- which one ---- */

static bool is_strict(enum filter_kind kind)
{
	return kind == FILTER_REFUSES_STRICT || kind == FILTER_TELLS_STRICT;
}

bool filters_end_the_process(enum filter_kind kind)
{
	return kind == FILTER_BUILTIN || kind == FILTER_PROXY;
}

enum filter_kind filters_kind(const struct config_service *service)
{
	bool strict = service->sandbox.level == SANDBOX_STRICT;
	bool runs_programs = (service->handler->flags & PREFORKD_COMMAND) != 0;

	if (service->sandbox.level == SANDBOX_OFF)
		return FILTER_NONE;
	if (runs_programs && !service->program.runs)
		return strict ? FILTER_TELLS_STRICT : FILTER_TELLS;
	if (strict && (runs_programs || service->module != NULL))
		return FILTER_REFUSES_STRICT;
	if (!strict || ALLOWED_IS_UNKNOWN)
		return FILTER_REFUSES;
	return service->upstreams.n > 0 ? FILTER_PROXY : FILTER_BUILTIN;
}

enum filter_kind filters_without_listener(enum filter_kind kind)
{
	if (kind == FILTER_TELLS)
		return FILTER_REFUSES;
	return kind == FILTER_TELLS_STRICT ? FILTER_REFUSES_STRICT : kind;
}

/* ---- making ---- */

/* Programs for the 32-bit processor of the same family go on working, except at the level "strict": their socketcall(2)
 * hides the arguments of socket(2). */
static int add_32_bit(scmp_filter_ctx context)
{
	switch (seccomp_arch_native()) {
	case SCMP_ARCH_X86_64:
		return seccomp_arch_add(context, SCMP_ARCH_X86);
	case SCMP_ARCH_AARCH64:
		return seccomp_arch_add(context, SCMP_ARCH_ARM);
	default:
		return 0;
	}
}

static int fill(scmp_filter_ctx context, enum filter_kind kind)
{
	bool tells = kind == FILTER_TELLS || kind == FILTER_TELLS_STRICT;
	int rc;

	/* of a machine that the filter does not know: as if the kernel were built without it */
	rc = seccomp_attr_set(context, SCMP_FLTATR_ACT_BADARCH,
			      filters_end_the_process(kind) ? SCMP_ACT_KILL_PROCESS : SCMP_ACT_ERRNO(ENOSYS));
	if (rc == 0)
		rc = seccomp_attr_set(context, SCMP_FLTATR_CTL_OPTIMIZE, 2); /* a binary tree */
	if (rc == 0 && filters_end_the_process(kind))
		return allowed_add(context, kind == FILTER_PROXY);
	if (rc == 0 && !is_strict(kind))
		rc = add_32_bit(context);
	return rc == 0 ? forbidden_add(context, tells ? SCMP_ACT_NOTIFY : SCMP_ACT_ERRNO(EPERM), is_strict(kind)) : rc;
}

/* Reads the program that libseccomp has written into FD. */
static int read_program(int fd, struct sock_fprog *out, struct err *err)
{
	struct stat file;
	void *code;

	if (fstat(fd, &file) < 0)
		return err_sys(err, "cannot read a filter of system calls");
	code = malloc((size_t)file.st_size);
	if (code == NULL)
		return err_set(err, "no memory for a filter of system calls");
	if (pread(fd, code, (size_t)file.st_size, 0) != file.st_size) {
		free(code);
		return err_sys(err, "cannot read a filter of system calls");
	}
	out->filter = code;
	out->len = (unsigned short)((size_t)file.st_size / sizeof(struct sock_filter));
	return 0;
}

/* 0 or an errno. */
static int write_program(enum filter_kind kind, int fd)
{
	scmp_filter_ctx context = seccomp_init(filters_end_the_process(kind) ? SCMP_ACT_TRAP : SCMP_ACT_ALLOW);
	int rc = context != NULL ? fill(context, kind) : -ENOMEM;

	if (rc == 0)
		rc = seccomp_export_bpf(context, fd);
	seccomp_release(context);
	return rc < 0 ? -rc : 0;
}

/* In a child, which takes libseccomp's memory away with it: all workers would inherit it. */
static int try_to_write(enum filter_kind kind, int fd, struct err *err)
{
	pid_t pid = child_fork();
	int status;

	if (pid == 0)
		_exit(write_program(kind, fd));
	if (pid < 0)
		return err_sys(err, "cannot make a filter of system calls");
	status = child_wait(pid);
	if (!WIFEXITED(status))
		return err_set(err, "cannot make a filter of system calls: the process that tried has crashed");
	if (WEXITSTATUS(status) != 0)
		return err_code(err, WEXITSTATUS(status), "cannot make a filter of system calls");
	return 0;
}

static int make(enum filter_kind kind, struct err *err)
{
	int fd, rc;

	if (kind == FILTER_NONE || made[kind].filter != NULL)
		return 0;
	fd = memfd_create("preforkd-filter", MFD_CLOEXEC);
	if (fd < 0)
		return err_sys(err, "cannot make a filter of system calls");
	rc = try_to_write(kind, fd, err) == 0 ? read_program(fd, &made[kind], err) : -1;
	fd_close(&fd);
	return rc;
}

int filters_prepare(const struct config_service *service, struct err *err)
{
	enum filter_kind kind = filters_kind(service), simple = filters_without_listener(kind);

	if (simple != kind)
		(void)make(kind, NULL); /* a kernel before 5.0 has none that tell; they are not necessary */
	return make(simple, err);
}

const struct sock_fprog *filters_get(enum filter_kind kind)
{
	return kind != FILTER_NONE && made[kind].filter != NULL ? &made[kind] : NULL;
}
