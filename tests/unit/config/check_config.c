/* SPDX-License-Identifier: MIT */
/* Files in, configuration or complaints out: what config/load.h promises. */
#include "config/load.h"

#include <check.h>
#include <dirent.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

#include "../config_fakes.h"
#include "base/log.h"
#include "config/config.h"
#include "config/nearest.h"

#include "../suite.h"

#define ONE "services: { a: { handler = \"echo\"; listen = \"127.0.0.1:7\"; }; };\n"

static char folder[] = "/tmp/check_config.XXXXXX";
static char own_user[128]; /* "user=NAME": needed as root, harmless as anybody else */
static struct problems *problems;
static struct config *config;

static const char *path_of(const char *name)
{
	static char path[4096];

	(void)snprintf(path, sizeof(path), "%s/%s", folder, name);
	return path;
}

static void put(const char *name, const char *text)
{
	FILE *out = fopen(path_of(name), "w");

	ck_assert_ptr_nonnull(out);
	ck_assert_int_ge(fputs(text, out), 0);
	ck_assert_int_eq(fclose(out), 0);
	ck_assert_int_eq(chmod(path_of(name), 0644), 0);
}

/* OVERRIDES ends with NULL; without own_user there is none. */
static void load_with(const char *file, const char *const *overrides)
{
	struct config_source source = {.file = file, .overrides = overrides, .handlers = fake_handlers};

	while (overrides[source.n_overrides] != NULL)
		source.n_overrides++;
	problems_free(&problems);
	config_free(&config);
	config = config_load(&source, &problems);
}

static void load(const char *override)
{
	const char *overrides[] = {own_user, override, NULL};

	load_with(path_of("main.conf"), overrides);
}

static void print_problems(void)
{
	size_t i;

	for (i = 0; i < problems_count(problems); i++)
		(void)fprintf(stderr, "  %s\n", problems_get(problems, i)->text);
}

static bool says(const char *text)
{
	size_t i;

	for (i = 0; i < problems_count(problems); i++) {
		if (strstr(problems_get(problems, i)->text, text) != NULL)
			return true;
	}
	return false;
}

static void expect_good(void)
{
	if (config == NULL)
		print_problems();
	ck_assert_ptr_nonnull(config);
}

/* Refused, and TEXT is part of what is said. */
static void expect_error(const char *text)
{
	ck_assert_ptr_null(config);
	if (!says(text))
		print_problems();
	ck_assert_msg(says(text), "nothing says: %s", text);
}

static void set_up(void)
{
	const struct passwd *pw = getpwuid(geteuid());

	(void)snprintf(own_user, sizeof(own_user), "user=%s", pw != NULL ? pw->pw_name : "");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	ck_assert_int_eq(chmod(folder, 0755), 0);
	ck_assert_int_eq(mkdir(path_of("conf.d"), 0755), 0);
}

static void remove_in(const char *name)
{
	char path[4096];
	DIR *dir = opendir(name);
	struct dirent *entry;

	while (dir != NULL && (entry = readdir(dir)) != NULL) {
		(void)snprintf(path, sizeof(path), "%s/%s", name, entry->d_name);
		if (entry->d_name[0] != '.' || strlen(entry->d_name) > 2)
			(void)unlink(path);
	}
	if (dir != NULL)
		(void)closedir(dir);
	(void)rmdir(name);
}

static void tear_down(void)
{
	problems_free(&problems);
	config_free(&config);
	remove_in(path_of("conf.d"));
	remove_in(folder);
}

/* One line "# expect: WHERE: TEXT" of a broken file: is it said, and at that place? */
static bool is_expected_said(const char *dir, const char *file, const char *where, const char *text, int level)
{
	const char *colon = strstr(text, ": ");
	const struct problem *problem;
	char prefix[4400];
	size_t i, len;

	if (strcmp(where, "-") == 0)
		(void)snprintf(prefix, sizeof(prefix), "%s/%s: ", dir, file);
	else if (strchr(where, ':') != NULL)
		(void)snprintf(prefix, sizeof(prefix), "%s/%s: ", dir, where);
	else
		(void)snprintf(prefix, sizeof(prefix), "%s/%s:%s: ", dir, file, where);
	/* The key, if there is one, follows the place at once. */
	len = strlen(prefix);
	if (colon != NULL && text[0] != '@') {
		(void)snprintf(prefix + len, sizeof(prefix) - len, "%.*s", (int)(colon + 2 - text), text);
		text = colon + 2;
	}
	for (i = 0; i < problems_count(problems); i++) {
		problem = problems_get(problems, i);
		if (problem->level == level && strncmp(problem->text, prefix, strlen(prefix)) == 0 &&
		    strstr(problem->text + strlen(prefix), text) != NULL)
			return true;
	}
	return false;
}

