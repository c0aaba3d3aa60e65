/* SPDX-License-Identifier: MIT */
#include "base/memory_use.h"

#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../suite.h"

#define BLOCK ((size_t)32 << 20)

START_TEST(grows_with_what_is_used)
{
	int64_t before = memory_use(getpid()), after;
	char *block = malloc(BLOCK);

	ck_assert_ptr_nonnull(block);
	ck_assert_int_gt(before, 0);
	for (size_t at = 0; at < BLOCK; at += 1024)
		((volatile char *)block)[at] = 1;
	after = memory_use(getpid());
	ck_assert_int_gt(after - before, (int64_t)(BLOCK / 2));
	free(block);
}
END_TEST

START_TEST(none_of_one_that_has_ended)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
	ck_assert_int_eq(memory_use(pid), -1);
}
END_TEST

int main(void)
{
	return SUITE_RUN("memory_use", NULL, grows_with_what_is_used, none_of_one_that_has_ended);
}
