/* SPDX-License-Identifier: MIT */
/* The state of a made-up master is handed over and restored. */
#include "handover_case.h"

START_TEST(what_is_read_is_what_was_written)
{
	ck_assert(json_equal(pass(handover), handover));
	ck_assert_int_eq(json_integer_value(json_object_get(handover, "job")), JOB);
	ck_assert(json_is_true(json_object_get(handover, "background")));
}
END_TEST

START_TEST(the_master_comes_out)
{
	ck_assert_int_eq(restore(), 0);
	ck_assert_uint_eq(fleet_after.generation->number, 4);
	ck_assert_int_eq(fleet_after.started_ms, 1234);
	ck_assert(fleet_after.drained);
	ck_assert_uint_eq(operation_find(&after, ORDER_DRAIN)->job, 2);
	ck_assert_uint_eq(after.jobs.last, JOB);
	ck_assert_str_eq(jobs_find(&after.jobs, 1)->text, "no");
	ck_assert_uint_eq(json_array_size(jobs_find(&after.jobs, 1)->reasons), 2);
	ck_assert(jobs_find(&after.jobs, 3)->success);
	ck_assert_ptr_null(jobs_find(&after.jobs, 3)->reasons);
	ck_assert(!jobs_find(&after.jobs, JOB)->done);
}
END_TEST

START_TEST(orders_that_wait_come_out)
{
	const struct operation *reload, *resize;

	ck_assert_int_eq(restore(), 0);
	reload = after.waiting;
	ck_assert_ptr_eq(reload->kind, &reload_kind);
	ck_assert_uint_eq(reload->job, 4);
	ck_assert_ptr_null(reload->member);
	resize = reload->next;
	ck_assert_ptr_eq(resize->kind, &resize_kind);
	ck_assert_str_eq(resize->member->name, "echo");
	ck_assert(resize->min == 2 && resize->max == 9 && resize->job == JOB);
	ck_assert_ptr_null(resize->next);
}
END_TEST

START_TEST(what_a_service_was_ordered_comes_out)
{
	const struct member *member;

	ck_assert_int_eq(restore(), 0);
	member = member_find(fleet_after.members, "echo");
	ck_assert(member->paused && member->resized.is_set && member->resized.min == 1 && member->resized.max == 3);
	ck_assert_ptr_null(member->now);
}
END_TEST

START_TEST(the_pool_comes_out)
{
	const struct listener *l, *was = &pools[0]->listeners[0];
	const struct pool *p;

	ck_assert_int_eq(restore(), 0);
	p = fleet_after.retiring;
	ck_assert_ptr_null(p->next);
	ck_assert_str_eq(p->service->name, "echo");
	ck_assert_int_eq(p->service->timeouts.drain, 1500);
	ck_assert_str_eq(p->service->socket.device, "lo");
	ck_assert_int_eq(p->service->socket.keepalive, 7000);
	ck_assert_uint_eq(p->service->socket.owner, 12);
	ck_assert(p->state == POOL_SUPERSEDED && p->proved);
	ck_assert_int_eq(p->limits.max, 3);
	ck_assert(p->cut && p->wind_down_ms == 21);
	ck_assert_str_eq(p->occasion, "restart");
	ck_assert_str_eq(p->own.name[0], "hits");
	ck_assert_uint_eq(totals_own(p->totals, "fd"), 9);
	ck_assert_int_eq(p->service->backlog, 64);
	ck_assert_uint_eq(p->totals->gone.bytes_in, INT64_MAX);
	ck_assert_uint_eq(p->totals->gone.crashes, 5);
	ck_assert_uint_eq(p->totals->gone.probes, 6);
	ck_assert_uint_eq(p->totals->gone.refused[REFUSED_DENIED], 7);
	ck_assert_uint_eq(p->totals->gone.refused[REFUSALS - 1], 8);
	ck_assert_uint_eq(totals_refused(&p->totals->gone), 15);
	l = &p->listeners[0];
	ck_assert_int_eq(l->fd, was->fd);
	ck_assert(addr_equal(&l->key.asked, &was->key.asked) && addr_equal(&l->addr, &was->addr));
	ck_assert_str_eq(l->text, was->text);
	ck_assert(l->listening && !l->inherited && !l->refusing && l->key.v6only && !l->key.dual);
	ck_assert_int_eq(l->quiesced_ms, 77);
	ck_assert_uint_eq(l->path.ino, 6);
	ck_assert_int_eq(fcntl(l->fd, F_GETFD), FD_CLOEXEC);
}
END_TEST

START_TEST(the_workers_come_out)
{
	const struct proc *proc;
	pid_t pid = WORKER;

	ck_assert_int_eq(restore(), 0);
	ck_assert_uint_eq(fleet_after.retiring->n_procs, 2);
	HASH_FIND(by_pid, fleet_after.by_pid, &pid, sizeof(pid), proc);
	ck_assert_ptr_nonnull(proc);
	ck_assert(proc->ready && proc->believed && !proc->leaving && proc->started_ms == 11 && proc->kill_ms == 0);
	ck_assert_uint_eq(proc_slot(proc)->accepted, 100);
	/* both images look at the same memory */
	atomic_store(&pools[0]->board.slots[proc->slot].accepted, 101);
	ck_assert_uint_eq(proc_slot(proc)->accepted, 101);
	pid = LATE_WORKER;
	HASH_FIND(by_pid, fleet_after.by_pid, &pid, sizeof(pid), proc);
	ck_assert(proc->leaving && proc->retire_ms == 12 && proc->kill_ms == 13);
}
END_TEST

