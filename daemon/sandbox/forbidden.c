/* SPDX-License-Identifier: MIT */
#include "sandbox/forbidden.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define ARGUMENTS     2

/* By name: libseccomp skips a call that the machine does not have, and one that is newer than the library. */
static const char *const never[] = {
	/* mounting */
	"mount",
	"umount",
	"umount2",
	"pivot_root",
	"open_tree",
	"open_tree_attr",
	"move_mount",
	"fsopen",
	"fsconfig",
	"fsmount",
	"fspick",
	"mount_setattr",
	/* the kernel: its modules, its image, its programs, its counters */
	"init_module",
	"finit_module",
	"delete_module",
	"kexec_load",
	"kexec_file_load",
	"reboot",
	"bpf",
	"perf_event_open",
	"lookup_dcookie",
	"syslog",
	/* keyrings, which no namespace separates */
	"add_key",
	"request_key",
	"keyctl",
	/* other processes */
	"ptrace",
	"process_vm_readv",
	"process_vm_writev",
	"pidfd_getfd",
	"kcmp",
	/* interfaces of which many holes of the kernel are known */
	"userfaultfd",
	"io_uring_setup",
	"io_uring_enter",
	"io_uring_register",
	/* clocks and names of the host */
	"clock_settime",
	"clock_settime64",
	"settimeofday",
	"stime",
	"adjtimex",
	"clock_adjtime",
	"clock_adjtime64",
	"sethostname",
	"setdomainname",
	/* disks, swap, accounting */
	"swapon",
	"swapoff",
	"acct",
	"quotactl",
	"quotactl_fd",
	"nfsservctl",
	"open_by_handle_at",
	"fanotify_init",
	/* hardware and terminals */
	"iopl",
	"ioperm",
	"vhangup",
	/* namespaces */
	"setns",
};

struct condition {
	unsigned argument;
	uint64_t mask, value; /* argument & mask == value */
};

/* A call is refused if all conditions hold. */
struct rule {
	const char *call;
	struct condition if_[ARGUMENTS];
};

#define ANY                                                                                                            \
	{                                                                                                              \
		0, 0, 0                                                                                                \
	}
#define HAS(arg, bits)                                                                                                 \
	{                                                                                                              \
		arg, bits, bits                                                                                        \
	}
#define IS(arg, value)                                                                                                 \
	{                                                                                                              \
		arg, UINT32_MAX, value                                                                                 \
	}
#define TYPE(arg, type)                                                                                                \
	{                                                                                                              \
		arg, S_IFMT, type                                                                                      \
	}

/* The flags come second on s390. */
#ifdef __s390__
#define CLONE_FLAGS 1
#else
#define CLONE_FLAGS 0
#endif

#define CLONE(flag)                                                                                                    \
	{                                                                                                              \
		"clone",                                                                                               \
		{                                                                                                      \
			HAS(CLONE_FLAGS, flag), ANY                                                                    \
		}                                                                                                      \
	}
#define UNSHARE(flag)                                                                                                  \
	{                                                                                                              \
		"unshare",                                                                                             \
		{                                                                                                      \
			HAS(0, flag), ANY                                                                              \
		}                                                                                                      \
	}

/* clang-format off */
static const struct rule in_general[] = {
	CLONE(CLONE_NEWNS), CLONE(CLONE_NEWUTS), CLONE(CLONE_NEWIPC), CLONE(CLONE_NEWUSER), CLONE(CLONE_NEWPID),
	CLONE(CLONE_NEWNET), CLONE(CLONE_NEWCGROUP),
	UNSHARE(CLONE_NEWNS), UNSHARE(CLONE_NEWUTS), UNSHARE(CLONE_NEWIPC), UNSHARE(CLONE_NEWUSER),
	UNSHARE(CLONE_NEWPID), UNSHARE(CLONE_NEWNET), UNSHARE(CLONE_NEWCGROUP), UNSHARE(CLONE_NEWTIME),
	{"ioctl", {IS(1, TIOCSTI), ANY}},
	{"ioctl", {IS(1, TIOCLINUX), ANY}},
};

#define SET_ID(call, arg) {call, {HAS(arg, S_ISUID), ANY}}, {call, {HAS(arg, S_ISGID), ANY}}
/* Without O_CREAT, and O_TMPFILE has none, the mode is whatever the caller's register contains. */
#define TMPFILE_BIT (O_TMPFILE & ~O_DIRECTORY)
#define OPEN_SET_ID(call, flags, mode)                                                                                 \
	{call, {HAS(flags, O_CREAT), HAS(mode, S_ISUID)}}, {call, {HAS(flags, O_CREAT), HAS(mode, S_ISGID)}},          \
	{call, {HAS(flags, TMPFILE_BIT), HAS(mode, S_ISUID)}}, {call, {HAS(flags, TMPFILE_BIT), HAS(mode, S_ISGID)}}

