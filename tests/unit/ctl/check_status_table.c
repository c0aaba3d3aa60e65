/* SPDX-License-Identifier: MIT */
/* The tables of preforkctl: what they say of a reply, and how they fit a narrow terminal. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../../ctl/status_table.h"
#include "../../../ctl/values.h"
#include "../../../ctl/workers_table.h"

#include "../suite.h"

static struct status_view view;
static int lines_above;
static char text[16384];

static void setup(void)
{
	view = (struct status_view){.sort = STATUS_AS_SENT};
	memset(text, 0, sizeof(text));
}

/* The table of a status in JSON, where ' stands for ". */
static const char *table_of(const char *json)
{
	char *quoted = strdup(json);
	json_error_t error;
	json_t *status;
	FILE *out;

	ck_assert_ptr_nonnull(quoted);
	for (char *p = quoted; *p != '\0'; p++)
		if (*p == '\'')
			*p = '"';
	status = json_loads(quoted, JSON_REJECT_DUPLICATES, &error);
	ck_assert_msg(status != NULL, "%s: %s", error.text, quoted);
	out = fmemopen(text, sizeof(text), "w");
	ck_assert_ptr_nonnull(out);
	lines_above = status_table_write(status, &view, out);
	ck_assert_int_ge(lines_above, 2);
	ck_assert_int_eq(fclose(out), 0);
	json_decref(status);
	free(quoted);
	return text;
}

#define HEAD                                                                                                           \
	"{'version':'0.1.0','pid':4194303,'state':'serving','generation':1000001,'uptime':59.9,"                       \
	"'last_reload':null,'log_lost':0,'services':["
#define WORKERS(idle, busy, starting, retiring)                                                                        \
	"'workers':{'idle':" #idle ",'busy':" #busy ",'starting':" #starting ",'retiring':" #retiring                  \
	",'min':1,'max':10}"
#define LISTENER(address, queue, backlog, asked, drops)                                                                \
	"{'address':'" address "','queue':" #queue ",'backlog':" #backlog ",'backlog_asked':" #asked                   \
	",'drops':" #drops "}"
#define SERVICE(name, workers, listeners, refused)                                                                     \
	"{'name':'" name "','handler':'exec','state':'serving'," workers ",'listeners':[" listeners                    \
	"],'connections':{'accepted':1234567,'active':1,'failed':2,'refused':" refused                                 \
	"},'requests':1,'bytes':{'in':1,'out':2},'crashes':0,'rate':1.5}"

#define HEAD_LINE "preforkd 0.1.0 is serving, pid 4194303, up 59 s, generation 1000001\n"
#define TITLES	  "SERVICE  HANDLER  STATE    IDLE  BUSY  MAX  QUEUE   RATE  ACCEPTED  REFUSED  FAILED  DROPS  CRASH\n"

START_TEST(a_quiet_service)
{
	ck_assert_str_eq(
		table_of(HEAD SERVICE("git", WORKERS(2, 1, 0, 0), LISTENER("*:9418", 0, 128, 128, 0), "{}") "]}"),
		HEAD_LINE TITLES
		"git      exec     serving     2     1   10  0/128  1.5/s     1.23M        0       2      0      0\n");
}
END_TEST

START_TEST(trouble_has_lines_of_its_own)
{
	ck_assert_str_eq(
		table_of("{'version':'0.1.0','pid':1,'state':'draining','generation':2,'uptime':90061,"
			 "'last_reload':{'success':false,'text':'no such user','age':75},'log_lost':1,"
			 "'services':[" SERVICE("git", WORKERS(0, 3, 2, 1), LISTENER("*:1", 7, 128, 4096, 4),
						"{'draining':2,'denied':0,'full':5}") "]}"),
		"preforkd 0.1.0 is draining, pid 1, up 1 d 1 h, generation 2\n"
		"The last reload failed, 1 min 15 s ago: no such user\n"
		"1 line of the log is lost\n" TITLES
		"git      exec     serving     0     3   10  7/128  1.5/s     1.23M        7       2      4      0\n"
		"    workers: 2 starting, 1 retiring\n"
		"    refused: 2 draining, 5 full\n"
		"    *:1  queue 7/128 (4096 asked for), 4 dropped\n");
	ck_assert_int_eq(lines_above, 4);
}
END_TEST