START_TEST(workers_with_a_board_of_another_layout_are_busy)
{
	const struct proc *proc;

	(void)json_object_set_new(at("board"), "version", json_integer(board_version() + 1));
	ck_assert_int_eq(restore(), 0);
	ck_assert_uint_eq(fleet_after.retiring->n_procs, 2);
	DL_FOREACH (fleet_after.retiring->procs, proc) {
		ck_assert_int_eq(proc_state(proc), SLOT_BUSY);
		ck_assert_uint_eq(proc_slot(proc)->has_heard, 1);
		ck_assert_uint_eq(proc_slot(proc)->accepted, 0);
	}
	ck_assert_ptr_ne(fleet_after.retiring->board.head, pools[0]->board.head);
}
END_TEST

/* ---- the table of sources ---- */

START_TEST(the_table_of_sources_comes_out)
{
	struct sources *was = pools[0]->sources;
	const struct proc *proc = pools[0]->procs;
	struct sources_taken taken;
	struct sources *is;

	ck_assert(sources_sit(was, (size_t)proc->seat, 77, 1, 0, &taken));
	ck_assert_int_eq(restore(), 0);
	is = fleet_after.retiring->sources;
	ck_assert_int_eq(is->fd, was->fd);
	ck_assert_uint_eq(is->n_records, 256);
	ck_assert_uint_eq(is->refs, 1);
	ck_assert_uint_eq(sources_taken(is, 77).same, 1);
	DL_FOREACH (fleet_after.retiring->procs, proc)
		ck_assert(is->seat_used[proc->seat]);
	/* both look at the same memory, and a seat is freed as its worker goes */
	proc = fleet_after.retiring->procs;
	ck_assert_uint_eq((unsigned)proc->seat, (unsigned)pools[0]->procs->seat);
	pool_worker_gone(fleet_after.retiring, fleet_after.retiring->procs, 0, NULL);
	ck_assert_uint_eq(sources_taken(was, 77).same, 0);
}
END_TEST

/* Two generations of a service have the same, and so they have afterwards. */
START_TEST(generations_share_their_table)
{
	json_t *list = json_object_get(handover, "pools"), *second = json_deep_copy(at(NULL));

	(void)json_array_clear(json_object_get(second, "workers"));
	(void)json_object_set_new(json_object_get(second, "board"), "version", json_integer(0));
	(void)json_object_set_new(json_object_get(second, "board"), "fd", json_integer(-1));
	(void)json_object_set_new(json_array_get(json_object_get(second, "listeners"), 0), "fd", json_integer(-1));
	(void)json_array_append_new(list, second);
	ck_assert_uint_eq(json_array_size(json_object_get(handover, "sources")), 1);
	ck_assert_int_eq(restore(), 0);
	ck_assert_ptr_eq(fleet_after.retiring->sources, fleet_after.retiring->next->sources);
	ck_assert_uint_eq(fleet_after.retiring->sources->refs, 2);
}
END_TEST

static void expect_new_table(void)
{
	const struct proc *proc;

	ck_assert_int_eq(restore(), 0);
	ck_assert_ptr_nonnull(fleet_after.retiring->sources);
	ck_assert_uint_eq(fleet_after.retiring->n_procs, 2);
	DL_FOREACH (fleet_after.retiring->procs, proc)
		ck_assert_int_eq(proc->seat, -1);
	pool_worker_gone(fleet_after.retiring, fleet_after.retiring->procs, 0, NULL);
}

START_TEST(a_table_of_another_layout_is_replaced)
{
	json_t *table = json_array_get(json_object_get(handover, "sources"), 0);

	(void)json_object_set_new(table, "version", json_integer(sources_version() + 1));
	expect_new_table();
	ck_assert_uint_eq(fleet_after.retiring->sources->n_records, 256);
}
END_TEST

START_TEST(a_table_of_another_size_is_replaced)
{
	json_t *table = json_array_get(json_object_get(handover, "sources"), 0);

	(void)json_object_set_new(table, "records", json_integer(512));
	expect_new_table();
}
END_TEST

START_TEST(a_table_that_is_not_there_is_replaced)
{
	int fd = fcntl(0, F_DUPFD_CLOEXEC, 500); /* beyond all that is opened meanwhile */

	(void)close(fd);
	(void)json_object_set_new(json_array_get(json_object_get(handover, "sources"), 0), "fd", json_integer(fd));
	(void)json_object_set_new(at(NULL), "sources", json_integer(fd));
	expect_new_table();
}
END_TEST

START_TEST(two_workers_in_one_seat)
{
	json_t *workers = at("workers");

	(void)json_object_set(json_array_get(workers, 1), "seat", json_object_get(json_array_get(workers, 0), "seat"));
	ck_assert_int_eq(restore(), 0); /* it costs but the second's count */
	ck_assert_int_eq(fleet_after.retiring->procs->seat, 0);
	ck_assert_int_eq(fleet_after.retiring->procs->next->seat, -1);
}
END_TEST

int main(void)
{
	return SUITE_RUN("handover", setup, what_is_read_is_what_was_written, the_master_comes_out,
			 orders_that_wait_come_out, what_a_service_was_ordered_comes_out, the_pool_comes_out,
			 the_workers_come_out, workers_with_a_board_of_another_layout_are_busy,
			 the_table_of_sources_comes_out, generations_share_their_table,
			 a_table_of_another_layout_is_replaced, a_table_of_another_size_is_replaced,
			 a_table_that_is_not_there_is_replaced, two_workers_in_one_seat);
}
