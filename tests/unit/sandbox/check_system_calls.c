/* SPDX-License-Identifier: MIT */
/* The filters of system calls, by a small interpreter: what each answers is seen without making a call. */
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <preforkd/module.h>
#include <seccomp.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/err.h"
#include "board/board.h"
#include "config/config.h"
#include "sandbox/allowed.h"
#include "sandbox/filters.h"
#include "sandbox/state.h"
#include "sandbox/system_calls.h"
#include "sandbox/violations.h"

#include "../suite.h"

#define REFUSED (SECCOMP_RET_ERRNO | EPERM)
#define UNKNOWN (SECCOMP_RET_ERRNO | ENOSYS)
#define ARCH	seccomp_arch_native()

/* ---- services ---- */

static const struct preforkd_module module = {.flags = PREFORKD_STREAM}, program = {.flags = PREFORKD_COMMAND};

static struct config_service service_of(const struct preforkd_module *handler, int level)
{
	return (struct config_service){.handler = handler,
				       .sandbox = {.level = level, .required = true, .no_new_privileges = true}};
}

static const struct sock_fprog *prepare(const struct config_service *service)
{
	struct err err;

	ck_assert_msg(filters_prepare(service, &err) == 0, "%s", err.text);
	return filters_get(filters_kind(service));
}

/* The filter of a module, or of a program that accepts by itself. */
static const struct sock_fprog *refusing(int level)
{
	struct config_service service = service_of(&program, level);

	service.program.runs = true;
	return prepare(&service);
}

/* ---- the interpreter ---- */

static bool jumps(const struct sock_filter *at, uint32_t a)
{
	switch (BPF_OP(at->code)) {
	case BPF_JEQ:
		return a == at->k;
	case BPF_JGT:
		return a > at->k;
	case BPF_JGE:
		return a >= at->k;
	case BPF_JSET:
		return (a & at->k) != 0;
	default:
		ck_abort_msg("an unknown jump 0x%x", at->code);
	}
}

/* The answer of FILTER to CALL. */
static uint32_t ask(const struct sock_fprog *filter, const struct seccomp_data *call)
{
	uint32_t a = 0;

	for (const struct sock_filter *at = filter->filter;; at++) {
		ck_assert_uint_lt((size_t)(at - filter->filter), filter->len);
		switch (BPF_CLASS(at->code)) {
		case BPF_LD:
			memcpy(&a, (const char *)call + at->k, sizeof(a));
			break;
		case BPF_ALU:
			ck_assert_int_eq(BPF_OP(at->code), BPF_AND);
			a &= at->k;
			break;
		case BPF_JMP:
			if (BPF_OP(at->code) == BPF_JA)
				at += at->k;
			else
				at += jumps(at, a) ? at->jt : at->jf;
			break;
		case BPF_RET:
			return at->k;
		default:
			ck_abort_msg("an unknown instruction 0x%x", at->code);
		}
	}
}

struct example {
	const char *call;
	uint32_t answer;
	uint64_t args[6];
};

static uint32_t ask_by_name(const struct sock_fprog *filter, uint32_t arch, const struct example *example)
{
	int number = seccomp_syscall_resolve_name_arch(arch, example->call);
	struct seccomp_data call = {.nr = number, .arch = arch};

	ck_assert_msg(number >= 0, "there is no %s", example->call);
	memcpy(call.args, example->args, sizeof(call.args));
	return ask(filter, &call);
}

static void expect(const struct sock_fprog *filter, const struct example *examples, size_t n)
{
	ck_assert_ptr_nonnull(filter);
	for (size_t i = 0; i < n; i++) {
		uint32_t answer = ask_by_name(filter, ARCH, &examples[i]);

		ck_assert_msg(answer == examples[i].answer, "number %zu, %s: 0x%x, not 0x%x", i, examples[i].call,
			      answer, examples[i].answer);
	}
}

#define EXPECT(filter, examples) expect((filter), (examples), sizeof(examples) / sizeof((examples)[0]))

/* ---- "default" ---- */

