/* SPDX-License-Identifier: MIT */
/* Values of the configuration: presets, defaults, users, and how it is printed. */
#include "config/load.h"

#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

#include "base/log.h"
#include "config/config.h"

#include "../config_fakes.h"
#include "../suite.h"
#include "config_case.h"

START_TEST(presets)
{
	const struct config_service *s;

	put("main.conf", ONE);
	load(NULL);
	expect_good();
	ck_assert_uint_eq(problems_count(problems), 0);
	ck_assert_str_eq(config->file, path_of("main.conf"));
	ck_assert_int_eq(config->log.target, LOG_TO_AUTO);
	ck_assert_int_eq(config->log.facility, LOG_DAEMON);
	ck_assert_int_eq(config->log.level, LOG_INFO);
	ck_assert_int_eq(config->log.connections, LOG_CONNECTIONS_ERRORS);
	ck_assert_str_eq(config->control.path, "/run/preforkd/control");
	ck_assert_uint_eq(config->control.mode, 0660);
	ck_assert_uint_eq(config->control.group, (gid_t)-1);
	ck_assert(!config->control.read_all && !config->control.path_written);
	ck_assert_uint_eq(config->n_services, 1);
	s = &config->services[0];
	ck_assert_str_eq(s->name, "a");
	ck_assert_int_eq(s->origin.line, 1);
	ck_assert_ptr_eq(s->handler, fake_handlers[0]);
	ck_assert_uint_eq(s->n_listen, 1);
	ck_assert_str_eq(s->listen[0].text, "127.0.0.1:7");
	ck_assert_int_eq(s->listen_origin[0].line, 1);
	ck_assert_int_eq(s->backlog, 4096);
	ck_assert(!s->backlog_written);
	ck_assert_ptr_null(s->command);
	ck_assert_int_eq(s->workers.min, 2);
	ck_assert_int_eq(s->workers.min_spare, 2);
	ck_assert_int_eq(s->workers.max_spare, 8);
	ck_assert_int_eq(s->workers.max, 64);
	ck_assert_int_eq(s->workers.max_requests, 0);
	ck_assert_int_eq(s->timeouts.first_byte, 30000);
	ck_assert_int_eq(s->timeouts.idle, 300000);
	ck_assert_int_eq(s->timeouts.total, 0);
	ck_assert_int_eq(s->timeouts.drain, 30000);
	ck_assert_int_eq(s->timeouts.start, 30000);
	ck_assert(s->socket.nodelay);
	ck_assert_int_eq(s->socket.keepalive, 60000);
	ck_assert_int_eq(s->socket.defer_accept, 0);
	ck_assert(!s->socket.reuse_port && !s->socket.v6only && !s->socket.freebind);
	ck_assert_int_eq(s->socket.rcvbuf + s->socket.sndbuf, 0);
	ck_assert_int_eq(s->socket.user_timeout, 180000);
	ck_assert_ptr_null(s->socket.device);
	ck_assert_uint_eq(s->socket.mode, 0666);
	ck_assert_uint_eq(s->socket.owner, (uid_t)-1);
	ck_assert_uint_eq(s->socket.group, (gid_t)-1);
}
END_TEST

