/* SPDX-License-Identifier: MIT */
/* The differences between two configurations, key by key. */
#include "config/diff.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/parse.h"
#include "config/config.h"
#include "config/load.h"
#include "config/row.h"
#include "config/row_names.h"
#include "config/rows.h"
#include "config/values.h"

#include "../config_fakes.h"
#include "../suite.h"
#include "config_diff_case.h"

/* The change that OVERRIDE makes to the only service of main.conf; removing it must be the same change. */
static enum config_change added(const char *override)
{
	enum config_change change;

	config_free(&a);
	config_free(&b);
	a = load(NULL);
	b = load(override);
	change = config_diff_service(b, 0, a, 0, keys, sizeof(keys));
	ck_assert_int_eq(config_diff_service(a, 0, b, 0, keys, sizeof(keys)), change);
	return change;
}

/* Every row, and what a change of it needs. Without a value here, the test makes one up. */
struct expected {
	const char *path, *value; /* "@NAME": a file of this test */
	enum config_change change;
	bool root; /* only root may change it */
};

static const struct expected service_rows[] = {
	{"enabled", "true", CHANGE_NONE, false}, /* a service that is disabled has no generation to compare with */
	{"optional", NULL, CHANGE_LIVE, false},
	{"handler", "echo", CHANGE_WORKERS, false},
	{"listen", "127.0.0.1:8", CHANGE_LISTENER, false},
	{"backlog", NULL, CHANGE_LIVE, false},
	{"command", "/bin/cat", CHANGE_WORKERS, false},
	{"path", NULL, CHANGE_NONE, false},
	{"options", NULL, CHANGE_NONE, false},
	{"user", "daemon", CHANGE_WORKERS, true},
	{"group", "tty", CHANGE_WORKERS, true},
	{"groups", "tty", CHANGE_WORKERS, true},
	{"on_hangup", NULL, CHANGE_WORKERS, false},
	{"on_cut", NULL, CHANGE_WORKERS, false},
	{"banner", "hello", CHANGE_WORKERS, false},
	{"upstream", "unix:@b", CHANGE_WORKERS, false},
	{"balance", NULL, CHANGE_WORKERS, false},
	{"send_proxy", NULL, CHANGE_WORKERS, false},
	{"proxy.connect_timeout", NULL, CHANGE_WORKERS, false},
	{"proxy.pause", NULL, CHANGE_WORKERS, false},
	{"proxy.resolve", NULL, CHANGE_WORKERS, false},
	{"proxy.bind", "192.0.2.1", CHANGE_WORKERS, false},
	{"workers.min", NULL, CHANGE_LIVE, false},
	{"workers.min_spare", NULL, CHANGE_LIVE, false},
	{"workers.max_spare", NULL, CHANGE_LIVE, false},
	{"workers.max", NULL, CHANGE_WORKERS, false},
	{"workers.max_requests", NULL, CHANGE_WORKERS, false},
	{"workers.max_age", NULL, CHANGE_LIVE, false},
	{"workers.max_memory", "5M", CHANGE_LIVE, false},
	{"workers.max_unavailable", NULL, CHANGE_LIVE, false},
	{"workers.on_full", NULL, CHANGE_WORKERS, false},
	{"program.argv0", "name", CHANGE_WORKERS, false},
	{"program.environment", NULL, CHANGE_NONE, false}, /* check_config_environment.c */
	{"program.pass_environment", "LANG", CHANGE_WORKERS, false},
	{"program.listener_fd", "0", CHANGE_WORKERS, false},
	{"program.directory", "/", CHANGE_WORKERS, false},
	{"program.umask", "0027", CHANGE_WORKERS, false},
	{"program.nice", "19", CHANGE_WORKERS, false},
	{"program.oom_score_adjust", "1000", CHANGE_WORKERS, false},
	{"program.notify", NULL, CHANGE_WORKERS, false},
	{"program.log_rate", NULL, CHANGE_WORKERS, false},
	{"program.watchdog", NULL, CHANGE_WORKERS, false},
	{"program.stop_signal", NULL, CHANGE_LIVE, false},
	{"limits.memory", "64M", CHANGE_LIVE, false},
	{"limits.tasks", NULL, CHANGE_LIVE, false},
	{"limits.nofile", "20", CHANGE_WORKERS, false},
	{"limits.nproc", "0", CHANGE_WORKERS, false},
	{"limits.cpu", "7s", CHANGE_WORKERS, false},
	{"limits.as", "1G", CHANGE_WORKERS, false},
	{"limits.data", "1G", CHANGE_WORKERS, false},
	{"limits.stack", "1M", CHANGE_WORKERS, false},
	{"limits.core", "0", CHANGE_WORKERS, false},
	{"limits.fsize", "0", CHANGE_WORKERS, false},
	{"limits.memlock", "0", CHANGE_WORKERS, false},
	{"sandbox.level", NULL, CHANGE_WORKERS, false},
	{"sandbox.required", NULL, CHANGE_WORKERS, false},
	{"sandbox.private_tmp", NULL, CHANGE_WORKERS, false},
	{"sandbox.private_network", NULL, CHANGE_WORKERS, false},
	{"sandbox.private_pids", NULL, CHANGE_WORKERS, false},
	{"sandbox.read_only", NULL, CHANGE_WORKERS, false},
	{"sandbox.no_new_privileges", NULL, CHANGE_WORKERS, false},
	{"sandbox.root", "/", CHANGE_WORKERS, true},
	{"sandbox.capabilities", "", CHANGE_WORKERS, false}, /* an empty list differs from none */
	{"sandbox.read", "/", CHANGE_WORKERS, false},
	{"sandbox.write", "/", CHANGE_WORKERS, false},
	{"sandbox.execute", "/", CHANGE_WORKERS, false},
	{"sandbox.tcp_connect", "", CHANGE_WORKERS, false}, /* an empty list differs from none */
	{"sandbox.tcp_bind", "80", CHANGE_WORKERS, false},
	{"access.allow", "10.0.0.0/8", CHANGE_WORKERS, false},
	{"access.allow_file", "@list", CHANGE_WORKERS, false},
	{"access.deny", "10.0.0.0/8", CHANGE_WORKERS, false},
	{"access.deny_file", "@list", CHANGE_WORKERS, false},
	{"access.times", "Mon 08:00-18:00", CHANGE_WORKERS, false},
	{"access.max_load", NULL, CHANGE_WORKERS, false},
	{"access.refusal", NULL, CHANGE_WORKERS, false},
	{"access.banner", "busy", CHANGE_WORKERS, false},
	{"access.per_source", NULL, CHANGE_WORKERS, false},
	{"access.per_source_rate", NULL, CHANGE_WORKERS, false},
	{"access.per_source_datagrams", NULL, CHANGE_WORKERS, false},
	{"access.rate", NULL, CHANGE_WORKERS, false},
	{"access.prefix4", "24", CHANGE_WORKERS, false},
	{"access.prefix6", NULL, CHANGE_WORKERS, false},
	{"access.sources", NULL, CHANGE_WORKERS, false},
	{"access.exempt", "::1", CHANGE_WORKERS, false},
	{"access.reserve", NULL, CHANGE_WORKERS, false},
	{"access.reserve_for", "::1", CHANGE_WORKERS, false},
	{"access.probes", "::1", CHANGE_WORKERS, false},
	{"penalty.crashes", NULL, CHANGE_WORKERS, false},
	{"penalty.refusals", NULL, CHANGE_WORKERS, false},
	{"penalty.within", NULL, CHANGE_WORKERS, false},
	{"penalty.duration", NULL, CHANGE_WORKERS, false},
	{"proxy_protocol.from", "::1", CHANGE_WORKERS, false},
	{"proxy_protocol.without", "::1", CHANGE_WORKERS, false},
	{"proxy_protocol.timeout", NULL, CHANGE_WORKERS, false},
	{"timeouts.first_byte", NULL, CHANGE_WORKERS, false},
	{"timeouts.first_byte_busy", NULL, CHANGE_WORKERS, false},
	{"timeouts.send", NULL, CHANGE_WORKERS, false},
	{"timeouts.idle", NULL, CHANGE_WORKERS, false},
	{"timeouts.half_closed", NULL, CHANGE_WORKERS, false},
	{"timeouts.total", NULL, CHANGE_WORKERS, false},
	{"timeouts.drain", NULL, CHANGE_LIVE, false},
	{"timeouts.start", NULL, CHANGE_LIVE, false},
	{"timeouts.prove", NULL, CHANGE_LIVE, false},
	{"socket.nodelay", NULL, CHANGE_LIVE, false},
	{"socket.keepalive", NULL, CHANGE_LIVE, false},
	{"socket.defer_accept", NULL, CHANGE_LIVE, false},
	{"socket.reuse_port", NULL, CHANGE_LIVE, false},
	{"socket.v6only", NULL, CHANGE_LISTENER, false},
	{"socket.rcvbuf", NULL, CHANGE_LIVE, false},
	{"socket.sndbuf", NULL, CHANGE_LIVE, false},
	{"socket.user_timeout", NULL, CHANGE_LIVE, false},
	{"socket.freebind", NULL, CHANGE_LIVE, false},
	{"socket.device", "lo", CHANGE_LIVE, false},
	{"socket.mode", NULL, CHANGE_LIVE, false},
	{"socket.owner", "daemon", CHANGE_LIVE, false},
	{"socket.group", "tty", CHANGE_LIVE, false},
};

