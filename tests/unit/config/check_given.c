/* SPDX-License-Identifier: MIT */
/* A configuration that a child reads and the parent uses: it is the same, and nothing in it points elsewhere. */
#include "config/given.h"

#include <fcntl.h>
#include <inttypes.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../config_fakes.h"
#include "base/err.h"
#include "config/config.h"
#include "config/loader.h"
#include "config/values.h"
#include "net/networks.h"
#include "syntax/problems.h"

#include "../suite.h"

static char folder[] = "/tmp/check_given.XXXXXX";
static char file[64], list[64], own_user[128];
static const char *overrides[] = {own_user, "services.e.backlog=77"};
static struct config_source source = {
	.file = file, .overrides = overrides, .n_overrides = 2, .handlers = fake_handlers};
static struct region region;
static struct err err;

/* As many kinds of values as there are. */
static const char text[] =
	"log: { level = \"warning\"; };\n"
	"control: { path = \"/tmp/control\"; group = \"%s\"; };\n"
	"defaults: { access: { deny = [ \"192.0.2.0/24\", \"2001:db8::/32\", \"unix:uid=7\" ]; banner = \"no\"; }; };\n"
	"services: {\n"
	"	e: { handler = \"exec\"; command = [ \"/bin/sh\", \"-c\", \"true\" ];\n"
	"	     listen = [ \"localhost:20131\", \"unix:/tmp/e\", \"[::1]:20131\" ]; };\n"
	"	p: { handler = \"proxy\"; listen = \"*:20132\"; upstream = [ \"192.0.2.1:80\", \"name.invalid:80\" ];\n"
	"	     access: { allow_file = \"%s\"; per_source_rate = \"5/1s\"; exempt = [ \"10.0.0.1\" ]; };\n"
	"	     proxy_protocol: { from = [ \"10.0.0.0/8\" ]; }; socket: { device = \"lo\"; owner = \"%s\"; }; };\n"
	"	m: { handler = \"module\"; path = \"/a/module\"; listen = \"udp:127.0.0.1:20133\";\n"
	"	     options: { number = 5; texts = [ \"x\", \"y\" ]; }; };\n"
	"};\n";

/* ---- a module ---- */

struct module_options {
	int64_t number;
	struct preforkd_list texts;
	const char *preset;
};

static uint64_t tried_mark;
static unsigned n_begun, n_closed;
static bool refuses;

/* With texts that are this process's own, as those of a module are. */
static struct loaded_module *open_fake(const char *path, uint64_t tried, struct err *why)
{
	struct loaded_module *module = calloc(1, sizeof(*module));
	struct preforkd_option *options = calloc(4, sizeof(*options));

	ck_assert(module != NULL && options != NULL);
	ck_assert_str_eq(path, "/a/module");
	tried_mark = tried;
	if (refuses) {
		free(options);
		free(module);
		(void)err_set(why, "%s: it changed", path);
		return NULL;
	}
	options[0] = (struct preforkd_option){.name = strdup("number"),
					      .type = PREFORKD_INTEGER,
					      .offset = offsetof(struct module_options, number),
					      .help = strdup("a number"),
					      .max = 9};
	options[1] = (struct preforkd_option){
		.name = strdup("texts"), .type = PREFORKD_LIST, .offset = offsetof(struct module_options, texts)};
	options[2] = (struct preforkd_option){.name = strdup("preset"),
					      .type = PREFORKD_STRING,
					      .offset = offsetof(struct module_options, preset),
					      .preset = strdup("of the module"),
					      .zero = strdup("none")};
	module->mark = 0x1234;
	module->table = (struct preforkd_module){.abi = PREFORKD_MODULE_ABI,
						 .size = sizeof(struct preforkd_module),
						 .name = "fake",
						 .flags = PREFORKD_DATAGRAM,
						 .options = options,
						 .options_size = sizeof(struct module_options)};
	return module;
}

static int begin_fake(struct loaded_module *module, const struct config_service *service, bool rehearse,
		      struct err *why)
{
	(void)why;
	ck_assert_ptr_eq(service->module, module);
	n_begun += !rehearse;
	return 0;
}

static void close_fake(struct loaded_module **module)
{
	if (*module == NULL)
		return;
	n_closed++;
	for (const struct preforkd_option *o = (*module)->table.options; o->name != NULL; o++) {
		free((void *)(uintptr_t)o->name);
		free((void *)(uintptr_t)o->help);
		free((void *)(uintptr_t)o->preset);
		free((void *)(uintptr_t)o->zero);
	}
	free((void *)(uintptr_t)(*module)->table.options);
	free(*module);
	*module = NULL;
}