START_TEST(sources_that_are_told)
{
	static const char with[] = "{'services':[{'name':'git','connections':{'refused':{'rate':3,'full':0}},"
				   "'sources':{'untracked':12,'penalized':%d}}]}";
	char json[256];

	(void)snprintf(json, sizeof(json), with, 2);
	(void)table_of(json);
	ck_assert_ptr_nonnull(strstr(text, "\n    refused: 3 rate\n    sources: 2 penalized, 12 untracked\n"));
	(void)snprintf(json, sizeof(json), with, 0);
	(void)table_of(json);
	ck_assert_ptr_nonnull(strstr(text, "\n    sources: 12 untracked\n"));
	(void)table_of("{'services':[{'name':'git','sources':{'untracked':0,'penalized':0}}]}");
	ck_assert_ptr_null(strstr(text, "sources"));
}
END_TEST

START_TEST(upstreams_that_have_failed)
{
	(void)table_of("{'services':[{'name':'p','upstreams':["
		       "{'address':'a:1','state':'working','left_alone':null,'addresses':["
		       "{'address':'[::1]:1','state':'failed','left_alone':65.5},"
		       "{'address':'127.0.0.1:1','state':'working','left_alone':null},"
		       "{'address':'127.0.0.2:1','state':'failed','left_alone':0.0}]},"
		       "{'address':'b:1','state':'failed','left_alone':7.9,'addresses':["
		       "{'address':'127.0.0.3:1','state':'failed','left_alone':1.0}]},"
		       "{'address':'c:1','state':'working','left_alone':null,'addresses':[]}]}]}");
	ck_assert_ptr_nonnull(strstr(text, "\n    upstream a:1: [::1]:1 has failed, left alone for 1 min 5 s\n"
					   "    upstream a:1: 127.0.0.2:1 has failed, the next client tries it\n"
					   "    upstream b:1 has failed, left alone for 7 s\n"));
	ck_assert_ptr_null(strstr(text, "127.0.0.1"));
	ck_assert_ptr_null(strstr(text, "127.0.0.3"));
	ck_assert_ptr_null(strstr(text, "c:1"));
}
END_TEST

START_TEST(several_listeners)
{
	ck_assert_str_eq(
		table_of(HEAD SERVICE(
			"git", WORKERS(2, 1, 0, 0),
			LISTENER("127.0.0.1:7", 1, 10, 10, 2) "," LISTENER("unix:/\u00fc", null, null, 10, null),
			"{}") "]}"),
		HEAD_LINE
		"SERVICE  HANDLER  STATE    IDLE  BUSY  MAX  QUEUE   RATE  ACCEPTED  REFUSED  FAILED  DROPS  CRASH\n"
		"git      exec     serving     2     1   10   1/10  1.5/s     1.23M        0       2      2      0\n"
		"    127.0.0.1:7  queue 1/10, 2 dropped\n"
		"    unix:/\u00fc      queue -/-, - dropped\n");
}
END_TEST

START_TEST(a_single_listener_when_asked)
{
	view.listeners = true;
	(void)table_of(HEAD SERVICE("git", WORKERS(2, 1, 0, 0), LISTENER("*:9418", 0, 128, 128, 0), "{}") "]}");
	ck_assert_ptr_nonnull(strstr(text, "\n    *:9418  queue 0/128, 0 dropped\n"));
}
END_TEST

START_TEST(eighty_columns)
{
	view.paper.width = 80;
	ck_assert_str_eq(
		table_of(HEAD SERVICE("git", WORKERS(2, 1, 0, 0), LISTENER("*:1", 0, 4096, 4096, 0), "{}") "]}"),
		/* without the handler, which the configuration says anyway */
		HEAD_LINE "SERVICE STATE   IDLE BUSY MAX  QUEUE  RATE ACCEPTED REFUSED FAILED DROPS CRASH\n"
			  "git     serving    2    1  10 0/4096 1.5/s    1.23M       0      2     0     0\n");
	(void)table_of(HEAD SERVICE("a-name-of-medium-length", WORKERS(2, 1, 0, 0), LISTENER("*:1", 0, 4096, 4096, 0),
				    "{}") "]}");
	ck_assert_ptr_nonnull(
		strstr(text, "\na-name-of-me~ serving    2    1 0/4096 1.5/s    1.23M       0      2     0     0\n"));
}
END_TEST

/* One long name costs no column of numbers; a cut goes between characters. */
START_TEST(a_long_name)
{
	view.paper.width = 80;
	(void)table_of(HEAD SERVICE("git", WORKERS(2, 1, 0, 0), LISTENER("*:1", 0, 4096, 4096, 0), "{}") "," SERVICE(
		"\u00fc\u00fc\u00fc\u00fc\u00fc\u00fc\u00fc\u00fc\u00fc\u00fc\u00fc\u00fc\u00fc\u00fc\u00fc"
		"-and-this-goes-on-and-on-until-it-has-sixty-four",
		WORKERS(2, 1, 0, 0), LISTENER("*:1", 123, 4096, 4096, 0), "{}") "]}");
	ck_assert_ptr_nonnull(strstr(text, " CRASH\n"));
	ck_assert_ptr_nonnull(
		strstr(text, "\n\u00fc\u00fc\u00fc\u00fc\u00fc\u00fc\u00fc\u00fc\u00fc\u00fc~ serving    2    1 "
			     "123/4096 1.5/s    1.23M       0      2     0     0\n"));
}
END_TEST