static const struct rule in_strict[] = {
	{"chroot", {ANY, ANY}},
	SET_ID("chmod", 1), SET_ID("fchmod", 1), SET_ID("fchmodat", 2), SET_ID("fchmodat2", 2), SET_ID("creat", 1),
	SET_ID("mknod", 1), SET_ID("mknodat", 2),
	OPEN_SET_ID("open", 1, 2), OPEN_SET_ID("openat", 2, 3),
	{"mknod", {TYPE(1, S_IFCHR), ANY}}, {"mknod", {TYPE(1, S_IFBLK), ANY}},
	{"mknodat", {TYPE(2, S_IFCHR), ANY}}, {"mknodat", {TYPE(2, S_IFBLK), ANY}},
};
/* clang-format on */

static int resolve(const char *name)
{
	return seccomp_syscall_resolve_name(name);
}

static int add(scmp_filter_ctx context, uint32_t action, const char *call, unsigned n, const struct scmp_arg_cmp *args)
{
	int number = resolve(call);

	return number == __NR_SCMP_ERROR ? 0 : seccomp_rule_add_array(context, action, number, n, args);
}

static int add_rules(scmp_filter_ctx context, uint32_t action, const struct rule *rules, size_t n)
{
	struct scmp_arg_cmp args[ARGUMENTS];
	int rc = 0;

	for (size_t i = 0; i < n && rc == 0; i++) {
		unsigned used = 0;

		for (size_t k = 0; k < ARGUMENTS && rules[i].if_[k].mask != 0; k++) {
			const struct condition *c = &rules[i].if_[k];

			args[used++] = SCMP_CMP64(c->argument, SCMP_CMP_MASKED_EQ, c->mask, c->value);
		}
		rc = add(context, action, rules[i].call, used, args);
	}
	return rc;
}

/*
 * All personalities but 0, and 0xffffffff, which asks. A rule can compare an argument only once; but a number in which
 * not all 32 bits are equal has a 1 somewhere behind a 0, seen as a ring.
 */
static int add_personalities(scmp_filter_ctx context, uint32_t action)
{
	int rc = 0;

	for (unsigned bit = 0; bit < 32 && rc == 0; bit++) {
		uint64_t one = UINT64_C(1) << bit, zero = UINT64_C(1) << (bit + 1) % 32;
		struct scmp_arg_cmp argument = SCMP_A0_64(SCMP_CMP_MASKED_EQ, one | zero, one);

		rc = add(context, action, "personality", 1, &argument);
	}
	return rc;
}

/* AF_UNIX, AF_INET, AF_INET6, and AF_NETLINK for NETLINK_ROUTE, which getaddrinfo(3) asks for the host's addresses. */
static bool is_common(int family)
{
	return family == AF_UNIX || family == AF_INET || family == AF_INET6 || family == AF_NETLINK;
}

static int add_families(scmp_filter_ctx context, uint32_t action)
{
	struct scmp_arg_cmp args[] = {SCMP_A0_64(SCMP_CMP_GT, AF_NETLINK, 0), SCMP_A2_64(SCMP_CMP_NE, 0, 0)};
	int rc = add(context, action, "socket", 1, args);

	for (int family = 0; family <= AF_NETLINK && rc == 0; family++) {
		args[0] = SCMP_A0_64(SCMP_CMP_EQ, (scmp_datum_t)family, 0);
		if (!is_common(family))
			rc = add(context, action, "socket", 1, args);
	}
	args[0] = SCMP_A0_64(SCMP_CMP_EQ, AF_NETLINK, 0);
	return rc == 0 ? add(context, action, "socket", 2, args) : rc;
}

static int add_strict(scmp_filter_ctx context, uint32_t action)
{
	int rc = add_rules(context, action, in_strict, ARRAY_SIZE(in_strict));

	if (rc == 0)
		rc = add_families(context, action);
	return rc == 0 ? add(context, SCMP_ACT_ERRNO(ENOSYS), "openat2", 0, NULL) : rc;
}

int forbidden_add(scmp_filter_ctx context, uint32_t action, bool strict)
{
	int rc = 0;

	for (size_t i = 0; i < ARRAY_SIZE(never) && rc == 0; i++)
		rc = add(context, action, never[i], 0, NULL);
	if (rc == 0)
		rc = add_rules(context, action, in_general, ARRAY_SIZE(in_general));
	if (rc == 0)
		rc = add_personalities(context, action);
	if (rc == 0)
		rc = add(context, SCMP_ACT_ERRNO(ENOSYS), "clone3", 0, NULL);
	return rc == 0 && strict ? add_strict(context, action) : rc;
}
