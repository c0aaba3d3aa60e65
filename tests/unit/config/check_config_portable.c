/* SPDX-License-Identifier: MIT */
/* Checks for another host: nothing is looked up on this host; all other checks are made. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include "../config_fakes.h"
#include "config/config.h"
#include "config/load.h"

#include "../suite.h"

static char file[] = "/tmp/check_config_portable.XXXXXX";

/* No name in it exists on this host, or on any other. */
static const char elsewhere[] =
	"user = \"no-such-user\"; group = \"no-such-group\";\n"
	"control: { group = \"no-such-group\"; };\n"
	"services: {\n"
	"  a: { handler = \"exec\"; user = \"nobody-knows\"; command = [ \"/no/such/program\" ];\n"
	"    listen = [ \"no-such-host.invalid:80\", \"[fe80::1%none0]:80\", \"127.0.0.1:80\" ];\n"
	"    socket: { device = \"none0\"; }; };\n"
	"  b: { handler = \"echo\"; listen = \"unix:@b\"; };\n"
	"  c: { handler = \"echo\"; listen = \"unix:/no/such/folder/c\";\n"
	"    socket: { owner = \"no-such-user\"; group = \"no-such-group\"; }; };\n"
	"};\n";

static const struct {
	const char *override, *text; /* NULL: there is no message */
	int level;
} table[] = {
	{"log.level=info", NULL, 0},
	/* syntax, ranges, combinations of values */
	{"services.a.backlog=many", "services.a.backlog", LOG_ERR},
	{"services.a.baklog=1", "backlog", LOG_ERR},
	{"services.a.workers.max=0", "services.a.workers.max", LOG_ERR},
	{"services.b.workers.max=1", NULL, 0},
	{"services.a.workers.max=2", "there are 3 addresses", LOG_ERR},
	{"services.b.handler=none", "there is no handler", LOG_ERR},
	{"services.a.command=no/path", "must be a full path", LOG_ERR},
	{"services.a.command=[]", "needs the program to run", LOG_ERR},
	{"control.path=relative", "must be a full path", LOG_ERR},
	/* addresses */
	{"services.b.listen=name", "no port", LOG_ERR},
	{"services.b.listen=NO-such-host.invalid:80", "is taken already, by services.a", LOG_ERR},
	{"services.b.listen=no-such-host.invalid:81", NULL, 0},
	{"services.b.listen=other.invalid:80", NULL, 0},
	{"services.b.listen=[\"[fe80::1%none0]:80\"]", "is taken already", LOG_ERR},
	{"services.b.listen=[\"[fe80::1%none1]:80\"]", NULL, 0},
	{"services.b.listen=*:80", "is taken already", LOG_ERR},
	{"services.b.listen=0.0.0.0:80", "is taken already, by services.a with \"127", LOG_ERR},
	{"services.b.listen=127.0.0.1:80", "is taken already, by services.a with \"127", LOG_ERR},
	/* the user that will start the daemon is not known */
	{"user=", "services.b.user: missing", LOG_WARNING},
	{"user=root", NULL, 0},
};

static struct config *load(const char *override, bool portable, struct problems **problems)
{
	const struct config_source source = {
		.file = file,
		.overrides = &override,
		.n_overrides = 1,
		.handlers = fake_handlers,
		.portable = portable,
	};

	return config_load(&source, problems);
}

static void set_up(void)
{
	int fd = mkstemp(file);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, elsewhere, strlen(elsewhere)), (ssize_t)strlen(elsewhere));
	ck_assert_int_eq(close(fd), 0);
}

static void tear_down(void)
{
	(void)unlink(file);
}

static void print_problems(const struct problems *problems)
{
	for (size_t i = 0; i < problems_count(problems); i++)
		(void)fprintf(stderr, "  %s\n", problems_get(problems, i)->text);
}

START_TEST(portable)
{
	struct problems *problems;
	struct config *config = load(table[_i].override, true, &problems);
	const struct problem *first = problems_get(problems, 0);

	print_problems(problems);
	ck_assert_msg((config == NULL) == (table[_i].level == LOG_ERR), "%s", table[_i].override);
	ck_assert_uint_eq(problems_count(problems), table[_i].text != NULL);
	if (table[_i].text != NULL) {
		ck_assert_ptr_nonnull(strstr(first->text, table[_i].text));
		ck_assert_int_eq(first->level, table[_i].level);
	}
	problems_free(&problems);
	config_free(&config);
}
END_TEST

/* For this host, the same file is full of mistakes. */
START_TEST(not_portable)
{
	struct problems *problems;
	struct config *config = load("log.level=info", false, &problems);

	ck_assert_ptr_null(config);
	ck_assert_uint_ge(problems_count(problems), 6);
	problems_free(&problems);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("config_portable");
	TCase *tc = tcase_create("config_portable");

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_set_timeout(tc, 60); /* a resolver may take long to answer */
	tcase_add_loop_test(tc, portable, 0, sizeof(table) / sizeof(table[0]));
	tcase_add_test(tc, not_portable);
	suite_add_tcase(suite, tc);
	return suite_finish(suite);
}