static size_t count_level(int level)
{
	size_t i, n = 0;

	for (i = 0; i < problems_count(problems); i++)
		n += problems_get(problems, i)->level == level;
	return n;
}

/* All that FILE says is to be said is, and nothing else. */
static void replay(const char *dir, const char *file)
{
	const char *overrides[] = {own_user, NULL};
	char path[8192], line[512], where[128];
	size_t n_errors = 0, n_warnings = 0;
	int begin, level;
	FILE *in;

	(void)snprintf(path, sizeof(path), "%s/%s", dir, file);
	load_with(path, overrides);
	in = fopen(path, "r");
	ck_assert_ptr_nonnull(in);
	while (fgets(line, sizeof(line), in) != NULL) {
		line[strcspn(line, "\n")] = '\0';
		level = strncmp(line, "# warn:", 7) == 0 ? LOG_WARNING : LOG_ERR;
		begin = 0;
		if (sscanf(line, "# expect: %127[^ ] %n", where, &begin) != 1 &&
		    sscanf(line, "# warn: %127[^ ] %n", where, &begin) != 1)
			continue;
		where[strlen(where) - 1] = '\0';
		n_errors += level == LOG_ERR;
		n_warnings += level == LOG_WARNING;
		if (!is_expected_said(dir, file, where, line + begin, level)) {
			print_problems();
			ck_abort_msg("%s: not said: %s", file, line);
		}
	}
	(void)fclose(in);
	ck_assert_msg(n_errors + n_warnings > 0, "%s expects nothing", file);
	if (count_level(LOG_ERR) != n_errors || count_level(LOG_WARNING) != n_warnings) {
		print_problems();
		ck_abort_msg("%s: something else was said", file);
	}
	ck_assert_msg((config == NULL) == (n_errors > 0), "%s", file);
}

START_TEST(broken_files)
{
	char dir[4096];
	struct dirent *entry;
	int n = 0;
	DIR *d;

	(void)snprintf(dir, sizeof(dir), "%s/tests/unit/broken", top_srcdir());
	d = opendir(dir);
	ck_assert_ptr_nonnull(d);
	while ((entry = readdir(d)) != NULL) {
		if (strstr(entry->d_name, ".conf") == NULL)
			continue;
		replay(dir, entry->d_name);
		n++;
	}
	(void)closedir(d);
	ck_assert_int_ge(n, 40);
}
END_TEST

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
	ck_assert(!config->control.read_all && !config->control.asked);
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
	ck_assert(config->control.read_all && config->control.asked);
	/* What only a path could mean is not complained about without one. */
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

/* Limits that nobody set follow those that somebody set. */
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

START_TEST(conf_d)
{
	put("main.conf", "services: { m: { handler = \"echo\"; listen = \"*:1\"; }; };\n");
	put("conf.d/b.conf", "services: { m: { backlog = 5; }; b: { handler = \"echo\"; listen = \"*:2\"; }; };");
	put("conf.d/B.conf", "services: { c: { handler = \"echo\"; listen = \"*:3\"; }; };");
	put("conf.d/.hidden.conf", "nonsense");
	put("conf.d/b.conf~", "nonsense");
	put("conf.d/README", "nonsense");
	load(NULL);
	expect_good();
	ck_assert_uint_eq(config->n_services, 3);
	ck_assert_str_eq(config->services[0].name, "m");
	ck_assert_int_eq(config->services[0].backlog, 5);
	ck_assert_str_eq(config->services[1].name, "c");
	ck_assert_str_eq(config->services[2].name, "b");
	put("conf.d/z.conf", "services: { m: { listen = \"*:4\";\nbacklog = 6; }; };");
	load(NULL);
	expect_error("z.conf:1: services.m.listen: is set twice; the first time in ");
	expect_error("main.conf:1");
	expect_error("z.conf:2: services.m.backlog: is set twice; the first time in ");
	expect_error("conf.d/b.conf:1");
}
END_TEST

