/* SPDX-License-Identifier: MIT */
/* Keys of other programs are answered with ours. */
#include "config/foreign_words.h"

#include <stdbool.h>
#include <string.h>

#include "config/rows.h"

#include "config_case.h"

static bool is_ours(const struct row *rows, size_t n, const char *key)
{
	size_t i, len = strlen(key);

	for (i = 0; i < n; i++) {
		if (strncmp(rows[i].path, key, len) == 0 && (rows[i].path[len] == '\0' || rows[i].path[len] == '.'))
			return true;
	}
	return false;
}

/* A key is of the program or of a service; a group counts as well. */
static bool is_key(const char *key)
{
	return is_ours(rows_main, rows_main_count, key) || is_ours(rows_service, rows_service_count, key);
}

START_TEST(ours_exist)
{
	const struct foreign_word *word;
	size_t i;

	for (i = 0; i < foreign_words_count; i++) {
		word = &foreign_words[i];
		ck_assert_msg(!is_key(word->word), "%s is a key of ours", word->word);
		ck_assert_msg(word->ours == NULL || is_key(word->ours), "%s: no key %s", word->word, word->ours);
	}
}
END_TEST

/* Each row of the table is in the answer to its word. */
START_TEST(words_are_answered)
{
	const struct foreign_word *word;
	char key[160], answer[160];
	size_t i, len;

	put("main.conf", ONE);
	for (i = 0; i < foreign_words_count; i++) {
		word = &foreign_words[i];
		len = strcspn(word->word, "*");
		(void)snprintf(key, sizeof(key), "services.a.%.*s%s=1", (int)len, word->word,
			       word->word[len] == '*' ? "X" : "");
		load(key);
		(void)snprintf(answer, sizeof(answer), "a word of %s; %s %s", word->whose,
			       word->ours != NULL ? "here it is" : "it has no counterpart",
			       word->ours != NULL ? word->ours : "here");
		expect_error(answer);
	}
}
END_TEST

START_TEST(answers)
{
	put("main.conf", "services: { a: { handler = \"echo\"; listen = \"*:1\";\n"
			 "only_from = \"10.0.0.0/8\";\n"
			 "workers: { Instances = 3; };\n"
			 "server = \"/bin/cat\";\n"
			 "per_source = 3;\n"
			 "mode = \"tcp\";\n"
			 "LISTEN = 3;\n"
			 "rlimit_as = 3;\n"
			 "min-spare_SERVERS = 3;\n"
			 "}; };\n"
			 "tune: { bufsize = 3; };\n");
	load(NULL);
	expect_error("main.conf:2: services.a.only_from: a word of xinetd; here it is access.allow");
	expect_error("main.conf:3: services.a.workers.Instances: a word of xinetd; here it is workers.max");
	expect_error("main.conf:4: services.a.server: a word of xinetd; here it is command (the program and its "
		     "arguments are one list), or a word of HAProxy; here it is upstream");
	expect_error("main.conf:5: services.a.per_source: unknown key; did you mean services.a.access.per_source?");
	expect_error("main.conf:6: services.a.mode: unknown key; did you mean services.a.socket.mode? Or a word of "
		     "HAProxy; it has no counterpart here");
	expect_error("main.conf:7: services.a.LISTEN: unknown key; did you mean services.a.listen?");
	expect_error("main.conf:8: services.a.rlimit_as: a word of xinetd; here it is limits.as");
	expect_error("main.conf:9: services.a.min-spare_SERVERS: a word of Apache and PHP-FPM; here it is "
		     "workers.min_spare");
	expect_error("main.conf:11: tune: a word of HAProxy; it has no counterpart here");
	ck_assert_uint_eq(problems_count(problems), 9);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("foreign_words");
	TCase *tc = tcase_create("foreign_words");

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, ours_exist);
	tcase_add_test(tc, words_are_answered);
	tcase_add_test(tc, answers);
	suite_add_tcase(suite, tc);
	return suite_finish(suite);
}