static const struct expected main_rows[] = {
	{"user", "daemon", CHANGE_WORKERS, true},	    {"group", "tty", CHANGE_WORKERS, true},
	{"log.target", NULL, CHANGE_WORKERS, false},	    {"log.facility", NULL, CHANGE_WORKERS, false},
	{"log.level", NULL, CHANGE_WORKERS, false},	    {"log.connections", NULL, CHANGE_WORKERS, false},
	{"control.path", "/run/other", CHANGE_NONE, false}, {"control.mode", NULL, CHANGE_NONE, false},
	{"control.group", "tty", CHANGE_NONE, false},	    {"control.read", NULL, CHANGE_NONE, false},
};

static const struct expected *find_expected(const struct expected *list, size_t n, const char *path)
{
	size_t i;

	for (i = 0; i < n; i++) {
		if (strcmp(list[i].path, path) == 0)
			return &list[i];
	}
	ck_abort_msg("%s is new: what does a change of it need?", path);
	return NULL;
}

/* A value that the row takes, other than its preset. */
static void make_value(const struct row *row, char *out, size_t size)
{
	int64_t number = 0;
	mode_t mode = 0;
	struct err err;

	switch (row->type) {
	case ROW_INTEGER:
		ck_assert_int_eq(parse_integer(row->preset, &number, &err), 0);
		(void)snprintf(out, size, "%" PRId64, number + 1);
		return;
	case ROW_DECIMAL:
		(void)snprintf(out, size, "%s", strcmp(row->preset, "0") == 0 ? "7.5" : "0");
		return;
	case ROW_DURATION:
		ck_assert_int_eq(parse_duration(row->preset, &number, &err), 0);
		format_duration(number + 1000, out, size);
		return;
	case ROW_SIZE:
		ck_assert_int_eq(parse_size(row->preset, &number, &err), 0);
		format_size(number + 4096, out, size);
		return;
	case ROW_BOOL:
		(void)snprintf(out, size, "%s", strcmp(row->preset, "true") == 0 ? "false" : "true");
		return;
	case ROW_MODE:
		ck_assert_int_eq(parse_mode(row->preset, &mode, &err), 0);
		(void)snprintf(out, size, "%04o", (unsigned)mode ^ 0006);
		return;
	case ROW_NAME:
		while (row_names_text(row->names, (int)number) == NULL ||
		       strcmp(row_names_text(row->names, (int)number), row->preset) == 0)
			number++;
		(void)snprintf(out, size, "%s", row_names_text(row->names, (int)number));
		return;
	case ROW_RATE:
		(void)snprintf(out, size, "%s", strcmp(row->preset, "0") == 0 ? "7/1min" : "0");
		return;
	case ROW_STRING:
	case ROW_LIST:
	case ROW_NUMBERS:
	case ROW_OPTIONS:
	case ROW_VARIABLES:
		break;
	}
	ck_abort_msg("%s needs a value in the table of this test", row->path);
}