static const char *const never[] = {
	"mount",
	"umount2",
	"pivot_root",
	"open_tree",
	"move_mount",
	"fsopen",
	"fsconfig",
	"fsmount",
	"fspick",
	"mount_setattr",
	"init_module",
	"finit_module",
	"delete_module",
	"kexec_load",
	"reboot",
	"bpf",
	"perf_event_open",
	"syslog",
	"add_key",
	"request_key",
	"keyctl",
	"ptrace",
	"process_vm_readv",
	"process_vm_writev",
	"pidfd_getfd",
	"kcmp",
	"userfaultfd",
	"io_uring_setup",
	"io_uring_enter",
	"io_uring_register",
	"clock_settime",
	"settimeofday",
	"adjtimex",
	"clock_adjtime",
	"sethostname",
	"setdomainname",
	"swapon",
	"swapoff",
	"acct",
	"quotactl",
	"open_by_handle_at",
	"fanotify_init",
	"vhangup",
	"setns",
};

START_TEST(what_no_service_needs_is_refused)
{
	const struct sock_fprog *filter = refusing(SANDBOX_DEFAULT), *strict = refusing(SANDBOX_STRICT);
	const struct example example = {never[_i], REFUSED, {0}};

	expect(filter, &example, 1);
	expect(strict, &example, 1);
}
END_TEST

START_TEST(it_depends_on_the_arguments)
{
	static const struct example examples[] = {
		{"unshare", REFUSED, {CLONE_NEWUSER}},
		{"unshare", REFUSED, {CLONE_NEWNET | CLONE_FS}},
		{"unshare", REFUSED, {CLONE_NEWTIME}},
		{"unshare", SECCOMP_RET_ALLOW, {CLONE_FS | CLONE_FILES}},
#ifndef __s390__
		{"clone", REFUSED, {CLONE_NEWPID | SIGCHLD}},
		{"clone", REFUSED, {CLONE_NEWCGROUP | SIGCHLD}},
		{"clone", SECCOMP_RET_ALLOW, {CLONE_VM | CLONE_VFORK | CLONE_PIDFD | SIGCHLD}},
#endif
		{"clone3", UNKNOWN, {0}},
		{"ioctl", REFUSED, {0, TIOCSTI}},
		{"ioctl", REFUSED, {0, UINT64_C(1) << 32 | TIOCSTI}}, /* the kernel looks at the lower half */
		{"ioctl", REFUSED, {0, TIOCLINUX}},
		{"ioctl", SECCOMP_RET_ALLOW, {0, FIONREAD}},
		{"personality", SECCOMP_RET_ALLOW, {0}},
		{"personality", SECCOMP_RET_ALLOW, {UINT32_MAX}},
		{"personality", SECCOMP_RET_ALLOW, {UINT64_MAX}},
		{"personality", REFUSED, {1}},
		{"personality", REFUSED, {0x0040000}},
		{"personality", REFUSED, {0x80000000}},
		{"personality", REFUSED, {UINT32_MAX - 1}},
		{"personality", REFUSED, {UINT32_MAX >> 1}},
		/* at the other level only */
		{"chroot", SECCOMP_RET_ALLOW, {0}},
		{"socket", SECCOMP_RET_ALLOW, {AF_PACKET}},
		{"execve", SECCOMP_RET_ALLOW, {0}},
	};

	EXPECT(refusing(SANDBOX_DEFAULT), examples);
}
END_TEST

