/* SPDX-License-Identifier: MIT */
/* The control socket moves from path to path, with an event loop whose timers the test shortens. */
#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/fds.h"
#include "base/log.h"
#include "config/config.h"
#include "listeners/control_socket.h"
#include "net/addr.h"

#include "../suite.h"

enum { FASTER = 100 }; /* so many times */

static sd_event *event;
static struct control_socket *control;
static struct config_control first, second;
static char folder[64], paths[2][96];
static struct err err;
static int n_clients;

int __real_sd_event_add_time_relative(sd_event *e, sd_event_source **s, clockid_t clock, uint64_t usec,
				      uint64_t accuracy, sd_event_time_handler_t handler, void *userdata);
int __wrap_sd_event_add_time_relative(sd_event *e, sd_event_source **s, clockid_t clock, uint64_t usec,
				      uint64_t accuracy, sd_event_time_handler_t handler, void *userdata);

int __wrap_sd_event_add_time_relative(sd_event *e, sd_event_source **s, clockid_t clock, uint64_t usec,
				      uint64_t accuracy, sd_event_time_handler_t handler, void *userdata)
{
	return __real_sd_event_add_time_relative(e, s, clock, usec / FASTER, accuracy, handler, userdata);
}

static void on_client(int fd, void *userdata)
{
	ck_assert_ptr_eq(userdata, &n_clients);
	ck_assert((fcntl(fd, F_GETFL) & O_NONBLOCK) != 0 && fcntl(fd, F_GETFD) == FD_CLOEXEC);
	n_clients++;
	(void)close(fd);
}

static void tear_down(void)
{
	for (int i = 0; i < 2; i++)
		(void)unlink(paths[i]);
	(void)rmdir(folder);
}

static void set_up(void)
{
	log_set_level(LOG_EMERG);
	(void)snprintf(folder, sizeof(folder), "/tmp/check_control_socket-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	for (int i = 0; i < 2; i++)
		(void)snprintf(paths[i], sizeof(paths[i]), "%s/%d", folder, i);
	first = (struct config_control){.path = paths[0], .path_written = true, .mode = 0600, .group = (gid_t)-1};
	second = (struct config_control){.path = paths[1], .path_written = true, .mode = 0660, .group = (gid_t)-1};
	ck_assert_int_ge(sd_event_new(&event), 0);
	control = control_socket_new(event, &err);
	ck_assert_ptr_nonnull(control);
	control_socket_serve(control, on_client, &n_clients);
	ck_assert_int_eq(control_socket_open(control, &first, &err), 0);
}

static void run_for(int64_t ms)
{
	int64_t end = clock_ms() + ms, left;

	while ((left = end - clock_ms()) > 0)
		ck_assert_int_ge(sd_event_run(event, (uint64_t)left * 1000), 0);
}

/* A client of PATH gets in, and is handed on. */
static bool is_served(const char *path)
{
	struct sockaddr_any addr = {.len = sizeof(addr.un)};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), before = n_clients;
	bool connected;

	addr.un.sun_family = AF_UNIX;
	(void)snprintf(addr.un.sun_path, sizeof(addr.un.sun_path), "%s", path);
	connected = connect(fd, &addr.sa, addr.len) == 0;
	for (int i = 0; connected && n_clients == before && i < 5000; i++)
		run_for(1);
	fd_close(&fd);
	return n_clients == before + 1;
}

static void move_to(const struct config_control *config)
{
	ck_assert_int_eq(control_socket_prepare(control, config, &err), 0);
	ck_assert_int_eq(control_socket_commit(control, config, &err), 0);
}

static mode_t mode_of(const char *path)
{
	struct stat st;

	ck_assert_int_eq(lstat(path, &st), 0);
	return st.st_mode & 07777;
}

START_TEST(it_is_there_until_the_end)
{
	ck_assert(is_served(paths[0]));
	ck_assert_uint_eq(mode_of(paths[0]), 0600);
	control_socket_free(&control);
	ck_assert_ptr_null(control);
	ck_assert_int_lt(access(paths[0], F_OK), 0);
}
END_TEST

/* A reload may watch new programs for minutes after its commit, and its caller comes back to the path that it knows. */
START_TEST(the_former_one_stays_until_the_verdict)
{
	move_to(&second);
	ck_assert(is_served(paths[1]));
	run_for(3600 * 1000 / FASTER / 100); /* 36 s */
	ck_assert(is_served(paths[0]));
	control_socket_verdict_given(control);
	run_for(CONTROL_SOCKET_FAREWELL_MS / FASTER / 3);
	ck_assert(is_served(paths[0]));
	run_for(CONTROL_SOCKET_FAREWELL_MS / FASTER + 200);
	ck_assert(!is_served(paths[0]));
	ck_assert_int_lt(access(paths[0], F_OK), 0);
	ck_assert(is_served(paths[1]));
}
END_TEST