START_TEST(values)
{
	const struct config_service *s;

	put("main.conf", "log: { target = \"stderr\"; facility = \"local3\"; level = \"debug\";\n"
			 "  connections = \"all\"; };\n"
			 "services: { x-1_y: { handler = \"exec\"; listen = ( \"*:0\", \"unix:@a\" );\n"
			 "  command = [ \"/bin/sh\", \"-c\", \"a \\\"b\\\"\" ]; backlog = 7;\n"
			 "  workers: { min = 0; max = 5; max_requests = \"unlimited\"; };\n"
			 "  timeouts: { first_byte = 3; idle = 1.5; total = \"1h30min\"; drain = "
			 "\"unlimited\";\n"
			 "    start = \"250ms\"; };\n"
			 "  socket: { keepalive = \"0\"; rcvbuf = 4096; sndbuf = \"64K\"; mode = \"0600\";\n"
			 "    nodelay = false; owner = \"root\"; group = \"root\"; v6only = TRUE; };\n"
			 "}; };\n");
	load(NULL);
	expect_good();
	ck_assert_int_eq(config->log.target, LOG_TO_STDERR);
	ck_assert_int_eq(config->log.facility, LOG_LOCAL3);
	ck_assert_int_eq(config->log.level, LOG_DEBUG);
	ck_assert_int_eq(config->log.connections, LOG_CONNECTIONS_ALL);
	s = &config->services[0];
	ck_assert_uint_eq(s->n_listen, 2);
	ck_assert_str_eq(s->command[2], "a \"b\"");
	ck_assert_ptr_null(s->command[3]);
	ck_assert_int_eq(s->backlog, 7);
	ck_assert(s->backlog_written);
	ck_assert_int_eq(s->workers.max_requests, 0);
	ck_assert_int_eq(s->timeouts.first_byte, 3000);
	ck_assert_int_eq(s->timeouts.idle, 1500);
	ck_assert_int_eq(s->timeouts.total, 5400000);
	ck_assert_int_eq(s->timeouts.drain, 0);
	ck_assert_int_eq(s->timeouts.start, 250);
	ck_assert_int_eq(s->socket.keepalive, 0);
	ck_assert_int_eq(s->socket.rcvbuf, 4096);
	ck_assert_int_eq(s->socket.sndbuf, 65536);
	ck_assert_uint_eq(s->socket.mode, 0600);
	ck_assert(!s->socket.nodelay && s->socket.v6only);
	ck_assert_uint_eq(s->socket.owner, 0);
	ck_assert_uint_eq(s->socket.group, 0);
}
END_TEST

START_TEST(defaults_apply)
{
	put("main.conf", "defaults: { backlog = 9; workers: { max = 20; };\n"
			 "  command = \"/bin/sh\"; };\n"
			 "services: { a: { handler = \"echo\"; listen = \"*:1\"; };\n"
			 "  b: { handler = \"exec\"; listen = \"*:2\"; workers: { max = 30; }; }; };\n");
	load(NULL);
	expect_good();
	ck_assert_int_eq(config->services[0].backlog, 9);
	ck_assert(config->services[0].backlog_written);
	ck_assert_int_eq(config->services[0].workers.max, 20);
	ck_assert_ptr_null(config->services[0].command);
	ck_assert_int_eq(config->services[1].backlog, 9);
	ck_assert_int_eq(config->services[1].workers.max, 30);
	ck_assert_str_eq(config->services[1].command[0], "/bin/sh");
}
END_TEST

START_TEST(control)
{
	char longest[128];

	put("main.conf", "control: { path = \"/run/c\"; mode = \"0666\"; group = \"tty\";\n"
			 "  read = \"all\"; };\n" ONE);
	load(NULL);
	expect_good();
	ck_assert_uint_eq(problems_count(problems), 0);
	ck_assert_str_eq(config->control.path, "/run/c");
	ck_assert_uint_eq(config->control.mode, 0666);
	ck_assert_uint_eq(config->control.group, getgrnam("tty")->gr_gid);
	ck_assert(config->control.read_all && config->control.path_written);
	/* Without a path, the other keys of control have no effect, and cause no warning. */
	load_with(path_of("main.conf"), (const char *[]){own_user, "control.path=", "control.mode=0600", NULL});
	expect_good();
	ck_assert_uint_eq(problems_count(problems), 0);
	ck_assert_ptr_null(config->control.path);
	(void)snprintf(longest, sizeof(longest), "control.path=/%0106d", 0);
	load(longest);
	expect_good();
	ck_assert_uint_eq(strlen(config->control.path), 107);
	load("control.group=no-such-group");
	expect_error("-o: control.group: there is no group \"no-such-group\"");
	load("control.path=c");
	expect_error("-o: control.path: \"c\" must be a full path");
	load("control.path=/run/");
	expect_error("-o: control.path: \"/run/\" names a directory");
	load_with(path_of("main.conf"), (const char *[]){own_user, "services.a.listen=unix:/run/c", NULL});
	expect_error("-o: services.a.listen: \"unix:/run/c\" is taken already, by control.path in ");
	ck_assert(says("/main.conf:1"));
}
END_TEST