START_TEST(strict_refuses_more)
{
	static const struct example examples[] = {
		{"chroot", REFUSED, {0}},
		{"openat2", UNKNOWN, {0}},
		{"socket", SECCOMP_RET_ALLOW, {AF_UNIX}},
		{"socket", SECCOMP_RET_ALLOW, {AF_INET, SOCK_STREAM, 6}},
		{"socket", SECCOMP_RET_ALLOW, {AF_INET6, SOCK_DGRAM, 17}},
		{"socket", SECCOMP_RET_ALLOW, {AF_NETLINK, SOCK_RAW, 0}},
		{"socket", REFUSED, {AF_NETLINK, SOCK_RAW, 4}},
		{"socket", REFUSED, {AF_UNSPEC}},
		{"socket", REFUSED, {AF_PACKET}},
		{"socket", REFUSED, {AF_VSOCK}},
		{"socket", REFUSED, {AF_AX25}},
		{"socket", REFUSED, {UINT64_C(1) << 32 | AF_AX25}},
		{"fchmod", REFUSED, {0, 04755}},
		{"fchmod", SECCOMP_RET_ALLOW, {0, 01777}},
		{"fchmodat", REFUSED, {0, 0, 02755}},
		{"openat", REFUSED, {0, 0, O_CREAT | O_WRONLY, 04755}},
		{"openat", REFUSED, {0, 0, O_TMPFILE | O_WRONLY, 02755}},
		{"openat", SECCOMP_RET_ALLOW, {0, 0, O_CREAT | O_WRONLY, 0755}},
		{"openat", SECCOMP_RET_ALLOW, {0, 0, O_RDONLY | O_DIRECTORY, 04755}},
		{"mknodat", REFUSED, {0, 0, S_IFCHR | 0600}},
		{"mknodat", REFUSED, {0, 0, S_IFBLK | 0600}},
		{"mknodat", SECCOMP_RET_ALLOW, {0, 0, S_IFIFO | 0600}},
		{"mknodat", SECCOMP_RET_ALLOW, {0, 0, S_IFSOCK | 0600}},
	};

	EXPECT(refusing(SANDBOX_STRICT), examples);
}
END_TEST

START_TEST(programs_of_exec_are_told_of)
{
	static const struct example examples[] = {
		{"mount", SECCOMP_RET_USER_NOTIF, {0}},
		{"clone3", UNKNOWN, {0}},
		{"read", SECCOMP_RET_ALLOW, {0}},
	};
	struct config_service service = service_of(&program, SANDBOX_DEFAULT);

	EXPECT(prepare(&service), examples);
	ck_assert_ptr_nonnull(filters_get(filters_without_listener(filters_kind(&service))));
}
END_TEST

START_TEST(programs_for_32_bits_run_at_the_default_level)
{
	const struct example fine = {"read", SECCOMP_RET_ALLOW, {0}}, bad = {"mount", REFUSED, {0}};
	uint32_t arch = ARCH == SCMP_ARCH_X86_64 ? SCMP_ARCH_X86 : SCMP_ARCH_ARM;

	if (ARCH != SCMP_ARCH_X86_64 && ARCH != SCMP_ARCH_AARCH64)
		return;
	ck_assert_uint_eq(ask_by_name(refusing(SANDBOX_DEFAULT), arch, &fine), SECCOMP_RET_ALLOW);
	ck_assert_uint_eq(ask_by_name(refusing(SANDBOX_DEFAULT), arch, &bad), REFUSED);
	ck_assert_uint_eq(ask_by_name(refusing(SANDBOX_STRICT), arch, &fine), UNKNOWN);
	if (ARCH == SCMP_ARCH_X86_64)
		ck_assert_uint_eq(ask(refusing(SANDBOX_DEFAULT),
				      &(const struct seccomp_data){.nr = 0x40000000 | SYS_mount, .arch = ARCH}),
				  UNKNOWN);
}
END_TEST

START_TEST(off_has_no_filter)
{
	struct config_service service = service_of(&program, SANDBOX_OFF);

	ck_assert_ptr_null(prepare(&service));
}
END_TEST

/* ---- built-in services ---- */

START_TEST(a_built_in_service_may_do_little)
{
	static const struct example examples[] = {
		{"read", SECCOMP_RET_ALLOW, {0}},
		{"accept4", SECCOMP_RET_ALLOW, {0}},
		{"socket", SECCOMP_RET_ALLOW, {AF_UNIX}},
		{"socket", SECCOMP_RET_TRAP, {AF_INET}},
		{"openat", SECCOMP_RET_ALLOW, {0, 0, O_RDONLY | O_CLOEXEC}},
		{"openat", SECCOMP_RET_TRAP, {0, 0, O_RDWR}},
		{"openat", SECCOMP_RET_TRAP, {0, 0, O_RDONLY | O_CREAT}},
		{"execve", SECCOMP_RET_TRAP, {0}},
		{"clone", SECCOMP_RET_TRAP, {SIGCHLD}},
		{"ioctl", SECCOMP_RET_ALLOW, {0, FIONREAD}},
		{"ioctl", SECCOMP_RET_TRAP, {0, TIOCSTI}},
		{"mount", SECCOMP_RET_TRAP, {0}},
	};
	struct config_service service = service_of(&module, SANDBOX_STRICT);

	if (!ALLOWED_IS_UNKNOWN)
		EXPECT(prepare(&service), examples);
}
END_TEST

