/* SPDX-License-Identifier: MIT */
/* Compares configurations with the limits of made-up hosts. */
#include "config/host_compare.h"

#include <check.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <syslog.h>
#include <unistd.h>

#include "../config_fakes.h"
#include "base/limits.h"
#include "config/config.h"
#include "config/load.h"

#include "../suite.h"

static char file[] = "/tmp/check_host.XXXXXX";
static char own_user[128]; /* needed as root, without effect for other users */

/* At most 1 + 10 + 2 * 20 + 5 = 56 processes; 5 addresses. */
static const char text[] = "defaults: { command = \"/bin/sh\"; }; services: {\n"
			   "  few: { handler = \"echo\"; listen = \"unix:@f\"; workers: { max = 10; }; };\n"
			   "  most: { handler = \"exec\";\n"
			   "    listen = [ \"unix:@m\", \"unix:@n\", \"unix:@o\" ];\n"
			   "    workers: { max = 20; }; timeouts: { drain = \"45s\"; }; };\n"
			   "  less: { handler = \"daytime\"; listen = \"127.0.0.1:13\"; workers: { max = 5; }; };\n"
			   "};\n";

enum who { AS_IT_IS, ORDINARY, ROOT_FOR_OTHERS, ROOT_FOR_ROOT };

static const struct {
	const char *override;
	struct limits limits; /* 0: not known */
	enum who who;
	const char *expected[6]; /* parts of the only warning; none: there is no warning */
} table[] = {
	/* limits that are not known, or just high enough */
	{"log.level=info", {.somaxconn = 0}, AS_IT_IS, {NULL}},
	{"log.level=info", {.somaxconn = 4096}, AS_IT_IS, {NULL}},
	{"log.level=info", {.tasks = 56, .tasks_set = "x"}, AS_IT_IS, {NULL}},
	{"log.level=info", {.files = 66}, AS_IT_IS, {NULL}},
	{"log.level=info", {.stop_ms = 45001}, AS_IT_IS, {NULL}},

	/* queues */
	{"log.level=info",
	 {.somaxconn = 128},
	 AS_IT_IS,
	 {":2: services.few.backlog: ", "services.few asks", "4096 (the default)", "gives 128", "net.core.somaxconn"}},
	{"defaults.backlog=300",
	 {.somaxconn = 128},
	 AS_IT_IS,
	 {"-o: defaults.backlog: ", "services.few asks", "of 300,", "gives 128"}},
	{"services.less.backlog=5000",
	 {.somaxconn = 4096},
	 AS_IT_IS,
	 {"-o: services.less.backlog: ", "of 5000,", "gives 4096"}},

	/* descriptors */
	{"log.level=info",
	 {.files = 65, .unit = "x.service"},
	 AS_IT_IS,
	 {":4: services.most.listen: ", "5 addresses of 3 services", "need 66", " is 65",
	  "LimitNOFILE= of x.service, or ulimit -n"}},

	/* processes, of a group and of the kernel */
	{"log.level=info",
	 {.tasks = 55, .tasks_set = "TasksMax= of x.service"},
	 AS_IT_IS,
	 {":5: services.most.workers.max: ", "become 56", "40 of them of services.most, with", " is 55;",
	  "raise TasksMax= of x.service, or lower workers.max"}},
	{"services.few.workers.max=41",
	 {.tasks = 55, .tasks_set = "x"},
	 AS_IT_IS,
	 {"-o: services.few.workers.max: ", "become 87", "41 of them of services.few; "}},

	/* one process more for each address, which runs no program */
	{"services.most.workers.on_full=refuse",
	 {.tasks = 58, .tasks_set = "x"},
	 AS_IT_IS,
	 {"services.most.workers.max: ", "become 59", "43 of them of services.most, with"}},
	{"services.most.workers.on_full=evict", {.tasks = 56, .tasks_set = "x"}, AS_IT_IS, {NULL}},

	/* processes of a user: 56 with the master, 55 without; no limit for root */
	{"log.level=info", {.processes = 56}, ORDINARY, {NULL}},
	{"log.level=info",
	 {.processes = 55},
	 ORDINARY,
	 {"services.most.workers.max: ", "user somebody may become 56", " is 55;",
	  "LimitNPROC= of the unit, or ulimit -u"}},
	{"log.level=info", {.processes = 55}, ROOT_FOR_OTHERS, {NULL}},
	{"log.level=info", {.processes = 54}, ROOT_FOR_OTHERS, {"may become 55", " is 54;"}},
	{"services.most.handler=echo", {.processes = 1}, ROOT_FOR_OTHERS, {NULL}},
	{"log.level=info", {.processes = 1}, ROOT_FOR_ROOT, {NULL}},

	/* the time limit of a stop */
	{"log.level=info",
	 {.stop_ms = 45000, .unit = "x.service"},
	 AS_IT_IS,
	 {":5: services.most.timeouts.drain: ", "have 45s", "after 45s;", "TimeoutStopSec= of x.service"}},
	{"services.less.timeouts.drain=unlimited",
	 {.stop_ms = 90000},
	 AS_IT_IS,
	 {"services.less.timeouts.drain: ", "have no time limit", "after 90s;"}},
};