START_TEST(a_later_verdict_does_not_prolong_it)
{
	move_to(&second);
	control_socket_verdict_given(control);
	for (int i = 0; i < 20; i++) {
		run_for(CONTROL_SOCKET_FAREWELL_MS / FASTER / 2);
		control_socket_verdict_given(control);
	}
	ck_assert(!is_served(paths[0]));
}
END_TEST

START_TEST(it_moves_back_to_where_it_was)
{
	move_to(&second);
	move_to(&first);
	ck_assert(is_served(paths[0]));
	ck_assert(is_served(paths[1]));
	control_socket_verdict_given(control);
	run_for(CONTROL_SOCKET_FAREWELL_MS / FASTER + 200);
	ck_assert(is_served(paths[0]));
	ck_assert(!is_served(paths[1]));
}
END_TEST

START_TEST(what_is_prepared_is_not_in_force)
{
	ck_assert_int_eq(control_socket_prepare(control, &second, &err), 0);
	ck_assert(is_served(paths[0]));
	ck_assert_int_eq(control_socket_prepare(control, &first, &err), 0);
	ck_assert_int_eq(control_socket_commit(control, &first, &err), 0);
	ck_assert(is_served(paths[0]));
	ck_assert(!is_served(paths[1]));
	ck_assert_int_lt(access(paths[1], F_OK), 0);
}
END_TEST

START_TEST(mode_changes_in_place)
{
	first.mode = 0640;
	move_to(&first);
	ck_assert_uint_eq(mode_of(paths[0]), 0640);
	ck_assert(is_served(paths[0]));
}
END_TEST

START_TEST(a_path_that_somebody_has_removed_is_made_anew)
{
	ck_assert_int_eq(unlink(paths[0]), 0);
	move_to(&first);
	ck_assert(is_served(paths[0]));
	control_socket_before_exec(control); /* closes the former one, and leaves the new one's path alone */
	ck_assert(is_served(paths[0]));
}
END_TEST

START_TEST(what_cannot_be_opened)
{
	second.path = strcat(folder, "/none/control");
	ck_assert_int_eq(control_socket_prepare(control, &second, &err), -1);
	ck_assert(is_served(paths[0]));
	second.path_written = false; /* the default path: it does without */
	move_to(&second);
	ck_assert(is_served(paths[0]));
	control_socket_before_exec(control);
	ck_assert(!is_served(paths[0]));
}
END_TEST

START_TEST(another_image_goes_on_with_it)
{
	struct control_socket *other = control_socket_new(event, &err);
	struct listen_path mark;
	const char *path;
	int fd = control_socket_fd(control, &path, &mark);

	ck_assert_int_ge(fd, 0);
	ck_assert_str_eq(path, paths[0]);
	control_socket_adopt(other, dup(fd), path, &mark);
	control_socket_serve(other, on_client, &n_clients);
	ck_assert_int_eq(control_socket_open(other, &second, &err), 0);
	ck_assert(is_served(paths[1]));
	control_socket_before_exec(other);
	control_socket_free(&other);
	ck_assert_int_lt(access(paths[0], F_OK), 0);
	ck_assert_int_eq(control_socket_fd(NULL, &path, &mark), -1);
}
END_TEST

START_TEST(a_rehearsal_leaves_all_as_it_was)
{
	struct control_socket *tried = control_socket_new(NULL, &err);
	struct listen_path mark;
	const char *path;
	int fd = control_socket_fd(control, &path, &mark);

	control_socket_adopt(tried, dup(fd), path, &mark);
	ck_assert_int_eq(control_socket_try(&tried, &second, &err), 0);
	ck_assert_ptr_null(tried);
	ck_assert_int_lt(access(paths[1], F_OK), 0);
	ck_assert(is_served(paths[0]));
	second.path = folder; /* which is a folder */
	ck_assert_int_eq(control_socket_try(&tried, &second, &err), -1);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		it_is_there_until_the_end,
		the_former_one_stays_until_the_verdict,
		a_later_verdict_does_not_prolong_it,
		it_moves_back_to_where_it_was,
		what_is_prepared_is_not_in_force,
		mode_changes_in_place,
		a_path_that_somebody_has_removed_is_made_anew,
		what_cannot_be_opened,
		another_image_goes_on_with_it,
		a_rehearsal_leaves_all_as_it_was,
	};
	Suite *suite = suite_create("control_socket");
	TCase *tcase = tcase_create("control_socket");

	tcase_add_checked_fixture(tcase, set_up, tear_down);
	for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
		tcase_add_test(tcase, tests[i]);
	suite_add_tcase(suite, tcase);
	return suite_finish(suite);
}