START_TEST(proxy_may_connect_but_not_execute)
{
	static const struct example examples[] = {
		{"socket", SECCOMP_RET_ALLOW, {AF_INET}}, {"splice", SECCOMP_RET_ALLOW, {0}},
		{"execve", SECCOMP_RET_TRAP, {0}},	  {"mount", SECCOMP_RET_TRAP, {0}},
		{"ptrace", SECCOMP_RET_TRAP, {0}},
	};
	struct config_service service = service_of(&module, SANDBOX_STRICT);

	service.upstreams.n = 1;
	if (!ALLOWED_IS_UNKNOWN)
		EXPECT(prepare(&service), examples);
}
END_TEST

/* ---- in a process ---- */

static void take(const struct config_service *service, struct board_slot *slot)
{
	struct sandbox sandbox = {.service = service, .slot = slot};

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || system_calls_limit(&sandbox, NULL) < 0)
		_exit(100);
}

START_TEST(the_call_that_ends_a_worker_is_noted)
{
	struct config_service service = service_of(&module, SANDBOX_STRICT);
	struct board_slot *slot = mmap(NULL, sizeof(*slot), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int status;
	pid_t pid;

	ck_assert_ptr_ne(slot, MAP_FAILED);
	if (ALLOWED_IS_UNKNOWN)
		return;
	(void)prepare(&service);
	pid = fork();
	if (pid == 0) {
		take(&service, slot);
		(void)syscall(SYS_chroot, NULL);
		_exit(0);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_msg(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS, "status 0x%x", (unsigned)status);
	ck_assert_uint_eq(atomic_load(&slot->last_call), SYS_chroot + 1);
	ck_assert_uint_eq(atomic_load(&slot->violations), 1);
}
END_TEST

/* A grandchild makes the call; the child has the listener, and answers. */
static void answer_one(const struct config_service *service)
{
	struct violation v = {.pid = 0};
	int status;
	pid_t pid;

	take(service, NULL);
	if (violations_fd() < 0)
		_exit(77); /* a filter around this test has a listener, or the kernel has none */
	pid = fork();
	if (pid == 0)
		_exit(syscall(SYS_chroot, NULL) < 0 && errno == EPERM ? 0 : 1);
	if (!violations_take(&v) || v.pid != pid || v.call != SYS_chroot)
		_exit(2);
	_exit(waitpid(pid, &status, 0) == pid && status == 0 ? 0 : 3);
}

START_TEST(a_call_of_a_program_is_answered)
{
	struct config_service service = service_of(&program, SANDBOX_STRICT);
	int status;
	pid_t pid;

	(void)prepare(&service);
	pid = fork();
	if (pid == 0)
		answer_one(&service);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_msg(status == 0 || WEXITSTATUS(status) == 77, "status 0x%x", (unsigned)status);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("system_calls");
	TCase *tcase = tcase_create("system_calls");

	tcase_set_timeout(tcase, SUITE_SECONDS);
	tcase_add_loop_test(tcase, what_no_service_needs_is_refused, 0, (int)(sizeof(never) / sizeof(never[0])));
	tcase_add_test(tcase, it_depends_on_the_arguments);
	tcase_add_test(tcase, strict_refuses_more);
	tcase_add_test(tcase, programs_of_exec_are_told_of);
	tcase_add_test(tcase, programs_for_32_bits_run_at_the_default_level);
	tcase_add_test(tcase, off_has_no_filter);
	tcase_add_test(tcase, a_built_in_service_may_do_little);
	tcase_add_test(tcase, proxy_may_connect_but_not_execute);
	tcase_add_test(tcase, the_call_that_ends_a_worker_is_noted);
	tcase_add_test(tcase, a_call_of_a_program_is_answered);
	suite_add_tcase(suite, tcase);
	return suite_finish(suite);
}
