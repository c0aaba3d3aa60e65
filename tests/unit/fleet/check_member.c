/* SPDX-License-Identifier: MIT */
/* A service across its generations. */
#include "fleet/member.h"

#include <check.h>

#include "pool/pool.h"

#include "../suite.h"

static struct member *table;

START_TEST(a_member_is_made_once)
{
	struct member *a = member_get(&table, "a");

	ck_assert_ptr_nonnull(a);
	ck_assert_str_eq(a->name, "a");
	ck_assert_ptr_null(a->now);
	ck_assert_ptr_eq(member_get(&table, "a"), a);
	ck_assert_ptr_eq(member_find(table, "a"), a);
	ck_assert_uint_eq(a->refs, 1);
	ck_assert_ptr_ne(member_get(&table, "b"), a);
}
END_TEST

START_TEST(a_name_that_is_not_there_is_not_found)
{
	ck_assert_ptr_null(member_find(table, "a"));
	(void)member_get(&table, "a");
	ck_assert_ptr_null(member_find(table, "b"));
	ck_assert_ptr_null(member_find(table, ""));
}
END_TEST

/* The caller may free the name's memory. */
START_TEST(a_member_has_a_copy_of_its_name)
{
	char name[] = "a";
	struct member *member = member_get(&table, name);

	name[0] = 'b';
	ck_assert_ptr_eq(member_find(table, "a"), member);
	ck_assert_ptr_null(member_find(table, "b"));
}
END_TEST

START_TEST(a_removed_member_lives_for_those_that_refer_to_it)
{
	struct pool pool = {.state = POOL_SERVING};
	struct member *member = member_ref(member_get(&table, "a")), *copy = member;

	member_replace(member, &pool);
	ck_assert_uint_eq(member->refs, 2);
	member_remove(&table, member);
	ck_assert_ptr_null(member_find(table, "a"));
	ck_assert_str_eq(copy->name, "a");
	ck_assert_ptr_null(copy->now);
	ck_assert_uint_eq(copy->refs, 1);
	ck_assert_ptr_ne(member_get(&table, "a"), copy); /* the next service of that name is another one */
	member_unref(&member);
	ck_assert_ptr_null(member);
}
END_TEST

START_TEST(no_member_may_be_referred_to)
{
	struct member *none = member_ref(NULL);

	ck_assert_ptr_null(none);
	member_unref(&none);
	ck_assert_ptr_null(none);
}
END_TEST

START_TEST(the_next_pool_takes_over_what_was_ordered)
{
	struct pool first = {.state = POOL_SERVING}, second = {.state = POOL_SERVING};
	struct member *member = member_get(&table, "a");

	member_replace(member, &first);
	ck_assert_ptr_eq(member->now, &first);
	ck_assert(!first.paused && !first.proved);
	member->paused = true;
	first.proved = true;
	member_replace(member, &second);
	ck_assert_ptr_eq(member->now, &second);
	ck_assert(second.paused && second.proved);
}
END_TEST

START_TEST(a_proof_of_the_next_pool_is_not_lost)
{
	struct pool first = {.state = POOL_SERVING}, second = {.proved = true};
	struct member *member = member_get(&table, "a");

	member_replace(member, &first);
	member_replace(member, &second);
	ck_assert(second.proved);
}
END_TEST

int main(void)
{
	return SUITE_RUN("member", NULL, a_member_is_made_once, a_name_that_is_not_there_is_not_found,
			 a_member_has_a_copy_of_its_name, a_removed_member_lives_for_those_that_refer_to_it,
			 no_member_may_be_referred_to, the_next_pool_takes_over_what_was_ordered,
			 a_proof_of_the_next_pool_is_not_lost);
}