/* A file that cannot be read does not hide what is wrong in the others. */
START_TEST(all_files_reported)
{
	put("main.conf", "services: { m: { handler = \"echo\"; listen = \"*:1\"; backlog = 0; }; };\n");
	put("conf.d/a.conf", "user = ;");
	put("conf.d/b.conf", "services: { b: { backlog = 0; }; };\n");
	load(NULL);
	expect_error("main.conf:1: services.m.backlog: ");
	expect_error("a.conf:1: syntax error");
	expect_error("b.conf:1: services.b.backlog: ");
	ck_assert(!says(": missing"));
	ck_assert_uint_eq(problems_count(problems), 3);
	ck_assert_ptr_nonnull(strstr(problems_get(problems, 0)->text, "main.conf"));
	ck_assert_ptr_nonnull(strstr(problems_get(problems, 2)->text, "b.conf"));
}
END_TEST

/* A file that was named from where we were is found again from anywhere. */
START_TEST(relative_file)
{
	struct config *first;

	put("main.conf", "@include \"inc\"\n");
	put("inc", "services: { a: { handler = \"echo\"; listen = \"*:1\"; }; };");
	put("conf.d/b.conf", "@include \"../inc2\"\n");
	put("inc2", "services: { a: { backlog = 5; }; };");
	ck_assert_int_eq(chdir(folder), 0);
	load_with("main.conf", (const char *[]){own_user, NULL});
	expect_good();
	ck_assert_str_eq(config->file, path_of("main.conf"));
	first = config;
	config = NULL;
	ck_assert_int_eq(chdir("/"), 0);
	load_with(first->file, (const char *[]){own_user, NULL});
	config_free(&first); /* nothing of it is left in the second */
	expect_good();
	ck_assert_uint_eq(problems_count(problems), 0);
	ck_assert_str_eq(config->file, path_of("main.conf"));
	ck_assert_int_eq(config->services[0].backlog, 5);
	ck_assert_str_eq(config->services[0].listen_origin[0].file, path_of("inc"));
}
END_TEST

START_TEST(files_that_are_none)
{
	load(NULL);
	expect_error("main.conf: cannot open it: No such file or directory");
	ck_assert_int_eq(mkdir(path_of("main.conf"), 0755), 0);
	load(NULL);
	expect_error("main.conf: it is a directory");
	ck_assert_int_eq(rmdir(path_of("main.conf")), 0);
	put("main.conf", "");
	load(NULL);
	expect_error("main.conf: services: there is no service");
	ck_assert_int_eq(mkfifo(path_of("fifo"), 0600), 0);
	put("main.conf", "@include \"fifo\"\n");
	load(NULL);
	expect_error("main.conf:1: @include \"fifo\": it is not a regular file");
}
END_TEST

/* Lines are counted through strings, comments and included files; the end needs no line end. */
START_TEST(places)
{
	put("inc", "/* two\nlines */ backlog =\n\"x\";");
	put("main.conf", "services: { a: { handler = \"echo\"; # \"not a string\n"
			 "command = \"two\nlines\"; // @include \"nowhere\"\n"
			 "  @include \"inc\" listen = 5;\r\n"
			 "worng = \"@include \\\"\\\\\"; }; }; # end");
	load(NULL);
	expect_error("inc:2: services.a.backlog: ");
	expect_error("main.conf:4: services.a.listen: ");
	expect_error("main.conf:5: services.a.worng: ");
	ck_assert_uint_eq(problems_count(problems), 4);
	ck_assert(says("main.conf:2: services.a.command: "));
}
END_TEST

START_TEST(include_bomb)
{
	put("bomb1", "@include \"bomb2\"\n@include \"bomb2\"\n@include \"bomb2\"\n@include \"bomb2\"\n");
	put("bomb2", "@include \"bomb3\"\n@include \"bomb3\"\n@include \"bomb3\"\n@include \"bomb3\"\n");
	put("bomb3", "@include \"bomb4\"\n@include \"bomb4\"\n@include \"bomb4\"\n@include \"bomb4\"\n");
	put("bomb4", "@include \"bomb5\"\n@include \"bomb5\"\n@include \"bomb5\"\n@include \"bomb5\"\n");
	put("bomb5", "@include \"bomb6\"\n@include \"bomb6\"\n@include \"bomb6\"\n@include \"bomb6\"\n");
	put("bomb6", "");
	put("main.conf", "@include \"bomb1\"\n");
	load(NULL);
	expect_error("more than 1000 files");
}
END_TEST

