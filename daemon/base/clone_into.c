/* SPDX-License-Identifier: MIT */
#include "base/clone_into.h"

#include <errno.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <sys/syscall.h>

/* The child returns from the system call with the registers of the parent, and with a stack that has nothing on it. So
 * it calls RUN within the same instructions, and never gets to the code after them. */
#if defined(__x86_64__)
static long call_kernel(const struct clone_args *args, int (*run)(void *arg), void *arg)
{
	register int (*run_kept)(void *) __asm__("r12") = run;
	register void *arg_kept __asm__("r13") = arg;
	long rc = SYS_clone3;

	__asm__ volatile("syscall\n\t"
			 "test %%rax, %%rax\n\t"
			 "jnz 1f\n\t"
			 "xor %%ebp, %%ebp\n\t" /* the end of the stack, for a debugger */
			 "mov %%r13, %%rdi\n\t"
			 "call *%%r12\n\t"
			 "ud2\n"
			 "1:"
			 : "+a"(rc)
			 : "D"(args), "S"(sizeof(*args)), "r"(run_kept), "r"(arg_kept)
			 : "rcx", "r11", "cc", "memory");
	return rc;
}
#elif defined(__aarch64__)
static long call_kernel(const struct clone_args *args, int (*run)(void *arg), void *arg)
{
	register long rc __asm__("x0") = (long)args;
	register size_t size __asm__("x1") = sizeof(*args);
	register long number __asm__("x8") = SYS_clone3;
	register int (*run_kept)(void *) __asm__("x9") = run;
	register void *arg_kept __asm__("x10") = arg;

	__asm__ volatile("svc #0\n\t"
			 "cbnz x0, 1f\n\t"
			 "mov x29, xzr\n\t" /* the end of the stack, for a debugger */
			 "mov x0, x10\n\t"
			 "blr x9\n\t"
			 "brk #1\n"
			 "1:"
			 : "+r"(rc)
			 : "r"(size), "r"(number), "r"(run_kept), "r"(arg_kept)
			 : "cc", "memory");
	return rc;
}
#else
static long call_kernel(const struct clone_args *args, int (*run)(void *arg), void *arg)
{
	(void)args;
	(void)run;
	(void)arg;
	return -ENOSYS;
}
#endif

pid_t clone_into(int group, int (*run)(void *arg), void *arg, void *stack, size_t size, int *pidfd_out)
{
	const struct clone_args args = {
		.flags = CLONE_VM | CLONE_VFORK | CLONE_PIDFD | CLONE_INTO_CGROUP,
		.pidfd = (uintptr_t)pidfd_out,
		.exit_signal = SIGCHLD,
		.stack = (uintptr_t)stack,
		.stack_size = size,
		.cgroup = (uint64_t)group,
	};
	long rc = call_kernel(&args, run, arg);

	if (rc >= 0)
		return (pid_t)rc;
	errno = (int)-rc;
	return -1;
}
