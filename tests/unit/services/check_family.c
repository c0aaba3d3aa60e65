/* SPDX-License-Identifier: MIT */
/* The lines of the log on the processes of a program, before it is killed. */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "base/syscall_name.h"
#include "services/family.h"

#include "../suite.h"

static const struct log_about about = {.service = "prog"};
static struct family family;
static struct family_limit limit;
static char text[65536];
static int saved_stderr, memory;

static void setup(void)
{
	limit = (struct family_limit){.next_ms = 0};
}

static void tell(pid_t pid)
{
	family_look(&family, pid);
	family_tell(&about, "why", &family, &limit);
}

static void begin(void)
{
	(void)fflush(stderr);
	saved_stderr = dup(STDERR_FILENO);
	memory = memfd_create("log", 0);
	ck_assert_int_eq(dup2(memory, STDERR_FILENO), STDERR_FILENO);
}

/* The lines since begin(). */
static const char *end(void)
{
	ssize_t n = pread(memory, text, sizeof(text) - 1, 0);

	ck_assert_int_eq(dup2(saved_stderr, STDERR_FILENO), STDERR_FILENO);
	(void)close(saved_stderr);
	(void)close(memory);
	ck_assert_int_ge(n, 0);
	text[n] = '\0';
	return text;
}

static unsigned count(const char *in, const char *what)
{
	unsigned n = 0;

	for (const char *at = strstr(in, what); at != NULL; at = strstr(at + 1, what))
		n++;
	return n;
}

/* Waits until PID sleeps in pause(2). */
static void wait_paused(pid_t pid)
{
	char path[64], line[128];

	(void)snprintf(path, sizeof(path), "/proc/%d/syscall", (int)pid);
	for (;;) {
		FILE *f = fopen(path, "re");

		ck_assert_ptr_nonnull(f);
		if (fgets(line, sizeof(line), f) == NULL)
			line[0] = '\0';
		(void)fclose(f);
		if (atoi(line) == SYS_pause && line[0] != 'r')
			return;
		(void)usleep(1000);
	}
}

/* A child called NAME that has CHILDREN children of the same name; all of them pause. Their pids go to PIDS. */
static pid_t start(const char *name, unsigned children, pid_t *pids)
{
	pid_t *shared =
		mmap(NULL, sizeof(*shared) * (children + 1), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t pid;

	ck_assert_ptr_ne(shared, MAP_FAILED);
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		(void)prctl(PR_SET_NAME, name);
		for (unsigned i = 0; i < children; i++) {
			pid_t child = fork();

			if (child > 0)
				shared[i] = child;
			else if (prctl(PR_SET_PDEATHSIG, SIGKILL) == 0)
				(void)pause();
		}
		(void)pause();
	}
	wait_paused(pid);
	for (unsigned i = 0; i < children; i++) {
		wait_paused(shared[i]);
		if (pids != NULL)
			pids[i] = shared[i];
	}
	return pid;
}

static void stop(pid_t pid)
{
	(void)kill(pid, SIGKILL);
	(void)waitpid(pid, NULL, 0);
}

START_TEST(a_family_is_described)
{
	pid_t child, pid = start("father", 1, &child);
	char head[64];

	begin();
	tell(pid);
	(void)end();
	(void)snprintf(head, sizeof(head), "prog: why: process %d (father) is sleeping, ", (int)pid);
	ck_assert_ptr_nonnull(strstr(text, head));
	(void)snprintf(head, sizeof(head), "prog: why: process %d (father) is sleeping, ", (int)child);
	ck_assert_ptr_nonnull(strstr(text, head));
	ck_assert_uint_eq(count(text, ", system call pause\n"), 2);
	stop(pid);
}
END_TEST

START_TEST(of_this_process_only_the_children)
{
	pid_t pid = start("child", 0, NULL);

	begin();
	tell(getpid());
	(void)end();
	ck_assert_uint_eq(count(text, "\n"), 1);
	ck_assert_ptr_nonnull(strstr(text, "(child)"));
	stop(pid);
}
END_TEST

START_TEST(many_are_bounded)
{
	pid_t pid = start("many", FAMILY_MOST + 3, NULL);

	begin();
	tell(pid);
	(void)end();
	ck_assert_uint_eq(count(text, "(many)"), FAMILY_MOST);
	ck_assert_ptr_nonnull(strstr(text, "more processes than these 16"));
	stop(pid);
}
END_TEST

START_TEST(once_a_minute)
{
	pid_t pid = start("child", 0, NULL);

	begin();
	for (int i = 0; i < 4; i++)
		tell(pid);
	(void)end();
	ck_assert_uint_eq(count(text, "\n"), 1);
	limit.next_ms = 0; /* a minute later */
	begin();
	tell(pid);
	(void)end();
	ck_assert_uint_eq(count(text, "\n"), 2);
	ck_assert_ptr_nonnull(strstr(text, "3 more were ended"));
	stop(pid);
}
END_TEST

START_TEST(names_are_escaped)
{
	pid_t pid = start("a) S\033[1m\nb", 0, NULL);

	begin();
	tell(pid);
	(void)end();
	ck_assert_ptr_nonnull(strstr(text, "(a) S\\x1b[1m\\x0ab) is sleeping, "));
	ck_assert_uint_eq(count(text, "\n"), 1);
	stop(pid);
}
END_TEST

START_TEST(a_process_that_has_ended)
{
	pid_t pid = fork();
	siginfo_t info;

	if (pid == 0)
		_exit(0);
	ck_assert_int_eq(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
	begin();
	tell(pid);
	ck_assert_ptr_nonnull(strstr(end(), " is a zombie\n"));
	stop(pid);
	limit.next_ms = 0;
	begin();
	tell(pid);
	ck_assert_str_eq(end(), "");
}
END_TEST

START_TEST(system_calls_have_names)
{
	char name[SYSCALL_NAME_MAX];

	ck_assert_str_eq(syscall_name(SYS_read, name, sizeof(name)), "read");
	ck_assert_str_eq(syscall_name(SYS_openat, name, sizeof(name)), "openat");
	ck_assert_str_eq(syscall_name(123456, name, sizeof(name)), "123456");
	ck_assert_str_eq(syscall_name(-1, name, sizeof(name)), "-1");
}
END_TEST

int main(void)
{
	return SUITE_RUN("family", setup, a_family_is_described, of_this_process_only_the_children, many_are_bounded,
			 once_a_minute, names_are_escaped, a_process_that_has_ended, system_calls_have_names);
}