START_TEST(colours)
{
	view.paper.color = true;
	(void)table_of(HEAD SERVICE("git", WORKERS(0, 3, 0, 0), LISTENER("*:1", 7, 128, 128, 0), "{}") "]}");
	ck_assert_ptr_nonnull(strstr(text, " is \033[32mserving\033[0m,"));
	ck_assert_ptr_nonnull(strstr(text, "   \033[33m3\033[0m "));
	ck_assert_ptr_nonnull(strstr(text, "  \033[33m7/128\033[0m "));
	(void)table_of("{'state':'stopping','services':[{'state':'throttled','crashes':1}]}");
	ck_assert_ptr_nonnull(strstr(text, " is \033[31mstopping\033[0m,"));
	ck_assert_ptr_nonnull(strstr(text, "\033[31mthrottled\033[0m "));
	ck_assert_ptr_nonnull(strstr(text, "\033[31m1\033[0m\n"));
}
END_TEST

/* Where each name stands in the table. */
static void expect_order(enum status_sort sort, const char *first, const char *second)
{
	view.sort = sort;
	(void)table_of("{'services':[{'name':'mm','workers':{'busy':9},'rate':1},{'name':'aa','workers':"
		       "{'busy':1},'rate':2.5},{'name':'aa','listeners':[{'queue':2},{'queue':3}]},null]}");
	ck_assert_ptr_nonnull(strstr(text, first));
	ck_assert_ptr_nonnull(strstr(text, second));
	ck_assert(strstr(text, first) < strstr(text, second));
}

START_TEST(order)
{
	expect_order(STATUS_AS_SENT, "\nmm", "\naa");
	expect_order(STATUS_BY_NAME, "\naa", "\nmm");
	expect_order(STATUS_BY_BUSY, "\nmm", "\naa");
	expect_order(STATUS_BY_RATE, "\naa", "\nmm");
	expect_order(STATUS_BY_QUEUE, " 5/-", "\nmm");
}
END_TEST

/* Each value in turn is taken away, or becomes something else; nothing of that may do harm. */
static void spoil(json_t *root, json_t *place)
{
	static const char *const others[] = {
		"null", "\"x\"", "-1", "[]", "{}", "true", "[null]", "1e300", "9223372036854775807"};
	size_t n = json_is_object(place) ? json_object_size(place) : json_array_size(place), i, j;
	void *iter = json_object_iter(place);

	for (i = 0; i < n; i++) {
		json_t *value = json_is_object(place) ? json_object_iter_value(iter) : json_array_get(place, i);
		json_t *kept = json_incref(value);

		for (j = 0; j < sizeof(others) / sizeof(others[0]); j++) {
			json_t *other = json_loads(others[j], JSON_DECODE_ANY, NULL);
			FILE *out = fopen("/dev/null", "w");

			ck_assert_ptr_nonnull(other);
			ck_assert_ptr_nonnull(out);
			if (json_is_object(place))
				ck_assert_int_eq(json_object_iter_set_new(place, iter, other), 0);
			else
				ck_assert_int_eq(json_array_set_new(place, i, other), 0);
			ck_assert_int_ge(status_table_write(root, &view, out), 2);
			ck_assert_int_eq(workers_table_write(json_object_get(root, "workers"), &view.paper, out), 0);
			ck_assert_int_eq(fclose(out), 0);
		}
		if (json_is_object(place))
			ck_assert_int_eq(json_object_iter_set(place, iter, kept), 0);
		else
			ck_assert_int_eq(json_array_set(place, i, kept), 0);
		spoil(root, kept);
		json_decref(kept);
		iter = json_object_iter_next(place, iter);
	}
}

