/* SPDX-License-Identifier: MIT */
#include "sandbox/allowed.h"

#include <asm/ioctls.h>
#include <fcntl.h>
#include <sched.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/*
 * For echo, discard, chargen, daytime and time, with the gate, the limits, the log, the time zone, and what the C
 * library does for them. Libraries and machines differ in which of several calls for one purpose they make, so all of
 * those are here.
 */
static const char *const of_all[] = {
	/* clients */
	"accept",
	"accept4",
	"read",
	"readv",
	"recv",
	"recvfrom",
	"recvmsg",
	"recvmmsg",
	"write",
	"writev",
	"send",
	"sendto",
	"sendmsg",
	"sendmmsg",
	"shutdown",
	"close",
	"setsockopt",
	"getsockopt",
	"getsockname",
	"getpeername",
	/* the order to leave, which puts another descriptor in the place of the listener */
	"dup2",
	"dup3",
	"fcntl",
	"fcntl64",
	/* waiting and limits */
	"poll",
	"ppoll",
	"ppoll_time64",
	"clock_gettime",
	"clock_gettime64",
	"clock_getres",
	"clock_getres_time64",
	"gettimeofday",
	"time",
	"nanosleep",
	"clock_nanosleep",
	"clock_nanosleep_time64",
	"setitimer",
	"getitimer",
	"timer_settime",
	"timer_settime64",
	"timer_gettime",
	"timer_gettime64",
	"rt_sigaction",
	"rt_sigprocmask",
	"rt_sigreturn",
	"sigreturn",
	"restart_syscall",
	/* memory */
	"brk",
	"mmap",
	"mmap2",
	"munmap",
	"mremap",
	"mprotect",
	"madvise",
	"getrandom",
	/* the log, and the end */
	"connect",
	"fchdir",
	"getpid",
	"getppid",
	"gettid",
	"futex",
	"futex_time64",
	"tgkill",
	"exit",
	"exit_group",
	/* files for reading (below): the time zone, and in /proc how much memory the worker uses */
	"fstat",
	"fstat64",
	"newfstatat",
	"fstatat64",
	"stat",
	"stat64",
	"lstat",
	"lstat64",
	"statx",
	"lseek",
	"_llseek",
	"pread64",
};

/* Connections to upstreams, and the look-up of their names in a child, in which libraries may do this and that. */
static const char *const of_proxy[] = {
	"socket",
	"socketpair",
	"bind",
	"pipe",
	"pipe2",
	"splice",
	"tee",
	/* the child */
	"clone",
	"fork",
	"vfork",
	"clone3",
	"wait4",
	"waitid",
	"waitpid",
	"kill",
	"setsid",
	"getsid",
	"setpgid",
	"getpgid",
	"prctl",
	"close_range",
	"set_robust_list",
	"rseq",
	/* libraries */
	"getdents64",
	"getdents",
	"readlink",
	"readlinkat",
	"access",
	"faccessat",
	"faccessat2",
	"getcwd",
	"uname",
	"sysinfo",
	"sched_getaffinity",
	"sched_yield",
	"prlimit64",
	"getrlimit",
	"ugetrlimit",
	"getuid",
	"geteuid",
	"getgid",
	"getegid",
	"getuid32",
	"geteuid32",
	"getgid32",
	"getegid32",
	"statfs",
	"statfs64",
	"fstatfs",
	"fstatfs64",
	"epoll_create1",
	"epoll_ctl",
	"epoll_wait",
	"epoll_pwait",
	"epoll_pwait2",
	"select",
	"_newselect",
	"pselect6",
	"pselect6_time64",
	"eventfd2",
	"timerfd_create",
	"timerfd_settime",
	"timerfd_settime64",
	"rt_sigtimedwait",
	"rt_sigtimedwait_time64",
	"memfd_create",
	"ftruncate",
	"ftruncate64",
	"dup",
};

struct rule {
	const char *call;
	unsigned argument;
	uint64_t mask, value; /* argument & mask == value */
};

/* The bit that distinguishes O_TMPFILE, which makes a file. */
#define WRITES (O_ACCMODE | O_CREAT | O_TRUNC | (O_TMPFILE & ~O_DIRECTORY))

static const struct rule limited[] = {
	{"socket", 0, UINT32_MAX, AF_UNIX},   /* the log */
	{"unshare", 0, UINT32_MAX, CLONE_FS}, /* the log from inside a root folder, as is fchdir(2) */
	{"open", 1, WRITES, O_RDONLY},	      {"openat", 2, WRITES, O_RDONLY},	{"ioctl", 1, UINT32_MAX, FIONREAD},
	{"ioctl", 1, UINT32_MAX, TIOCOUTQ},   {"ioctl", 1, UINT32_MAX, TCGETS},
};

static int add_list(scmp_filter_ctx context, const char *const *list, size_t n)
{
	int rc = 0;

	for (size_t i = 0; i < n && rc == 0; i++) {
		int number = seccomp_syscall_resolve_name(list[i]);

		if (number != __NR_SCMP_ERROR)
			rc = seccomp_rule_add_array(context, SCMP_ACT_ALLOW, number, 0, NULL);
	}
	return rc;
}

static int add_limited(scmp_filter_ctx context)
{
	int rc = 0;

	for (size_t i = 0; i < ARRAY_SIZE(limited) && rc == 0; i++) {
		const struct rule *r = &limited[i];
		struct scmp_arg_cmp argument = SCMP_CMP64(r->argument, SCMP_CMP_MASKED_EQ, r->mask, r->value);

		rc = seccomp_rule_add_array(context, SCMP_ACT_ALLOW, seccomp_syscall_resolve_name(r->call), 1,
					    &argument);
	}
	return rc;
}

int allowed_add(scmp_filter_ctx context, bool proxy)
{
	int rc = add_list(context, of_all, ARRAY_SIZE(of_all));

	if (rc == 0 && proxy)
		rc = add_list(context, of_proxy, ARRAY_SIZE(of_proxy));
	return rc == 0 ? add_limited(context) : rc;
}