/* Default limits adapt to written ones. */
START_TEST(presets_adapt)
{
	put("main.conf", "services: { a: { handler = \"echo\"; listen = [ \"*:1\", \"*:2\" ];\n"
			 "workers: { max = 2; }; }; b: { handler = \"echo\"; listen = \"*:3\";\n"
			 "workers: { min_spare = 20; }; }; };\n");
	load(NULL);
	expect_good();
	ck_assert_int_eq(config->services[0].workers.min, 1);
	ck_assert_int_eq(config->services[0].workers.min_spare, 2);
	ck_assert_int_eq(config->services[1].workers.max_spare, 20);
}
END_TEST

/* The printed configuration loads, causes no new warnings, and prints the same again. */
START_TEST(print_round_trip)
{
	const char *none[] = {NULL};
	char *first, *second;

	put("main.conf", "log: { level = \"debug\"; };\n"
			 "control: { path = \"\"; mode = \"0606\"; group = \"root\"; read = \"all\"; };\n"
			 "defaults: { timeouts: { idle = 90; total = \"1500ms\"; }; group = \"root\"; };\n"
			 "services: { a: { handler = \"echo\"; listen = [ \"*:1\", \"unix:/run/q\\\"\\\\nq\" "
			 "];\n"
			 "  socket: { sndbuf = 65536; mode = \"0600\"; }; };\n"
			 "  b: { handler = \"exec\"; command = [ \"/bin/sh\", \"t\\ta\\nb\\x01\\xc3\\xa4\" ];\n"
			 "    listen = \"127.0.0.1:2\"; workers: { max = 1; }; }; };\n");
	load(geteuid() == 0 ? NULL : "defaults.group=");
	expect_good();
	ck_assert_uint_eq(problems_count(problems), 0);
	first = config_printed(config);
	put("main.conf", first);
	load_with(path_of("main.conf"), none);
	expect_good();
	ck_assert_uint_eq(problems_count(problems), 0);
	second = config_printed(config);
	ck_assert_str_eq(first, second);
	ck_assert_ptr_nonnull(strstr(first, "idle = \"90s\""));
	ck_assert_ptr_nonnull(strstr(first, "total = \"1500ms\""));
	ck_assert_ptr_nonnull(strstr(first, "mode = \"0600\""));
	ck_assert_ptr_nonnull(strstr(first, "mode = \"0606\""));
	ck_assert_ptr_null(config->control.path);
	ck_assert_uint_eq(config->control.group, 0);
	ck_assert_str_eq(config->services[0].listen[1].host, "/run/q\"\\nq");
	ck_assert_str_eq(config->services[1].command[1], "t\ta\nb\x01\xc3\xa4");
	free(first);
	free(second);
}
END_TEST

START_TEST(identity_as_root)
{
	const struct passwd *pw = getpwnam("nobody");
	const char *none[] = {NULL};
	char home[256];
	uid_t uid;
	gid_t gid;

	if (geteuid() != 0 || pw == NULL)
		return;
	uid = pw->pw_uid; /* the next look-up overwrites *pw */
	gid = pw->pw_gid;
	(void)snprintf(home, sizeof(home), "%s", pw->pw_dir);
	put("main.conf", "services: { a: { handler = \"echo\"; listen = \"*:1\"; };\n"
			 "  b: { handler = \"echo\"; listen = \"*:2\"; }; };\n");
	load_with(path_of("main.conf"), none);
	expect_error("main.conf:1: services.a.user: missing: started as root");
	ck_assert_uint_eq(problems_count(problems), 1);
	load("user=root");
	expect_good();
	ck_assert(config->services[0].identity.set);
	ck_assert_uint_eq(config->services[0].identity.uid, 0);
	put("main.conf", "user = \"root\"; group = \"tty\";\n"
			 "services: { a: { handler = \"echo\"; listen = \"*:1\"; user = \"nobody\"; };\n"
			 "  b: { handler = \"echo\"; listen = \"*:2\"; };\n"
			 "  c: { handler = \"echo\"; listen = \"*:3\"; group = \"daemon\"; }; };\n");
	load_with(path_of("main.conf"), none);
	expect_good();
	ck_assert_uint_eq(config->services[0].identity.uid, uid);
	/* The global group belongs to the global user, not to the user of the service. */
	ck_assert_uint_eq(config->services[0].identity.gid, gid);
	ck_assert_str_eq(config->services[0].identity.user, "nobody");
	ck_assert_str_eq(config->services[0].identity.home, home);
	ck_assert_uint_ge(config->services[0].identity.n_groups, 1);
	ck_assert_uint_eq(config->services[1].identity.gid, getgrnam("tty")->gr_gid);
	ck_assert_uint_eq(config->services[2].identity.gid, getgrnam("daemon")->gr_gid);
}
END_TEST

