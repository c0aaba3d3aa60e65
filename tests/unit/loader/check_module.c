/* SPDX-License-Identifier: MIT */
/* Modules that are loaded and unloaded in one process. The rest is in tests/system/test_module_*.py. */
#include "loader/module.h"

#include <check.h>
#include <preforkd/module.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"

#include "../suite.h"

static char folder[] = "/tmp/check_module.XXXXXX";
static char hello[64], jello[64];

/* Writes the module hello to PATH, with NAME in place of its name. */
static void put(const char *path, const char *name)
{
	const char *top = getenv("TOP_BUILDDIR");
	static char bytes[1 << 20];
	char built[4096];
	size_t n;
	FILE *f;

	(void)snprintf(built, sizeof(built), "%s/modules/hello.so", top != NULL ? top : ".");
	f = fopen(built, "r");
	ck_assert_msg(f != NULL, "%s", built);
	n = fread(bytes, 1, sizeof(bytes), f);
	(void)fclose(f);
	ck_assert(n > 0 && n < sizeof(bytes));
	for (size_t i = 0; i + 6 <= n; i++)
		if (memcmp(bytes + i, "hello", 6) == 0)
			memcpy(bytes + i, name, 6);
	f = fopen(path, "w");
	ck_assert_ptr_nonnull(f);
	ck_assert_uint_eq(fwrite(bytes, 1, n, f), n);
	ck_assert_int_eq(fclose(f), 0);
	ck_assert_int_eq(chmod(path, 0755), 0);
}

static void setup(void)
{
	ck_assert_ptr_nonnull(mkdtemp(folder));
	ck_assert_int_eq(chmod(folder, 0755), 0);
	(void)snprintf(hello, sizeof(hello), "%s/hello.so", folder);
	(void)snprintf(jello, sizeof(jello), "%s/jello.so", folder);
	put(hello, "hello");
	put(jello, "jello");
}

static void tear_down(void)
{
	(void)unlink(hello);
	(void)unlink(jello);
	(void)rmdir(folder);
}

static struct loaded_module *load(const char *path)
{
	struct err err = {.text = ""};
	struct loaded_module *module = module_loader.open(path, 0, &err);

	ck_assert_msg(module != NULL, "%s", err.text);
	return module;
}

/* After a close, the next descriptor gets the same number: it must not be taken for the old module. */
START_TEST(another_file_behind_the_same_descriptor)
{
	struct loaded_module *a = load(hello), *b;
	int fd = a->fd;

	ck_assert_str_eq(a->table.name, "hello");
	ck_assert_int_eq(close(fd), 0);
	b = load(jello);
	ck_assert_int_eq(b->fd, fd);
	ck_assert_str_eq(b->table.name, "jello");
	ck_assert_str_eq(a->table.name, "hello");
	ck_assert_uint_ne(a->mark, b->mark);
	a->fd = -1;
	module_loader.close(&a);
	ck_assert_ptr_null(a);
	module_loader.close(&b);
	module_loader.close(&b);
}
END_TEST

START_TEST(the_same_file_twice)
{
	struct loaded_module *a = load(hello), *b = load(hello);

	ck_assert_ptr_ne(a->table.serve, b->table.serve); /* each with its own static variables */
	ck_assert_uint_eq(a->mark, b->mark);
	module_loader.close(&a);
	module_loader.close(&b);
}
END_TEST

START_TEST(again_and_again)
{
	int first = -1;

	for (int i = 0; i < 100; i++) {
		struct loaded_module *module = load(i % 2 == 0 ? hello : jello);

		ck_assert_str_eq(module->table.name, i % 2 == 0 ? "hello" : "jello");
		if (first < 0)
			first = module->fd;
		ck_assert_int_eq(module->fd, first); /* nothing is left open */
		module_loader.close(&module);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("module");
	TCase *tc = tcase_create("module");

	tcase_add_checked_fixture(tc, setup, tear_down);
	tcase_set_timeout(tc, SUITE_SECONDS);
	tcase_add_test(tc, another_file_behind_the_same_descriptor);
	tcase_add_test(tc, the_same_file_twice);
	tcase_add_test(tc, again_and_again);
	suite_add_tcase(suite, tc);
	return suite_finish(suite);
}