/* "PREFIX PATH=VALUE" for the row; false if it cannot be changed here. */
static bool make_override(const struct row *row, const struct expected *expected, const char *prefix, char *out,
			  size_t size)
{
	char value[128];

	if (expected->value == NULL)
		make_value(row, value, sizeof(value));
	else
		(void)snprintf(value, sizeof(value), "%.100s",
			       expected->value[0] == '@' ? path_of(expected->value + 1) : expected->value);
	(void)snprintf(out, size, "%s%s=%s", prefix, row->path, value);
	return !expected->root || geteuid() == 0;
}

START_TEST(each_row_of_a_service)
{
	const struct row *row = &rows_service[_i];
	const struct expected *expected =
		find_expected(service_rows, sizeof(service_rows) / sizeof(service_rows[0]), row->path);
	char override[256];

	if (expected->change == CHANGE_NONE) /* of_a_module */
		return;
	if (!make_override(row, expected, "services.a.", override, sizeof(override)))
		return;
	ck_assert_msg(added(override) == expected->change, "%s: %s", override, keys);
	/* Another handler takes neither command nor upstream, so these change too. */
	ck_assert_str_eq(keys, strcmp(row->path, "handler") == 0 ? "handler, command, upstream" : row->path);
	ck_assert(!config_diff_log(a, b) && !config_diff_control(a, b));
}
END_TEST