static const struct module_loader fake_loader = {open_fake, begin_fake, close_fake};

/* ---- set-up ---- */

static void put(const char *name, const char *content)
{
	FILE *out = fopen(name, "w");

	ck_assert_ptr_nonnull(out);
	ck_assert_int_ge(fputs(content, out), 0);
	ck_assert_int_eq(fclose(out), 0);
	ck_assert_int_eq(chmod(name, 0644), 0);
}

static void set_up(void)
{
	const struct passwd *pw = getpwuid(geteuid());
	const char *name = pw != NULL ? pw->pw_name : "root";
	char content[4096];

	ck_assert_ptr_nonnull(mkdtemp(folder));
	(void)snprintf(file, sizeof(file), "%s/main.conf", folder);
	(void)snprintf(list, sizeof(list), "%s/list", folder);
	(void)snprintf(own_user, sizeof(own_user), "user=%s", name);
	(void)snprintf(content, sizeof(content), text, "root", list, name);
	put(file, content);
	put(list, "198.51.100.0/24 # one\n203.0.113.7\n");
	source.loader = &fake_loader;
	source.modules = MODULES_REHEARSE;
}

static void tear_down(void)
{
	(void)unlink(file);
	(void)unlink(list);
	(void)rmdir(folder);
}

/* The ranges of addresses where a child keeps what only it has: heap, stack, and other memory that belongs to no file.
 */
static size_t find_own_ranges(uintptr_t (*ranges)[2], size_t most)
{
	FILE *maps = fopen("/proc/self/maps", "r");
	char line[512], mode[8];
	size_t n = 0;

	while (maps != NULL && n < most && fgets(line, sizeof(line), maps) != NULL) {
		unsigned long inode;

		if (sscanf(line, "%" SCNxPTR "-%" SCNxPTR " %7s %*s %*s %lu", &ranges[n][0], &ranges[n][1], mode,
			   &inode) == 4 &&
		    inode == 0 && mode[1] == 'w')
			n++;
	}
	if (maps != NULL)
		(void)fclose(maps);
	return n;
}

/* Exits with 0 if no word of the region points into memory that only this process has. */
static void scan_region(void)
{
	static uintptr_t ranges[512][2];
	size_t n = find_own_ranges(ranges, 512), found = 0;
	const struct given *given = region.at;
	const uintptr_t *word = region.at, *last = word + given->config->store->region.size / sizeof(*word);

	for (; word < last; word++)
		for (size_t i = 0; i < n; i++)
			if (*word >= ranges[i][0] && *word < ranges[i][1] && found++ < 20)
				(void)fprintf(stderr, "at %zu: %" PRIxPTR " points into %" PRIxPTR "-%" PRIxPTR "\n",
					      (size_t)((const char *)word - (const char *)region.at), *word,
					      ranges[i][0], ranges[i][1]);
	_exit(n == 0 || n == 512 ? 3 : found == 0 ? 0 : 2);
}

/* Returns the exit status of the child; -1: a signal has ended it. */
static int fill(bool scan)
{
	pid_t pid;
	int status;

	ck_assert_msg(region_reserve(&region, &err) == 0, "%s", err.text);
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		if (given_fill(&source, &region, &err) < 0)
			_exit(1);
		if (scan)
			scan_region();
		_exit(0);
	}
	region_hide(&region);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static struct config *take(void)
{
	const struct given *given;

	ck_assert_int_eq(fill(false), 0);
	given = given_take(&region, &err);
	ck_assert_msg(given != NULL, "%s", err.text);
	for (size_t i = 0; i < problems_count(given->problems); i++)
		(void)fprintf(stderr, "  %s\n", problems_get(given->problems, i)->text);
	ck_assert_ptr_nonnull(given->config);
	return given->config;
}

/* ---- the tests ---- */

START_TEST(nothing_points_out_of_it)
{
#ifdef __SANITIZE_ADDRESS__
	return; /* its own memory lies everywhere, so that numbers and texts look like addresses in it */
#endif
	ck_assert_int_eq(fill(true), 0);
	region_free(&region);
}
END_TEST

