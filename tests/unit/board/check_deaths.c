/* SPDX-License-Identifier: MIT */
/* The deaths of a service: the list of the last ones, the record on the board, and how they are told. */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "board/death.h"
#include "board/death_record.h"
#include "board/deaths.h"
#include "net/addr.h"

#include "../suite.h"

#define NOW	  1000000
#define TORN_MS	  300 /* how long a reader and a writer meet; PREFORKD_TEST_STRESS_MS may say otherwise */
#define LOOKS_MIN 1000

static struct deaths *list;
static struct death_record *record; /* shared with a child */
static uint32_t seen, lost;
static struct death out;

static void setup(void)
{
	record = mmap(NULL, sizeof(*record), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ck_assert_ptr_ne(record, MAP_FAILED);
	list = NULL;
	seen = lost = 0;
}

static struct death numbered(uint32_t n)
{
	struct death death = {
		.at_ms = n % NOW,
		.pid = (pid_t)(n % 100000 + 2),
		.kind = DEATH_PROGRAM,
		.phase = DEATH_SERVING,
		.status = W_EXITCODE(n % 255 + 1, 0),
		.age_ms = n % NOW,
		.in = n,
		.out = n,
		.cpu_us = n,
		.max_rss = n,
	};

	for (int i = 0; i < PACKED_ADDRESS_WORDS; i++)
		death.peer[i] = death.via[i] = n;
	return death;
}

static void expect_numbered(const struct death *death, uint32_t n)
{
	const struct death wanted = numbered(n);

	ck_assert_int_eq(death->at_ms, wanted.at_ms);
	ck_assert_int_eq(death->pid, wanted.pid);
	ck_assert_int_eq(death->status, wanted.status);
	ck_assert_int_eq(death->age_ms, wanted.age_ms);
	ck_assert_uint_eq(death->in, n);
	ck_assert_uint_eq(death->out, n);
	ck_assert_int_eq(death->cpu_us, n);
	ck_assert_int_eq(death->max_rss, n);
	ck_assert_mem_eq(death->peer, wanted.peer, sizeof(wanted.peer));
	ck_assert_mem_eq(death->via, wanted.via, sizeof(wanted.via));
}

/* ---- the list ---- */

START_TEST(nothing_costs_nothing)
{
	ck_assert_ptr_null(deaths_get(NULL, 0));
	deaths_lose(&list, 0);
	ck_assert_ptr_null(list);
}
END_TEST

START_TEST(the_newest_come_first)
{
	for (unsigned n = 1; n <= 3; n++) {
		struct death death = numbered(n);

		deaths_add(&list, &death);
	}
	for (unsigned i = 0; i < 3; i++)
		expect_numbered(deaths_get(list, i), 3 - i);
	ck_assert_ptr_null(deaths_get(list, 3));
	free(list);
}
END_TEST

START_TEST(the_last_ones_are_kept)
{
	for (unsigned n = 1; n <= 2 * DEATHS_KEPT + 8; n++) {
		struct death death = numbered(n);

		deaths_add(&list, &death);
	}
	for (unsigned i = 0; i < DEATHS_KEPT; i++)
		expect_numbered(deaths_get(list, i), 2 * DEATHS_KEPT + 8 - i);
	ck_assert_ptr_null(deaths_get(list, DEATHS_KEPT));
	ck_assert_ptr_null(deaths_get(list, UINT32_MAX));
	free(list);
}
END_TEST

START_TEST(lost_ones_are_counted)
{
	deaths_lose(&list, 4);
	deaths_lose(&list, 1);
	ck_assert_uint_eq(list->lost, 5);
	ck_assert_ptr_null(deaths_get(list, 0));
	free(list);
}
END_TEST

/* ---- the record ---- */

START_TEST(a_record_is_read_once)
{
	struct death death = numbered(7);

	ck_assert_int_eq(death_record_read(record, NOW, &seen, &out, &lost), 0);
	death_record_write(record, &death);
	ck_assert_int_eq(death_record_read(record, NOW, &seen, &out, &lost), 1);
	expect_numbered(&out, 7);
	ck_assert(out.kind == DEATH_PROGRAM && out.phase == DEATH_SERVING && out.reason[0] == '\0');
	ck_assert_uint_eq(lost, 0);
	ck_assert_int_eq(death_record_read(record, NOW, &seen, &out, &lost), 0);
}
END_TEST

START_TEST(those_between_are_counted)
{
	for (uint32_t n = 1; n <= 5; n++) {
		struct death death = numbered(n);

		death_record_write(record, &death);
	}
	ck_assert_int_eq(death_record_read(record, NOW, &seen, &out, &lost), 1);
	expect_numbered(&out, 5);
	ck_assert_uint_eq(lost, 4);
}
END_TEST

START_TEST(a_record_that_is_being_written_is_not_read)
{
	struct death death = numbered(7);

	death_record_write(record, &death);
	atomic_fetch_add(&record->turn, 1); /* its writer begins again, and dies */
	ck_assert_int_eq(death_record_read(record, NOW, &seen, &out, &lost), -1);
	ck_assert_uint_eq(seen, 0);
	death_record_write(record, &death); /* the next write mends it */
	ck_assert_int_eq(death_record_read(record, NOW, &seen, &out, &lost), 1);
	expect_numbered(&out, 7);
}
END_TEST

_Noreturn static void write_for_ever(void)
{
	for (uint32_t n = 1;; n++) {
		struct death death = numbered(n);

		death_record_write(record, &death);
	}
}

/* A writer that never rests: the reader finds whole records, or none. */
START_TEST(no_torn_record_is_believed)
{
	const char *text = getenv("PREFORKD_TEST_STRESS_MS");
	int64_t end = clock_ms() + (text != NULL ? atol(text) / 8 : TORN_MS);
	unsigned found = 0, looks = 0;
	pid_t pid = fork();

	ck_assert_int_ge(pid, 0);
	if (pid == 0)
		write_for_ever();
	while (clock_ms() < end || looks < LOOKS_MIN || found == 0) {
		looks++;
		if (death_record_read(record, NOW, &seen, &out, &lost) != 1)
			continue;
		found++;
		expect_numbered(&out, (uint32_t)out.in);
	}
	(void)kill(pid, SIGKILL);
	(void)waitpid(pid, NULL, 0);
}
END_TEST

/* A worker may have written anything: the numbers stay within their bounds, and waitpid(2) could give the status. */
START_TEST(nonsense_is_bounded)
{
	char text[DEATH_DETAILS_MAX];

	memset(record, 0xff, sizeof(*record));
	atomic_store(&record->turn, 2);
	ck_assert_int_eq(death_record_read(record, NOW, &seen, &out, &lost), 0);
	ck_assert_uint_eq(lost, 1);
	memset(record->words, 0xff, sizeof(record->words));
	record->words[0] = UINT64_C(0x0000000bffffffff); /* SIGSEGV */
	atomic_store(&record->turn, 4);
	ck_assert_int_eq(death_record_read(record, NOW, &seen, &out, &lost), 1);
	ck_assert_int_ge(out.pid, 0);
	ck_assert_int_eq(out.at_ms, NOW);
	ck_assert(out.age_ms >= 0 && out.cpu_us >= 0 && out.max_rss >= 0);
	ck_assert(out.in <= INT64_MAX && out.out <= INT64_MAX);
	ck_assert_str_ne(death_phase_name(out.phase), "");
	for (const char *p = death_details(&out, text, sizeof(text)); *p != '\0'; p++)
		ck_assert(*p >= ' ' && *p < 0x7f);
}
END_TEST

START_TEST(a_status_is_looked_at)
{
	ck_assert(death_is_status(0) && death_is_status(W_EXITCODE(255, 0)) && death_is_status(SIGSEGV));
	ck_assert(death_is_status(SIGSEGV | WCOREFLAG));
	ck_assert(!death_is_status(-1) && !death_is_status(W_STOPCODE(SIGSTOP)) && !death_is_status(0xffff));
	ck_assert(!death_is_status(0x10000) && !death_is_status(0x010b));
}
END_TEST

/* ---- how it is told ---- */

static struct death make_told(void)
{
	struct death death = {.kind = DEATH_WORKER,
			      .pid = 12,
			      .phase = DEATH_WAITING,
			      .status = SIGSEGV | WCOREFLAG,
			      .age_ms = 1200,
			      .in = 5,
			      .out = 7,
			      .reason = "why"};
	struct rusage usage = {.ru_utime = {.tv_usec = 7000}, .ru_stime = {.tv_usec = 3000}, .ru_maxrss = 3400};
	struct sockaddr_any addr = {.len = sizeof(addr.in)};

	addr.in.sin_family = AF_INET;
	addr.in.sin_addr.s_addr = htonl(0x0a000001);
	addr.in.sin_port = htons(80);
	packed_address_set(death.peer, &addr);
	death_set_usage(&death, &usage);
	return death;
}

START_TEST(the_details_of_a_line)
{
	struct death death = make_told();
	char text[DEATH_DETAILS_MAX];

	ck_assert_str_eq(death_details(&death, text, sizeof(text)),
			 "; waiting for the first byte, after 1.2s, 5 bytes in, 7 bytes out; 10ms of CPU time, 3400K "
			 "of memory; why");
	memcpy(death.via, death.peer, sizeof(death.via));
	ck_assert_ptr_nonnull(strstr(death_details(&death, text, sizeof(text)), "7 bytes out, via 10.0.0.1:80; 10ms"));
	memset(death.peer, 0, sizeof(death.peer));
	death.phase = DEATH_IDLE;
	death.reason[0] = '\0';
	ck_assert_str_eq(death_details(&death, text, sizeof(text)),
			 "; idle, 1.2s old; 10ms of CPU time, 3400K of memory");
}
END_TEST

START_TEST(the_fields_of_an_entry)
{
	struct death death = make_told();
	char text[DEATH_FIELDS_MAX];

	memcpy(death.via, death.peer, sizeof(death.via));
	ck_assert_str_eq(death_fields(&death, text, sizeof(text)),
			 "DEATH_KIND=worker\nDEATH_PID=12\nDEATH_PHASE=waiting\nAGE_MSEC=1200\nBYTES_IN=5\n"
			 "BYTES_OUT=7\nCPU_USEC=10000\nMAX_RSS=3481600\nEXIT_SIGNAL=SIGSEGV\nCORE_DUMPED=1\n"
			 "VIA=10.0.0.1:80\n");
	death.status = W_EXITCODE(3, 0);
	memset(death.via, 0, sizeof(death.via));
	ck_assert_ptr_nonnull(strstr(death_fields(&death, text, sizeof(text)), "MAX_RSS=3481600\nEXIT_STATUS=3\n"));
	ck_assert_ptr_null(strstr(text, "VIA="));
}
END_TEST

int main(void)
{
	return SUITE_RUN("deaths", setup, nothing_costs_nothing, the_newest_come_first, the_last_ones_are_kept,
			 lost_ones_are_counted, a_record_is_read_once, those_between_are_counted,
			 a_record_that_is_being_written_is_not_read, no_torn_record_is_believed, nonsense_is_bounded,
			 a_status_is_looked_at, the_details_of_a_line, the_fields_of_an_entry);
}