START_TEST(each_row_of_the_program)
{
	const struct row *row = &rows_main[_i];
	const struct expected *expected = find_expected(main_rows, sizeof(main_rows) / sizeof(main_rows[0]), row->path);
	bool in_log = strncmp(row->path, "log.", 4) == 0 && strcmp(row->path, "log.connections") != 0;
	bool in_control = strncmp(row->path, "control.", 8) == 0;
	char override[256];

	if (!make_override(row, expected, "", override, sizeof(override)))
		return;
	ck_assert_msg(added(override) == expected->change, "%s: %s", override, keys);
	ck_assert_str_eq(keys, expected->change != CHANGE_NONE ? row->path : "");
	ck_assert_int_eq(config_diff_log(a, b), in_log);
	ck_assert_int_eq(config_diff_log(b, a), in_log);
	ck_assert_int_eq(config_diff_control(a, b), in_control);
	ck_assert_int_eq(config_diff_control(b, a), in_control);
}
END_TEST

START_TEST(of_a_module)
{
	const struct fake_options *options;
	char text[4096];
	FILE *out;

	put("main.conf", "services: { a: { handler = \"module\"; path = \"/x.so\"; listen = \"127.0.0.1:7\";\n"
			 "options: { text = \"t\"; }; }; };\n");
	ck_assert_int_eq(added(NULL), CHANGE_NONE);
	ck_assert_int_eq(added("services.a.path=/y.so"), CHANGE_WORKERS);
	ck_assert_str_eq(keys, "path");
	ck_assert_int_eq(added("services.a.options.number=4s"), CHANGE_WORKERS);
	ck_assert_str_eq(keys, "options");
	options = b->services[0].options;
	ck_assert_int_eq(options->number, 4000);
	ck_assert_int_eq(((const struct fake_options *)a->services[0].options)->number, 3000);
	ck_assert_str_eq(options->text, "t");
	ck_assert_int_eq(added("services.a.options.number=3000ms"), CHANGE_NONE);
	ck_assert_int_eq(added("services.a.options.flag=true"), CHANGE_WORKERS);
	ck_assert_int_eq(added("services.a.options.list=[\"a\",\"b\"]"), CHANGE_WORKERS);
	options = b->services[0].options;
	ck_assert_uint_eq(options->list.n, 2);
	ck_assert_str_eq(options->list.items[1], "b");
	/* the printed configuration loads to the same values */
	out = fmemopen(text, sizeof(text), "w");
	config_print(b, out);
	(void)fclose(out);
	config_free(&a);
	put("main.conf", text);
	a = load(NULL);
	ck_assert_int_eq(config_diff_service(a, 0, b, 0, keys, sizeof(keys)), CHANGE_NONE);
	/* another file of the same name */
	config_free(&a);
	fake_mark++;
	a = load(NULL);
	ck_assert_int_eq(config_diff_service(a, 0, b, 0, keys, sizeof(keys)), CHANGE_WORKERS);
	ck_assert_str_eq(keys, "path");
	config_free(&a);
	config_free(&b);
	ck_assert_int_eq(fakes_open, 0);
}
END_TEST

/* Another place, order or spelling of a value is no change. */
START_TEST(same_in_other_words)
{
	put("main.conf", "log: { level = \"debug\"; target = \"stderr\"; };\n"
			 "services: { a: { handler = \"exec\"; command = [ \"/bin/sh\" ]; backlog = 9;\n"
			 "  listen = [ \"127.0.0.1:7\" ]; timeouts: { idle = 90; total = \"60min\"; };\n"
			 "  workers: { max = 1; }; socket: { sndbuf = 65536; nodelay = true; device = \"\"; };\n"
			 "}; };\n");
	a = load(NULL);
	put("main.conf", "\n\ndefaults: { workers: { max = 1; min = 1; min_spare = 1; };\n"
			 "  backlog = 9; timeouts: { total = 3600; }; };\n"
			 "log: { target = \"stderr\"; level = \"debug\"; };\n");
	put("main.d/a.conf", "services: { a: { socket: { sndbuf = \"64K\"; }; command = \"/bin/sh\";\n"
			     "timeouts: { idle = \"90s\"; }; listen = \"127.0.0.1:7\";\n"
			     "handler = \"exec\"; }; };\n");
	b = load("control.path=/run/preforkd/control");
	ck_assert_int_eq(config_diff_service(a, 0, b, 0, keys, sizeof(keys)), CHANGE_NONE);
	ck_assert_str_eq(keys, "");
	ck_assert_int_eq(config_diff_service(a, 0, a, 0, NULL, 0), CHANGE_NONE);
	ck_assert(!config_diff_log(a, b) && !config_diff_control(a, b));
}
END_TEST