/* A group is dropped, and not printed, when another user is written closer to the service. */
START_TEST(identity_printed)
{
	const char *none[] = {NULL};
	char *text;
	gid_t gid;

	if (geteuid() != 0 || getpwnam("nobody") == NULL)
		return;
	put("main.conf", "user = \"root\"; defaults: { group = \"tty\"; };\n"
			 "services: { a: { handler = \"echo\"; listen = \"*:1\"; user = \"nobody\"; }; };\n");
	load_with(path_of("main.conf"), none);
	expect_good();
	gid = config->services[0].identity.gid;
	ck_assert_uint_ne(gid, getgrnam("tty")->gr_gid);
	text = config_printed(config);
	put("main.conf", text);
	free(text);
	load_with(path_of("main.conf"), none);
	expect_good();
	ck_assert_uint_eq(config->services[0].identity.gid, gid);
}
END_TEST

/* As an ordinary user: each test is a process of its own, so this one may change its user. */
START_TEST(identity_as_user)
{
	const struct passwd *pw = getpwnam("nobody");
	const char *none[] = {NULL};

	put("main.conf", "services: { a: { handler = \"echo\"; listen = \"*:1\"; }; };\n");
	put("secret.conf", ONE);
	ck_assert_int_eq(chmod(path_of("secret.conf"), 0), 0);
	if (geteuid() == 0 &&
	    (pw == NULL || setgroups(0, NULL) < 0 || setgid(pw->pw_gid) < 0 || setuid(pw->pw_uid) < 0))
		return;
	load_with(path_of("main.conf"), none);
	expect_good();
	ck_assert(!config->services[0].identity.set);
	ck_assert_uint_eq(config->services[0].identity.uid, geteuid());
	ck_assert_ptr_nonnull(config->services[0].identity.home);
	load_with(path_of("main.conf"), (const char *[]){"user=root", NULL});
	expect_error("-o: user: cannot become \"root\": not started as root (a systemd unit: \"preforkd "
		     "--unit-dropin\" prints");
	expect_error("--check=portable");
	load_with(path_of("main.conf"), (const char *[]){"group=root", NULL});
	expect_error("-o: group: cannot take the group \"root\"");
	load_with(path_of("main.conf"), (const char *[]){"services.a.user=no-such-user", NULL});
	expect_error("-o: services.a.user: there is no user");
	load_with(path_of("secret.conf"), none);
	expect_error("secret.conf: cannot open it: Permission denied");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("config");
	TCase *tc = tcase_create("config");

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_set_timeout(tc, 60); /* a resolver may take long to answer */
	tcase_add_test(tc, presets);
	tcase_add_test(tc, values);
	tcase_add_test(tc, defaults_apply);
	tcase_add_test(tc, control);
	tcase_add_test(tc, presets_adapt);
	tcase_add_test(tc, print_round_trip);
	tcase_add_test(tc, identity_as_root);
	tcase_add_test(tc, identity_printed);
	tcase_add_test(tc, identity_as_user);
	suite_add_tcase(suite, tc);
	return suite_finish(suite);
}
