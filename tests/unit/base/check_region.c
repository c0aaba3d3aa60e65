/* SPDX-License-Identifier: MIT */
/* Memory that a child fills and its parent then reads at the same address. */
#include "base/region.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/err.h"

#include "../suite.h"

#define GIVEN 12345

static struct region region;
static struct err err;

static void reserve(void)
{
	ck_assert_msg(region_reserve(&region, &err) == 0, "%s", err.text);
}

/* Runs CHILD to its end; returns its exit status. */
static int run(void (*child)(void))
{
	pid_t pid = fork();
	int status;

	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		child();
		_exit(0);
	}
	region_hide(&region);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void fill(void)
{
	char *bytes = region.at;

	if (region_map(&region, &err) < 0 || bytes[0] != 0 || bytes[region.size - 1] != 0)
		_exit(1);
	memset(bytes, 'x', GIVEN);
	*(void **)region.at = bytes + 100; /* a pointer that holds in the parent */
	if (region_give(&region, GIVEN, &err) < 0)
		_exit(2);
}

START_TEST(what_the_child_writes_is_there)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	char *at;

	reserve();
	at = region.at;
	ck_assert_int_eq(run(fill), 0);
	ck_assert_msg(region_take(&region, &err) == 0, "%s", err.text);
	ck_assert_ptr_eq(region.at, at);
	ck_assert_uint_eq(region.size, (GIVEN + page - 1) / page * page);
	ck_assert_int_eq(region.fd, -1);
	ck_assert_ptr_eq(*(void **)region.at, at + 100);
	ck_assert_int_eq(at[GIVEN - 1], 'x');
	ck_assert_int_eq(at[GIVEN], 0);
	/* the rest of the addresses is free again */
	ck_assert_int_eq(madvise(at + region.size, page, MADV_NORMAL), -1);
	ck_assert_int_eq(errno, ENOMEM);
}
END_TEST

static void write_there(void)
{
	*(char *)region.at = 'y';
}

static void write_after_all(void)
{
	if (mprotect(region.at, region.size, PROT_READ | PROT_WRITE) == 0)
		*(char *)region.at = 'y';
}

/* A worker can change its own copy at most. */
START_TEST(nobody_writes_what_was_taken)
{
	char *at;

	reserve();
	at = region.at;
	ck_assert_int_eq(run(fill), 0);
	ck_assert_int_eq(region_take(&region, &err), 0);
	ck_assert_int_ne(run(write_there), 0); /* killed; a sanitizer ends it with a status of its own */
	ck_assert_int_eq(run(write_after_all), 0);
	ck_assert_int_eq(at[200], 'x');
	ck_assert_ptr_eq(*(void **)region.at, at + 100);
	ck_assert_int_eq(region_allow_writing(&region, true, &err), 0);
	at[200] = 'z';
	ck_assert_int_eq(region_allow_writing(&region, false, &err), 0);
	ck_assert_int_eq(at[200], 'z');
	ck_assert_int_ne(run(write_there), 0); /* killed; a sanitizer ends it with a status of its own */
}
END_TEST

/* A process that the child leaves behind could change the master's configuration later. */
START_TEST(nobody_may_still_have_it_writable)
{
	int ends[2];
	pid_t pid;

	reserve();
	ck_assert_int_eq(pipe(ends), 0);
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		fill();
		(void)close(ends[1]);
		if (fork() == 0)
			(void)!read(ends[0], &pid, 1);
		_exit(0);
	}
	ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
	ck_assert_int_eq(region_take(&region, &err), -1);
	ck_assert_ptr_nonnull(strstr(err.text, "seal"));
	ck_assert_ptr_null(region.at);
	ck_assert_int_eq(region.fd, -1);
	(void)close(ends[1]);
}
END_TEST

static void give_nothing(void)
{
	if (region_map(&region, &err) < 0 || region_give(&region, 0, &err) < 0)
		_exit(1);
}

START_TEST(nothing_was_given)
{
	reserve();
	ck_assert_int_eq(run(give_nothing), 0);
	ck_assert_int_eq(region_take(&region, &err), -1);
	ck_assert_ptr_nonnull(strstr(err.text, "makes no sense"));
}
END_TEST

/* The addresses that the parent reserves are nothing that its other children should pay for. */
static void look_for_addresses(void)
{
	_exit(madvise(region.at, 1, MADV_NORMAL) == 0);
}

START_TEST(other_children_do_not_have_the_addresses)
{
	reserve();
	region_hide(&region);
	ck_assert_int_eq(run(look_for_addresses), 0);
}
END_TEST

static void reserve_with_limits(void)
{
	const struct rlimit space = {.rlim_cur = (rlim_t)300 << 20, .rlim_max = (rlim_t)300 << 20};
	const struct rlimit none = {.rlim_cur = (rlim_t)30 << 20, .rlim_max = (rlim_t)30 << 20};

	if (setrlimit(RLIMIT_AS, &space) < 0 || region_reserve(&region, &err) < 0)
		_exit(1);
	if (region.size < (size_t)64 << 20 || region.size > (size_t)256 << 20)
		_exit(2);
	region_free(&region);
	if (setrlimit(RLIMIT_AS, &none) < 0 || region_reserve(&region, &err) == 0)
		_exit(3);
	_exit(region.at == NULL && region.fd == -1 && strstr(err.text, "no memory") != NULL ? 0 : 4);
}

START_TEST(less_is_taken_where_limits_want_it)
{
	int status;
	pid_t pid;

#ifdef __SANITIZE_ADDRESS__
	return; /* it has reserved more than any limit allows */
#endif
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0)
		reserve_with_limits();
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
}
END_TEST

int main(void)
{
	return SUITE_RUN("region", NULL, what_the_child_writes_is_there, nobody_writes_what_was_taken,
			 nobody_may_still_have_it_writable, nothing_was_given, other_children_do_not_have_the_addresses,
			 less_is_taken_where_limits_want_it);
}