/* A default limit that adapts to a written one changes with it. */
START_TEST(in_force)
{
	ck_assert_int_eq(added("services.a.workers.max=1"), CHANGE_WORKERS);
	ck_assert_str_eq(keys, "workers.min, workers.min_spare, workers.max");
	ck_assert_int_eq(added("services.a.workers.min_spare=9"), CHANGE_LIVE);
	ck_assert_str_eq(keys, "workers.min_spare, workers.max_spare");
	ck_assert_int_eq(added("services.a.command=[\"/bin/sh\",\"-x\"]"), CHANGE_WORKERS);
	ck_assert_int_eq(added("services.a.command=[\"/bin/sh\"]"), CHANGE_NONE);
	ck_assert_int_eq(added("defaults.backlog=7"), CHANGE_LIVE);
}
END_TEST

/* The identity is compared, not the way in which it was written. */
START_TEST(identity_as_root)
{
	if (geteuid() != 0)
		return;
	ck_assert_int_eq(added("services.a.user=root"), CHANGE_NONE);
	ck_assert_int_eq(added("group=root"), CHANGE_NONE);
	ck_assert_int_eq(added("defaults.group=tty"), CHANGE_WORKERS);
	ck_assert_str_eq(keys, "group");
	put("main.conf", "services: { a: { handler = \"echo\"; listen = \"*:1\"; user = \"root\"; };\n"
			 "  b: { handler = \"echo\"; listen = \"*:2\"; }; };\n");
	/* The global user does not apply to the service a. */
	ck_assert_int_eq(added("user=daemon"), CHANGE_NONE);
	ck_assert_int_eq(config_diff_service(a, 1, b, 1, keys, sizeof(keys)), CHANGE_WORKERS);
	ck_assert_str_eq(keys, "user");
}
END_TEST

/* The same names may stand for something else when they are looked up again. */
START_TEST(looked_up_again)
{
	gid_t groups_a[] = {1, 2, 3}, groups_b[] = {3, 1, 2};
	struct service_values *old, *new;

	ck_assert_int_eq(added(NULL), CHANGE_NONE);
	old = &a->store->services[0];
	new = &b->store->services[0];
	old->service.identity.groups = groups_a;
	new->service.identity.groups = groups_b;
	old->service.identity.n_groups = new->service.identity.n_groups = 3;
	ck_assert_int_eq(config_diff_service(a, 0, b, 0, keys, sizeof(keys)), CHANGE_NONE);
	new->service.identity.n_groups = 2;
	ck_assert_int_eq(config_diff_service(a, 0, b, 0, keys, sizeof(keys)), CHANGE_WORKERS);
	ck_assert_int_eq(config_diff_service(b, 0, a, 0, keys, sizeof(keys)), CHANGE_WORKERS);
	ck_assert_str_eq(keys, "group");
	new->service.identity.n_groups = 3;
	new->service.identity.gid++;
	ck_assert_int_eq(config_diff_service(a, 0, b, 0, keys, sizeof(keys)), CHANGE_WORKERS);
	new->service.identity.home = new->service.name;
	ck_assert_int_eq(config_diff_service(a, 0, b, 0, keys, sizeof(keys)), CHANGE_WORKERS);
	ck_assert_str_eq(keys, "user");
	new->service.identity = old->service.identity;
	new->service.identity.set = !old->service.identity.set;
	ck_assert_int_eq(config_diff_service(a, 0, b, 0, keys, sizeof(keys)), CHANGE_WORKERS);
	new->service.identity = old->service.identity;
	new->service.socket.owner = 77;
	ck_assert_int_eq(config_diff_service(a, 0, b, 0, keys, sizeof(keys)), CHANGE_LIVE);
	ck_assert_str_eq(keys, "socket.owner");
	b->store->main.control.group = 77;
	ck_assert(config_diff_control(a, b));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("config_diff");
	TCase *tc = tcase_create("config_diff");

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_set_timeout(tc, SUITE_SECONDS);
	tcase_add_loop_test(tc, each_row_of_a_service, 0, (int)rows_service_count);
	tcase_add_loop_test(tc, each_row_of_the_program, 0, (int)rows_main_count);
	tcase_add_test(tc, of_a_module);
	tcase_add_test(tc, same_in_other_words);
	tcase_add_test(tc, in_force);
	tcase_add_test(tc, identity_as_root);
	tcase_add_test(tc, looked_up_again);
	suite_add_tcase(suite, tc);
	return suite_finish(suite);
}