START_TEST(nothing_is_taken_on_trust)
{
	static const char whole[] =
		"{\"version\":\"1\",\"pid\":1,\"state\":\"serving\",\"generation\":2,\"uptime\":5,"
		"\"last_reload\":{\"success\":false,\"text\":\"no\",\"age\":7},\"log_lost\":3,"
		"\"services\":[{\"name\":\"a\",\"handler\":\"b\",\"state\":\"serving\",\"workers\":"
		"{\"idle\":0,\"busy\":1,\"starting\":1,\"retiring\":1,\"min\":1,\"max\":2},\"listeners\":"
		"[{\"address\":\"c\",\"queue\":1,\"backlog\":2,\"backlog_asked\":3,\"drops\":4},"
		"{\"address\":\"d\"}],\"connections\":{\"accepted\":1,\"active\":1,\"refused\":{\"x\":1}},"
		"\"requests\":1,\"bytes\":{\"in\":1,\"out\":2},\"crashes\":1,\"rate\":0.5,"
		"\"sources\":{\"untracked\":1,\"penalized\":2}}],"
		"\"workers\":[{\"service\":\"a\",\"pid\":1,\"state\":\"busy\",\"peer\":\"p\","
		"\"listener\":\"l\",\"age\":1,\"since\":2,\"requests\":3,\"bytes\":{\"in\":1,\"out\":2},"
		"\"generation\":1}]}";
	json_t *root = json_loads(whole, 0, NULL);

	ck_assert_ptr_nonnull(root);
	for (int sort = STATUS_AS_SENT; sort < STATUS_SORTS; sort++) {
		view.sort = (enum status_sort)sort;
		view.paper.width = sort == STATUS_BY_NAME ? 10 : 80;
		spoil(root, root);
	}
	json_decref(root);
}
END_TEST

static const struct {
	const char *json, *count, *bytes, *rate, *age, *words;
} numbers[] = {
	{"0", "0", "0", "0.0/s", "0s", "0 s"},
	{"7.26", "-", "-", "7.3/s", "7s", "7 s"},
	{"9.96", "-", "-", "10/s", "9s", "9 s"},
	{"200", "200", "200", "200/s", "3m20s", "3 min 20 s"},
	{"1000", "1000", "0.98k", "1000/s", "16m40s", "16 min 40 s"},
	{"3600", "3600", "3.52k", "3600/s", "1h0m", "1 h 0 min"},
	{"999999", "999999", "977k", "999999/s", "11d13h", "11 d 13 h"},
	{"1000000", "1.00M", "977k", "1.00M/s", "11d13h", "11 d 13 h"},
	{"12345678", "12.3M", "11.8M", "12.3M/s", "142d21h", "142 d 21 h"},
	{"9223372036854775807", "9.22E", "8.00E", "9.22E/s", "-", "-"},
	{"-5", "-5", "-5", "-5.0/s", "-", "-"},
	{"1e300", "-", "-", NULL, "-", "-"},
	{"-1e300", "-", "-", "-", "-", "-"},
	{"\"7\"", "-", "-", "-", "-", "-"},
	{"null", "-", "-", "-", "-", "-"},
};

START_TEST(numbers_for_people)
{
	char out[VALUES_NUMBER_MAX], json[64];

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		json_t *object;

		(void)snprintf(json, sizeof(json), "{\"k\":%s}", numbers[i].json);
		object = json_loads(json, 0, NULL);
		ck_assert_ptr_nonnull(object);
		ck_assert_str_eq(values_count(object, "k", out), numbers[i].count);
		ck_assert_str_eq(values_bytes(object, "k", out), numbers[i].bytes);
		(void)values_rate(object, "k", out);
		ck_assert_uint_lt(strlen(out), sizeof(out));
		if (numbers[i].rate != NULL)
			ck_assert_str_eq(out, numbers[i].rate);
		ck_assert_str_eq(values_age(object, "k", out), numbers[i].age);
		ck_assert_str_eq(values_age_words(object, "k", out), numbers[i].words);
		json_decref(object);
	}
}
END_TEST

START_TEST(sums_do_not_wrap)
{
	json_t *object = json_pack("{s:I, s:I}", "a", (json_int_t)INT64_MAX, "b", (json_int_t)1);
	struct values_sum sum = {.n = 0};
	char out[VALUES_NUMBER_MAX];

	ck_assert_str_eq(values_sum_text(&sum, out), "-");
	values_add(&sum, object, "none");
	ck_assert_str_eq(values_sum_text(&sum, out), "-");
	values_add(&sum, object, "a");
	values_add(&sum, object, "b");
	ck_assert_int_eq(sum.n, INT64_MAX);
	json_decref(object);
}
END_TEST

int main(void)
{
	return SUITE_RUN("status_table", setup, a_quiet_service, trouble_has_lines_of_its_own, sources_that_are_told,
			 upstreams_that_have_failed, several_listeners, a_single_listener_when_asked, eighty_columns,
			 a_long_name, colours, order, nothing_is_taken_on_trust, numbers_for_people, sums_do_not_wrap);
}