START_TEST(the_same_as_read_here)
{
	struct config *given = take(), *here;
	struct problems *problems;
	char *a, *b;

	ck_assert_int_eq(given_load_modules(given, &err), 0);
	here = config_load(&source, &problems);
	ck_assert_ptr_nonnull(here);
	a = config_printed(given);
	b = config_printed(here);
	ck_assert_str_eq(a, b);
	ck_assert_ptr_nonnull(strstr(a, "backlog = 77;"));
	free(a);
	free(b);
	problems_free(&problems);
	config_free(&here);
	config_free(&given);
}
END_TEST

START_TEST(sets_of_networks)
{
	struct config *config = take();
	struct sockaddr_any peer = {.len = sizeof(peer.in), .in = {.sin_family = AF_INET}};

	peer.in.sin_addr.s_addr = htonl(0xcb007107); /* 203.0.113.7 */
	ck_assert_int_eq(networks_find(config->services[1].access.rules, &peer, NULL), 1);
	peer.in.sin_addr.s_addr = htonl(0xc0000201);
	ck_assert_str_eq(
		config->services[0].access.rule[networks_find(config->services[0].access.rules, &peer, NULL)].text,
		"192.0.2.0/24");
	config_free(&config);
}
END_TEST

/* The parent must not ask a name server. */
START_TEST(names_are_resolved)
{
	struct config *config = take();
	const struct config_service *service = &config->services[0];

	ck_assert_uint_ge(service->resolved[0].n, 1);
	ck_assert_uint_eq(addr_port(&service->resolved[0].list[0]), 20131);
	ck_assert_uint_eq(service->resolved[1].n, 0);
	ck_assert_uint_eq(service->resolved[2].n, 0);
	config_free(&config);
}
END_TEST

START_TEST(modules_are_loaded_here)
{
	struct config *config = take();
	const struct config_service *service = &config->services[2];
	const struct module_options *options = service->options;

	ck_assert_ptr_null(service->module);
	ck_assert_str_eq(service->handler->name, "module");
	ck_assert_msg(given_load_modules(config, &err) == 0, "%s", err.text);
	ck_assert_uint_eq(tried_mark, 0x1234);
	ck_assert_uint_eq(n_begun, 1);
	ck_assert_ptr_eq(service->handler, &service->module->table);
	ck_assert_int_eq(options->number, 5);
	ck_assert_uint_eq(options->texts.n, 2);
	ck_assert_str_eq(options->texts.items[1], "y");
	ck_assert_str_eq(options->preset, "of the module");
	config_free(&config);
	ck_assert_uint_eq(n_closed, 1);
}
END_TEST

START_TEST(a_module_that_has_changed)
{
	struct config *config = take();

	refuses = true;
	ck_assert_int_eq(given_load_modules(config, &err), -1);
	ck_assert_ptr_nonnull(strstr(err.text, "main.conf:10: services.m.path: module /a/module: it changed"));
	config_free(&config);
}
END_TEST

START_TEST(errors_and_no_configuration)
{
	const struct given *given;

	put(file, "nonsense = 1;\nservices: { e: { handler = \"ech\"; listen = \"127.0.0.1:7\"; }; };\n");
	ck_assert_int_eq(fill(false), 0);
	given = given_take(&region, &err);
	ck_assert_msg(given != NULL, "%s", err.text);
	ck_assert_ptr_null(given->config);
	ck_assert_uint_ge(problems_count(given->problems), 2);
	ck_assert_ptr_nonnull(strstr(problems_get(given->problems, 0)->text, "main.conf:1: nonsense: unknown key"));
	region_free(&region);
}
END_TEST

/* The child was killed before it had given anything. */
START_TEST(half_a_configuration)
{
	ck_assert_int_eq(region_reserve(&region, &err), 0);
	ck_assert_ptr_null(given_take(&region, &err));
	ck_assert_ptr_nonnull(strstr(err.text, "makes no sense"));
	ck_assert_ptr_null(region.at);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("given");
	TCase *tcase = tcase_create("given");

	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_set_timeout(tcase, SUITE_SECONDS);
	tcase_add_test(tcase, nothing_points_out_of_it);
	tcase_add_test(tcase, the_same_as_read_here);
	tcase_add_test(tcase, sets_of_networks);
	tcase_add_test(tcase, names_are_resolved);
	tcase_add_test(tcase, modules_are_loaded_here);
	tcase_add_test(tcase, a_module_that_has_changed);
	tcase_add_test(tcase, errors_and_no_configuration);
	tcase_add_test(tcase, half_a_configuration);
	suite_add_tcase(suite, tcase);
	return suite_finish(suite);
}