static struct config *load(const char *override)
{
	const char *overrides[] = {own_user, override, NULL};
	const struct config_source source = {
		.file = file,
		.overrides = overrides,
		.n_overrides = own_user[0] != '\0' ? 2 : 1,
		.handlers = fake_handlers,
	};
	struct problems *problems;
	struct config *config = config_load(&source, &problems);

	for (size_t i = 0; i < problems_count(problems); i++)
		(void)fprintf(stderr, "%s\n", problems_get(problems, i)->text);
	problems_free(&problems);
	ck_assert_ptr_nonnull(config);
	return config;
}

static void set_up(void)
{
	const struct passwd *pw = getpwuid(geteuid());
	int fd = mkstemp(file);

	(void)snprintf(own_user, sizeof(own_user), "user=%s", pw != NULL ? pw->pw_name : "");
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	ck_assert_int_eq(close(fd), 0);
}

static void tear_down(void)
{
	(void)unlink(file);
}

static void become(struct config *config, enum who who)
{
	static char somebody[] = "somebody";

	for (size_t i = 0; who != AS_IT_IS && i < config->n_services; i++) {
		config->services[i].identity.user = somebody;
		config->services[i].identity.uid = who == ROOT_FOR_ROOT ? 0 : 4711;
		config->services[i].identity.set = who != ORDINARY;
	}
}

static void unknown_if_0(int64_t *limit)
{
	if (*limit == 0)
		*limit = -1;
}

START_TEST(compared)
{
	struct config *config = load(table[_i].override);
	struct limits limits = table[_i].limits;
	struct problems *problems = NULL;
	const struct problem *only;

	unknown_if_0(&limits.somaxconn);
	unknown_if_0(&limits.files);
	unknown_if_0(&limits.processes);
	unknown_if_0(&limits.tasks);
	unknown_if_0(&limits.stop_ms);
	become(config, table[_i].who);
	host_compare(config, &limits, &problems);
	for (size_t i = 0; i < problems_count(problems); i++)
		(void)fprintf(stderr, "  %s\n", problems_get(problems, i)->text);
	ck_assert_uint_eq(problems_count(problems), table[_i].expected[0] != NULL);
	only = problems_get(problems, 0);
	for (size_t i = 0; i < 6 && table[_i].expected[i] != NULL; i++)
		ck_assert_msg(strstr(only->text, table[_i].expected[i]) != NULL, "no \"%s\" in: %s",
			      table[_i].expected[i], only->text);
	ck_assert(only == NULL || only->level == LOG_WARNING);
	problems_free(&problems);
	config_free(&config);
}
END_TEST

/* Each service that has the key itself gets its own warning, in the order of the file. */
START_TEST(all_at_once)
{
	struct config *config = load("services.few.backlog=5000");
	struct limits limits = {
		.somaxconn = 1,
		.files = 1,
		.processes = 1,
		.tasks = 1,
		.stop_ms = 1,
	};
	struct problems *problems = NULL;

	become(config, ORDINARY);
	host_compare(config, &limits, &problems);
	ck_assert_uint_eq(problems_count(problems), 6);
	ck_assert_ptr_nonnull(strstr(problems_get(problems, 5)->text, "-o: services.few.backlog"));
	problems_free(&problems);
	config_free(&config);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("host");
	TCase *tc = tcase_create("host");

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_set_timeout(tc, SUITE_SECONDS);
	tcase_add_loop_test(tc, compared, 0, sizeof(table) / sizeof(table[0]));
	tcase_add_test(tc, all_at_once);
	suite_add_tcase(suite, tc);
	return suite_finish(suite);
}