START_TEST(overrides_apply)
{
	put("main.conf", ONE);
	load("services.a.backlog=64");
	expect_good();
	ck_assert_int_eq(config->services[0].backlog, 64);
	load("defaults.timeouts.idle=7s");
	expect_good();
	ck_assert_int_eq(config->services[0].timeouts.idle, 7000);
	load("log.level=debug");
	expect_good();
	ck_assert_int_eq(config->log.level, LOG_DEBUG);
	load("services.a.socket.nodelay=false");
	expect_good();
	ck_assert(!config->services[0].socket.nodelay);
	load("services.a.listen=[ \"*:1\", \"unix:/a=b\" ]");
	expect_good();
	ck_assert_uint_eq(config->services[0].n_listen, 2);
	ck_assert_str_eq(config->services[0].listen[1].host, "/a=b");
	ck_assert_int_eq(config->services[0].listen_origin[0].line, -1);
	load("services.a.listen=*:1");
	expect_good();
	ck_assert_str_eq(config->services[0].listen[0].text, "*:1");
	load("services.a.listen=\"*:2\"");
	expect_good();
	ck_assert_str_eq(config->services[0].listen[0].text, "*:2");
}
END_TEST

START_TEST(overrides_wrong)
{
	put("main.conf", ONE);
	load("backlog");
	expect_error("-o: \"backlog\" is not PATH=VALUE");
	load("services.a.bcklog=1");
	expect_error("-o: services.a.bcklog: unknown key; did you mean services.a.backlog?");
	load("services.a.backlog=many");
	expect_error("-o: services.a.backlog: \"many\" is not a whole number");
	load("services.a.backlog=5000000000");
	expect_error("-o: services.a.backlog: 5000000000 is out of range");
	load("services.a=5");
	expect_error("-o: services.a: is a group of keys");
	load("services.a.listen=[ \"*:1\"");
	expect_error("-o: syntax error");
	load("services.a.listen=[]; user = \"x\"");
	expect_error("-o: services.a.listen: more than one value");
	load("services.a.socket.nodelay=yes");
	expect_error("-o: services.a.socket.nodelay: must be true or false");
	load("services.b.handler=echo");
	expect_error("-o: services.b.listen: missing");
	load("services..handler=echo");
	expect_error("-o: services..handler: a service needs a name");
	load("=");
	expect_error("is not PATH=VALUE");
}
END_TEST

START_TEST(override_makes_service)
{
	const char *overrides[] = {own_user,
				   "services.new.handler=echo",
				   "services.new.listen=*:5",
				   "services.a.backlog=1",
				   "services.a.backlog=2",
				   NULL};

	put("main.conf", ONE);
	load_with(path_of("main.conf"), overrides);
	expect_good();
	ck_assert_uint_eq(config->n_services, 2);
	ck_assert_str_eq(config->services[1].name, "new");
	ck_assert_int_eq(config->services[0].backlog, 2);
}
END_TEST

static const struct {
	const char *a, *b, *options;
	bool meet;
} pairs[] = {
	{"*:80", "127.0.0.1:80", "", true},
	{"*:80", "[::1]:80", "", true},
	{"*:80", "*:80", "", true},
	{"*:80", "*:81", "", false},
	{"*:0", "*:0", "", false},
	{"127.0.0.1:0", "127.0.0.1:0", "", false},
	{"127.0.0.1:80", "127.0.0.2:80", "", false},
	{"127.0.0.1:80", "[::1]:80", "", false},
	{"0.0.0.0:80", "127.0.0.1:80", "", true},
	{"0.0.0.0:80", "[::1]:80", "", false},
	{"[::]:80", "0.0.0.0:80", "", true},
	{"[::]:80", "0.0.0.0:80", "v6only = true;", false},
	{"[::]:80", "[::1]:80", "v6only = true;", true},
	{"[::ffff:127.0.0.1]:80", "127.0.0.1:80", "", true},
	{"udp:127.0.0.1:80", "127.0.0.1:80", "", false},
	{"udp:127.0.0.1:80", "udp:*:80", "", true},
	{"unix:/run/x", "unix:/run/x", "", true},
	{"unix:/run/x", "unix:@run/x", "", false},
	{"systemd:x", "systemd:x", "", true},
	{"systemd:x", "systemd:y", "", false},
	{"systemd:x", "*:80", "", false},
	{"127.0.0.1:80", "localhost:80", "", true},
};

