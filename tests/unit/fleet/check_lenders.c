/* SPDX-License-Identifier: MIT */
/* The listeners that the pools of a made-up fleet offer to a new generation. */
#include "fleet/lenders.h"

#include <check.h>

#include "fleet/retiring.h"
#include "pool/wind_down.h"

#include "../made_up_fleet.h"

static struct fleet fleet;
static struct listener_offers offers;
static struct err err;

static void set_up(void)
{
	made_up_fleet(&fleet, made_up_services("a b"), 1);
}

static bool offers_listener(const struct listener *listener)
{
	for (size_t i = 0; i < offers.n; i++)
		if (offers.items[i] == listener)
			return true;
	return false;
}

static void collect(void)
{
	lenders_clear(&offers);
	ck_assert_int_eq(lenders_collect(&fleet, &offers, &err), 0);
}

/* Takes the pool of "b" out of force, as a reload without this service does. */
static struct pool *remove_b(void)
{
	struct pool *b = fleet.pools[--fleet.n_pools];

	retiring_add(&fleet, b);
	return b;
}

START_TEST(all_pools_in_force_lend)
{
	collect();
	ck_assert_uint_eq(offers.n, 2);
	ck_assert(offers_listener(&fleet.pools[0]->listeners[0]));
	ck_assert(offers_listener(&fleet.pools[1]->listeners[0]));
}
END_TEST

START_TEST(a_retiring_pool_lends)
{
	struct pool *b = remove_b();

	b->state = POOL_SUPERSEDED;
	collect();
	ck_assert(offers_listener(&b->listeners[0]));
}
END_TEST

START_TEST(a_closed_listener_is_not_lent)
{
	fd_close(&fleet.pools[0]->listeners[0].fd);
	collect();
	ck_assert_uint_eq(offers.n, 1);
	ck_assert(!offers_listener(&fleet.pools[0]->listeners[0]));
}
END_TEST

START_TEST(an_abstract_socket_that_ends_is_not_lent)
{
	struct pool *b = remove_b();

	wind_down_begin(b, POOL_ENDING, "reload");
	ck_assert(b->listeners[0].for_good);
	collect();
	ck_assert_uint_eq(offers.n, 1);
	ck_assert(!offers_listener(&b->listeners[0]));
}
END_TEST

START_TEST(an_abstract_socket_of_a_drained_fleet_is_lent)
{
	fleet.drained = true;
	wind_down_begin(fleet.pools[0], POOL_DRAINING, "drain");
	collect();
	ck_assert(offers_listener(&fleet.pools[0]->listeners[0]));
}
END_TEST

START_TEST(a_path_that_is_gone_is_not_lent)
{
	struct listener *listener = &fleet.pools[0]->listeners[0];

	wind_down_begin(fleet.pools[0], POOL_DRAINING, "drain");
	listener->addr.un.sun_path[0] = '/';
	collect();
	ck_assert(!offers_listener(listener));
	listener->addr.un.sun_path[0] = '\0';
}
END_TEST

START_TEST(a_listener_leads_to_its_service)
{
	struct pool *a = fleet.pools[0], *b = remove_b();
	struct listener other = {.fd = -1};

	ck_assert(lenders_is_own(a, &a->listeners[0]));
	ck_assert(!lenders_is_own(a, &b->listeners[0]));
	ck_assert(!lenders_is_own(a, a->listeners + a->n_lanes));
	ck_assert_ptr_eq(lenders_service(&fleet, &a->listeners[0]), a->service);
	ck_assert_ptr_eq(lenders_service(&fleet, &b->listeners[0]), b->service);
	ck_assert_ptr_null(lenders_service(&fleet, &other));
}
END_TEST

START_TEST(clear_leaves_no_offers)
{
	collect();
	lenders_clear(&offers);
	ck_assert_uint_eq(offers.n, 0);
	ck_assert_ptr_null(offers.items);
	ck_assert(made_up_connects("a"));
}
END_TEST

int main(void)
{
	return SUITE_RUN("lenders", set_up, all_pools_in_force_lend, a_retiring_pool_lends,
			 a_closed_listener_is_not_lent, an_abstract_socket_that_ends_is_not_lent,
			 an_abstract_socket_of_a_drained_fleet_is_lent, a_path_that_is_gone_is_not_lent,
			 a_listener_leads_to_its_service, clear_leaves_no_offers);
}
