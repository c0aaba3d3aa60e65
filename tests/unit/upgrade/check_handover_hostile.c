/* SPDX-License-Identifier: MIT */
/* A handover that is of another format, damaged or hostile: an error, and never a crash. */
#include "handover_case.h"

START_TEST(of_another_format)
{
	(void)json_object_set_new(handover, "format", json_integer(HANDOVER_FORMAT + 1));
	ck_assert_ptr_null(pass(handover));
	ck_assert_ptr_nonnull(strstr(err.text, "format"));
	(void)json_object_del(handover, "format");
	ck_assert_ptr_null(pass(handover));
}
END_TEST

START_TEST(for_another_process)
{
	(void)json_object_set_new(handover, "pid", json_integer(getpid() + 1));
	ck_assert_ptr_null(pass(handover));
	ck_assert_ptr_nonnull(strstr(err.text, "another process"));
}
END_TEST

START_TEST(of_which_the_end_is_missing)
{
	int fd = handover_write(handover, &err);
	off_t size = lseek(fd, 0, SEEK_END);

	for (off_t len = 0; len < size; len += 1 + size / 100) {
		ck_assert_int_eq(ftruncate(fd, len), 0);
		ck_assert_ptr_null(handover_read(fd, getpid(), &err));
		ck_assert_int_eq(ftruncate(fd, size), 0); /* zeros from here on */
		ck_assert_ptr_null(handover_read(fd, getpid(), &err));
	}
	ck_assert_ptr_null(handover_read(-1, getpid(), &err));
}
END_TEST

START_TEST(descriptors_survive_or_do_not)
{
	int fds[] = {pools[0]->listeners[0].fd, pools[0]->board.fd, pools[0]->sources->fd};

	handover_keep(handover, true);
	for (size_t i = 0; i < 3; i++)
		ck_assert_int_eq(fcntl(fds[i], F_GETFD), 0);
	handover_keep(handover, false);
	for (size_t i = 0; i < 3; i++)
		ck_assert_int_eq(fcntl(fds[i], F_GETFD), FD_CLOEXEC);
}
END_TEST

START_TEST(no_memory_for_one)
{
	ck_assert_int_eq(handover_write(NULL, &err), -1);
}
END_TEST

/* ---- hostile values: any answer, but no crash ---- */

static json_t *hostile(int i)
{
	switch (i) {
	case 0:
		return json_null();
	case 1:
		return json_integer(-1);
	case 2:
		return json_integer(INT64_MAX);
	case 3:
		return json_integer(INT64_MIN / 2); /* a time is subtracted from */
	case 4:
		return json_string("ffffffffffffffffffffffffffffffffffffffffffffffffffffffffff");
	case 5:
		return json_pack("[{}, n, [], i]", 1);
	case 6:
		return json_object();
	default:
		return NULL;
	}
}

static void try_it(void)
{
	struct pool *pool;
	int status;
	pid_t pid = fork();

	ck_assert_int_ge(pid, 0);
	if (pid == 0) { /* it may close whatever it likes */
		if (handover_restore(&after, handover, &err) == 0)
			DL_FOREACH (fleet_after.retiring, pool)
				pool_look_after(pool, true);
		_exit(0);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_msg(status == 0, "ended with %x", (unsigned)status);
}

static void spoil_all(json_t *in);

static void spoil_item(json_t *in, const char *key, size_t index)
{
	json_t *value = json_incref(key != NULL ? json_object_get(in, key) : json_array_get(in, index)), *bad;

	for (int i = 0; (bad = hostile(i)) != NULL; i++) {
		if (key != NULL)
			(void)json_object_set_new_nocheck(in, key, bad);
		else
			(void)json_array_set_new(in, index, bad);
		try_it();
	}
	if (key != NULL)
		(void)json_object_set_new_nocheck(in, key, value);
	else
		(void)json_array_set_new(in, index, value);
	spoil_all(value);
}

static void spoil_all(json_t *in)
{
	const char *keys[64], *key;
	json_t *value;
	size_t n = 0;

	if (json_is_array(in))
		for (size_t i = 0; i < json_array_size(in); i++)
			spoil_item(in, NULL, i);
	if (!json_is_object(in))
		return;
	json_object_foreach (in, key, value)
		keys[n++] = key;
	for (size_t i = 0; i < n; i++)
		spoil_item(in, keys[i], 0);
}

START_TEST(hostile_values)
{
	spoil_all(handover);
	ck_assert_int_eq(restore(), 0);
}
END_TEST

START_TEST(two_workers_in_one_slot)
{
	json_t *workers = at("workers");

	(void)json_object_set(json_array_get(workers, 1), "slot", json_object_get(json_array_get(workers, 0), "slot"));
	ck_assert_int_eq(restore(), -1);
	ck_assert_str_ne(err.text, "");
}
END_TEST

START_TEST(a_listener_that_is_not_there)
{
	json_t *listener = json_array_get(at("listeners"), 0);
	int fd = fcntl(0, F_DUPFD_CLOEXEC, 500); /* beyond all that is opened meanwhile */

	(void)close(fd);
	(void)json_object_set_new(listener, "fd", json_integer(fd));
	ck_assert_int_eq(restore(), -1);
	ck_assert_str_ne(err.text, "");
}
END_TEST

int main(void)
{
	return SUITE_RUN("handover_hostile", setup, of_another_format, for_another_process, of_which_the_end_is_missing,
			 descriptors_survive_or_do_not, no_memory_for_one, hostile_values, two_workers_in_one_slot,
			 a_listener_that_is_not_there);
}