START_TEST(conflicts)
{
	char text[1024];
	int turn;

	for (turn = 0; turn < 2; turn++) {
		(void)snprintf(text, sizeof(text),
			       "services: { a: { handler = \"echo\"; listen = \"%s\"; socket: { %s }; };\n"
			       "b: { handler = \"echo\"; listen = \"%s\"; socket: { %s }; }; };\n",
			       turn == 0 ? pairs[_i].a : pairs[_i].b, pairs[_i].options,
			       turn == 0 ? pairs[_i].b : pairs[_i].a, pairs[_i].options);
		put("main.conf", text);
		load(NULL);
		if (pairs[_i].meet)
			expect_error("main.conf:2: services.b.listen: ");
		else
			expect_good();
		ck_assert(says("is taken already, by services.a") == pairs[_i].meet);
	}
}
END_TEST

/* What is printed loads, warns of nothing new, and prints the same again. */
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
	uid = pw->pw_uid; /* the next look-up writes over it */
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
	/* The global group goes with the global user, not with this one. */
	ck_assert_uint_eq(config->services[0].identity.gid, gid);
	ck_assert_str_eq(config->services[0].identity.user, "nobody");
	ck_assert_str_eq(config->services[0].identity.home, home);
	ck_assert_uint_ge(config->services[0].identity.n_groups, 1);
	ck_assert_uint_eq(config->services[1].identity.gid, getgrnam("tty")->gr_gid);
	ck_assert_uint_eq(config->services[2].identity.gid, getgrnam("daemon")->gr_gid);
}
END_TEST

/* A group that was dropped, because another user was said more closely, is not printed. */
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

/* What is wrong for all services in the same place is said once. */
START_TEST(said_once)
{
	put("main.conf", "defaults: { user = \"no-such-user\"; workers: { min = 9; max = 3; }; };\n"
			 "services: { a: { handler = \"echo\"; listen = \"*:1\"; };\n"
			 "  b: { handler = \"echo\"; listen = \"*:2\"; }; };\n");
	load(NULL);
	expect_error("main.conf:1: defaults.user: there is no user \"no-such-user\"");
	expect_error("main.conf:1: defaults.workers.min: workers.min is 9, more than");
	ck_assert_uint_eq(problems_count(problems), 2);
}
END_TEST

/* As somebody who is not root; a test of its own process may become that. */
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
	expect_error("-o: user: cannot become \"root\": not started as root");
	load_with(path_of("main.conf"), (const char *[]){"group=root", NULL});
	expect_error("-o: group: cannot take the group \"root\"");
	load_with(path_of("main.conf"), (const char *[]){"services.a.user=no-such-user", NULL});
	expect_error("-o: services.a.user: there is no user");
	load_with(path_of("secret.conf"), none);
	expect_error("secret.conf: cannot open it: Permission denied");
}
END_TEST

START_TEST(nearest)
{
	static const char *const words[] = {"echo", "exec", "discard"};

	ck_assert_uint_eq(nearest_distance("abc", "abc"), 0);
	ck_assert_uint_eq(nearest_distance("abc", "acb"), 1);
	ck_assert_uint_eq(nearest_distance("kitten", "sitting"), 3);
	ck_assert_uint_eq(nearest_distance("", "abc"), 3);
	ck_assert_str_eq(nearest_word(words, 3, "eco"), "echo");
	ck_assert_str_eq(nearest_word(words, 3, "dsicard"), "discard");
	ck_assert_ptr_null(nearest_word(words, 3, "teleport"));
	ck_assert_ptr_null(nearest_word(words, 0, "x"));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("config");
	TCase *tc = tcase_create("config");

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_set_timeout(tc, 60); /* a resolver may take its time to say no */
	tcase_add_test(tc, broken_files);
	tcase_add_test(tc, presets);
	tcase_add_test(tc, values);
	tcase_add_test(tc, defaults_apply);
	tcase_add_test(tc, control);
	tcase_add_test(tc, presets_adapt);
	tcase_add_test(tc, conf_d);
	tcase_add_test(tc, all_files_reported);
	tcase_add_test(tc, relative_file);
	tcase_add_test(tc, files_that_are_none);
	tcase_add_test(tc, places);
	tcase_add_test(tc, include_bomb);
	tcase_add_test(tc, overrides_apply);
	tcase_add_test(tc, overrides_wrong);
	tcase_add_test(tc, override_makes_service);
	tcase_add_loop_test(tc, conflicts, 0, sizeof(pairs) / sizeof(pairs[0]));
	tcase_add_test(tc, print_round_trip);
	tcase_add_test(tc, identity_as_root);
	tcase_add_test(tc, identity_printed);
	tcase_add_test(tc, identity_as_user);
	tcase_add_test(tc, said_once);
	tcase_add_test(tc, nearest);
	suite_add_tcase(suite, tc);
	return suite_finish(suite);
}
