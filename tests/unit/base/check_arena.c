/* SPDX-License-Identifier: MIT */
/* Arenas in memory of the caller, and such whose owner goes on without memory. */
#include "base/arena.h"

#include <stdint.h>
#include <string.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "../suite.h"

START_TEST(an_arena_in_memory)
{
	static max_align_t memory[64];
	struct arena *arena = arena_lay(memory, sizeof(memory));
	size_t before = arena_used(arena);
	char *a = arena_alloc(arena, 1), *b = arena_alloc(arena, 100), *text;

	ck_assert_uint_eq((uintptr_t)a % _Alignof(max_align_t), 0);
	ck_assert_uint_eq((uintptr_t)b % _Alignof(max_align_t), 0);
	ck_assert(a >= (char *)memory && b > a && b + 100 <= (char *)memory + sizeof(memory));
	text = arena_printf(arena, "%d %s", 12, "texts");
	ck_assert_str_eq(text, "12 texts");
	ck_assert_uint_gt(arena_used(arena), before + 101);
	ck_assert_uint_le((size_t)(text - (char *)memory) + strlen(text) + 1, arena_used(arena));
	arena_free(&arena);
	ck_assert_ptr_null(arena);
	ck_assert_str_eq(text, "12 texts"); /* the memory is the caller's */
}
END_TEST

START_TEST(a_full_arena_ends_the_process)
{
	static max_align_t memory[64];
	struct arena *arena = arena_lay(memory, sizeof(memory));
	int status;
	pid_t pid;

	(void)arena_alloc(arena, sizeof(memory) / 2);
	pid = fork();
	if (pid == 0) {
		(void)arena_alloc(arena, sizeof(memory) / 2);
		_exit(0);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == EX_OSERR);
}
END_TEST

START_TEST(an_arena_that_may_fail)
{
	struct arena *arena = arena_try_new();

	ck_assert_ptr_nonnull(arena);
	ck_assert_str_eq(arena_strdup(arena, "text"), "text");
	ck_assert_ptr_null(arena_alloc(arena, SIZE_MAX));
	ck_assert_str_eq(arena_printf(arena, "%s", "goes on"), "goes on");
	arena_free(&arena);
}
END_TEST

int main(void)
{
	return SUITE_RUN("arena", NULL, an_arena_in_memory, a_full_arena_ends_the_process, an_arena_that_may_fail);
}
