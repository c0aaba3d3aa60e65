/* SPDX-License-Identifier: MIT */
/* Files that the kernel can and cannot run; execve(2) itself is asked as well. */
#include "base/executable.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/err.h"

#include "../suite.h"

static char folder[] = "/tmp/check_executable.XXXXXX";
static struct err err;

static void setup(void)
{
	ck_assert_ptr_nonnull(mkdtemp(folder));
}

static const char *path_of(const char *name)
{
	static char path[128];

	(void)snprintf(path, sizeof(path), "%s/%s", folder, name);
	return path;
}

static const char *make_file(const void *bytes, size_t len)
{
	const char *path = path_of("program");
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0755);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, bytes, len), (ssize_t)len);
	(void)close(fd);
	ck_assert_int_eq(chmod(path, 0755), 0);
	return path;
}

/* The errno of execve(2); 0: it runs. */
static int run(const char *path)
{
	char *argv[] = {(char *)path, NULL}, *envp[] = {NULL};
	int status;
	pid_t pid = fork();

	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		(void)close(1);
		(void)execve(path, argv, envp);
		_exit(errno);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void check_refused(const char *path, const char *why)
{
	ck_assert_int_ne(run(path), 0);
	ck_assert_int_eq(executable_check(path, &err), -1);
	ck_assert_msg(strstr(err.text, why) != NULL, "%s", err.text);
	ck_assert_int_eq(unlink(path), 0);
	ck_assert_int_eq(rmdir(folder), 0);
}

static void check_script(const char *text, const char *why)
{
	check_refused(make_file(text, strlen(text)), why);
}

START_TEST(test_programs_that_run)
{
	static const char *const scripts[] = {"#!/bin/sh\nexit 0\n", "#! /bin/sh\nexit 0\n", "#!\t/bin/sh -e\nexit 0\n",
					      "#!/bin/sh\nexit 0\r\n"};

	ck_assert_int_eq(executable_check("/proc/self/exe", &err), 0);
	ck_assert_int_eq(executable_check("/bin/sh", &err), 0);
	for (size_t i = 0; i < 3; i++) {
		const char *path = make_file(scripts[i], strlen(scripts[i]));

		ck_assert_int_eq(run(path), 0);
		ck_assert_int_eq(executable_check(path, &err), 0);
		ck_assert_int_eq(unlink(path), 0);
	}
	ck_assert_int_eq(executable_check(make_file(scripts[3], strlen(scripts[3])), &err), 0);
	ck_assert_int_eq(unlink(path_of("program")), 0);
	ck_assert_int_eq(rmdir(folder), 0);
}
END_TEST

START_TEST(test_crlf)
{
	check_script("#!/bin/sh\r\nexit 0\r\n", "\"/bin/sh\" with a carriage return at the end: the file has CRLF");
}
END_TEST

START_TEST(test_missing_interpreter)
{
	check_script("#!/no/such/perl -w\n", "its interpreter \"/no/such/perl\": No such file");
}
END_TEST

START_TEST(test_interpreter_that_is_a_folder)
{
	check_script("#!/etc\n", "its interpreter \"/etc\" is no file");
}
END_TEST

START_TEST(test_interpreter_that_may_not_run)
{
	check_script("#!/etc/passwd\n", "its interpreter \"/etc/passwd\": Permission denied");
}
END_TEST

START_TEST(test_no_interpreter)
{
	check_script("#!  \nexit 0\n", "names no interpreter");
}
END_TEST

START_TEST(test_long_line)
{
	char text[400];

	memset(text, '/', sizeof(text));
	memcpy(text, "#!", 2);
	memcpy(text + sizeof(text) - 9, "/bin/sh\n", 9);
	check_script(text, "longer than 254 characters");
}
END_TEST

START_TEST(test_no_line)
{
	check_script("echo hello\n", "needs a #! line");
}
END_TEST

START_TEST(test_empty)
{
	check_script("", "needs a #! line");
}
END_TEST

START_TEST(test_other_machine)
{
	char bytes[4096];
	int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	Elf64_Half other = EM_PDP11;

	ck_assert_int_eq(read(fd, bytes, sizeof(bytes)), (ssize_t)sizeof(bytes));
	(void)close(fd);
	memcpy(bytes + offsetof(Elf64_Ehdr, e_machine), &other, sizeof(other));
	check_refused(make_file(bytes, sizeof(bytes)), "another machine");
}
END_TEST

START_TEST(test_missing_loader)
{
	static char bytes[1 << 20];
	int fd = open("/bin/true", O_RDONLY | O_CLOEXEC);
	ssize_t n = read(fd, bytes, sizeof(bytes));
	char *loader;

	ck_assert_int_gt(n, 0);
	(void)close(fd);
	loader = memmem(bytes, (size_t)n, "/ld-linux", 9);
	if (loader == NULL) /* linked statically, or with another C library */
		goto end;
	memcpy(loader, "/no-linux", 9);
	check_refused(make_file(bytes, (size_t)n), "its loader \"/lib");
	return;
end:
	ck_assert_int_eq(rmdir(folder), 0);
}
END_TEST

START_TEST(test_explanation)
{
	static const char text[] = "#!/no/such/perl\n";
	const char *path = make_file(text, strlen(text));

	ck_assert_int_eq(executable_explain(path, ENOENT, &err), -1);
	ck_assert_ptr_nonnull(strstr(err.text, "/program: its interpreter \"/no/such/perl\": No such file"));
	ck_assert_int_eq(executable_explain(path, ENOMEM, &err), -1);
	ck_assert_ptr_nonnull(strstr(err.text, "/program: Cannot allocate memory"));
	ck_assert_int_eq(executable_explain("/no/such", ENOENT, &err), -1);
	ck_assert_str_eq(err.text, "cannot run /no/such: No such file or directory");
	ck_assert_int_eq(unlink(path), 0);
	ck_assert_int_eq(rmdir(folder), 0);
}
END_TEST

int main(void)
{
	return SUITE_RUN("executable", setup, test_programs_that_run, test_crlf, test_missing_interpreter,
			 test_interpreter_that_is_a_folder, test_interpreter_that_may_not_run, test_no_interpreter,
			 test_long_line, test_no_line, test_empty, test_other_machine, test_missing_loader,
			 test_explanation);
}
