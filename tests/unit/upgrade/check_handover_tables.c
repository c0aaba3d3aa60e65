/* SPDX-License-Identifier: MIT */
/*
 * The tables of what is handed over. Each field of the structs must have a row, or be listed here as one that is not
 * handed over by rows; and each field that has a row must come out as it was.
 */
#include "handover_fields.h"

#ifndef __has_builtin
#define __has_builtin(x) 0
#endif

/* ---- all structs; their padding has the value 0 in PADDING, everything else 0xff ---- */

#define SIZE_MOST 16384

union object {
	unsigned char byte[SIZE_MOST];
	_Alignas(max_align_t) char aligned[SIZE_MOST];
};

struct handed {
	const char *name;
	const struct row_table *tables[2];
	const struct field *fields;
	size_t n_fields, size;
	void (*map)(unsigned char *padding);
};

#if __has_builtin(__builtin_clear_padding)
#define CLEAR_PADDING(object) __builtin_clear_padding(object)
#else /* nothing counts as padding, see is_padding() */
#define CLEAR_PADDING(object) ((void)(object))
#endif

#define MAP(function, type)                                                                                            \
	static void function(unsigned char *padding)                                                                   \
	{                                                                                                              \
		static type object;                                                                                    \
                                                                                                                       \
		memset(&object, 0xff, sizeof(object));                                                                 \
		CLEAR_PADDING(&object);                                                                                \
		memcpy(padding, &object, sizeof(object));                                                              \
	}

MAP(map_head, struct handover_head)
MAP(map_control, struct handover_control)
MAP(map_jobs, struct jobs)
MAP(map_job, struct job)
MAP(map_member, struct member)
MAP(map_operation, struct operation)
MAP(map_sources, struct sources)
MAP(map_pool, struct pool)
MAP(map_service, struct config_service)
MAP(map_options, struct socket_options)
MAP(map_board, struct board)
MAP(map_counts, struct counts)
MAP(map_own_count, struct own_count)
MAP(map_death, struct death)
MAP(map_notify, struct program_notify)
MAP(map_listener, struct listener)
MAP(map_worker, struct proc)
MAP(map_program, struct program)
MAP(map_worker_output, struct worker_output)
MAP(map_output, struct program_output)

#define HANDED(name, type, fields, ...)                                                                                \
	{                                                                                                              \
#name, {__VA_ARGS__ }, fields, sizeof(fields) / sizeof((fields)[0]), sizeof(type), map_##name          \
	}

static const struct handed all[] = {
	HANDED(head, struct handover_head, no_fields, &head_table),
	HANDED(control, struct handover_control, no_fields, &control_table),
	HANDED(jobs, struct jobs, jobs_fields, &jobs_table),
	HANDED(job, struct job, job_fields, &job_table),
	HANDED(member, struct member, member_fields, &member_table),
	HANDED(operation, struct operation, operation_fields, &operation_table),
	HANDED(sources, struct sources, sources_fields, &sources_table),
	HANDED(pool, struct pool, pool_fields, &pool_table, &targets_table),
	HANDED(service, struct config_service, service_fields, &service_table),
	HANDED(options, struct socket_options, no_fields, &options_table),
	HANDED(board, struct board, board_fields, &board_table),
	HANDED(counts, struct counts, counts_fields, &counts_table),
	HANDED(own_count, struct own_count, no_fields, &own_count_table),
	HANDED(death, struct death, no_fields, &death_table),
	HANDED(notify, struct program_notify, notify_fields, &notify_table),
	HANDED(listener, struct listener, listener_fields, &listener_table),
	HANDED(worker, struct proc, worker_fields, &worker_table),
	HANDED(program, struct program, program_fields, &program_table),
	HANDED(worker_output, struct worker_output, worker_output_fields, &worker_output_table),
	HANDED(output, struct program_output, output_fields, &output_table),
};
enum { ALL = sizeof(all) / sizeof(all[0]) };

/* ---- no field is forgotten ---- */

static void cover(unsigned char *covered, const char *in, const char *field, size_t offset, size_t size)
{
	for (size_t i = offset; i < offset + size; i++)
		ck_assert_msg(covered[i]++ == 0, "%s: \"%s\" has two rows, or is listed as one without", in, field);
}

/* Without the compiler's help, a gap that is too short for any pointer. */
static bool is_padding(const unsigned char *padding, const unsigned char *covered, size_t at, size_t size)
{
#if __has_builtin(__builtin_clear_padding)
	(void)covered;
	(void)size;
	return padding[at] == 0;
#else
	size_t end = at;

	(void)padding;
	while (end < size && covered[end] == 0)
		end++;
	return end - at < sizeof(void *);
#endif
}

START_TEST(each_field_has_a_row_or_is_known_to_have_none)
{
	static unsigned char covered[SIZE_MOST], padding[SIZE_MOST];
	const struct handed *h = &all[_i];

	ck_assert_uint_le(h->size, SIZE_MOST);
	memset(covered, 0, sizeof(covered));
	h->map(padding);
	for (size_t t = 0; t < 2 && h->tables[t] != NULL; t++)
		for (size_t i = 0; i < h->tables[t]->n; i++)
			cover(covered, h->name, h->tables[t]->rows[i].key, h->tables[t]->rows[i].offset,
			      h->tables[t]->rows[i].size);
	for (size_t i = 0; i < h->n_fields; i++)
		cover(covered, h->name, h->fields[i].name, h->fields[i].offset, h->fields[i].size);
	for (size_t i = 0; i < h->size; i++)
		ck_assert_msg(covered[i] != 0 || is_padding(padding, covered, i, h->size),
			      "%s: the field at byte %zu has no row in daemon/upgrade/handover_tables.c, and is not "
			      "listed here",
			      h->name, i);
}
END_TEST

/* ---- what is written is read ---- */

static char strings[64][32];

/* Sets the field of ROW, the Ith of its table, to a value that no other field has (but for bool). */
static void set_field(const struct row *row, size_t i, unsigned char *object)
{
	void *field = object + row->offset;
	int64_t wide = INT64_C(0x1122334455667700) + (int64_t)i;

	switch (row->type) {
	case ROW_BOOL:
		*(bool *)field = true;
		break;
	case ROW_SIGNED:
		if (row->size == sizeof(int64_t))
			*(int64_t *)field = -wide;
		else
			*(int32_t *)field = -1000 - (int32_t)i;
		break;
	case ROW_UNSIGNED: /* beyond what is signed */
		if (row->size == sizeof(uint64_t))
			*(uint64_t *)field = UINT64_MAX - i;
		else
			*(uint32_t *)field = UINT32_MAX - (uint32_t)i;
		break;
	case ROW_TEXT: /* it just fits */
		memset(field, 'a', row->size - 1);
		((char *)field)[0] = (char)('A' + i);
		memcpy((char *)field + 1, "\\\n\xc3\xa4", 4);
		break;
	case ROW_STRING:
		(void)snprintf(strings[i], sizeof(strings[i]), "text %zu", i);
		*(char **)field = strings[i];
		break;
	case ROW_ADDRESS:
		*(struct sockaddr_any *)field = (struct sockaddr_any){.len = sizeof(struct sockaddr_un)};
		memset(&((struct sockaddr_any *)field)->un, (int)(0xa0 + i), sizeof(struct sockaddr_un));
		break;
	case ROW_FD:
		*(int *)field = fcntl(STDIN_FILENO, F_DUPFD, 100 + (int)i);
		ck_assert_int_ge(*(int *)field, 100);
		break;
	}
}

static void check_field(const char *in, const struct row *row, const unsigned char *was, const unsigned char *is)
{
	const void *a = was + row->offset, *b = is + row->offset;

	if (row->type == ROW_STRING)
		ck_assert_str_eq(*(char *const *)a, *(char *const *)b);
	else
		ck_assert_msg(memcmp(a, b, row->size) == 0, "%s: \"%s\" is not what it was", in, row->key);
	if (row->type == ROW_FD)
		ck_assert_int_eq(fcntl(*(const int *)b, F_GETFD), FD_CLOEXEC);
}

static json_t *pass_through_text(json_t *written)
{
	char *text = json_dumps(written, JSON_COMPACT);
	json_t *out;

	ck_assert_ptr_nonnull(text);
	out = json_loads(text, 0, NULL);
	free(text);
	json_decref(written);
	ck_assert_ptr_nonnull(out);
	return out;
}

static json_t *fill(const struct row_table *table, union object *object)
{
	memset(object, 0, sizeof(*object));
	for (size_t i = 0; i < table->n; i++)
		set_field(&table->rows[i], i, object->byte);
	return pass_through_text(rows_write(table, object));
}

START_TEST(each_field_comes_out)
{
	static union object was, is;
	struct err err;

	for (size_t t = 0; t < 2 && all[_i].tables[t] != NULL; t++) {
		const struct row_table *table = all[_i].tables[t];
		json_t *written = fill(table, &was);

		ck_assert_uint_eq(json_object_size(written), table->n); /* no key is used twice */
		memset(&is, 0, sizeof(is));
		ck_assert_int_eq(rows_read(table, written, &is, &err), 0);
		for (size_t i = 0; i < table->n; i++)
			check_field(all[_i].name, &table->rows[i], was.byte, is.byte);
		json_decref(written);
	}
}
END_TEST

/* ---- values that are wrong ---- */

START_TEST(a_missing_key_leaves_the_field)
{
	static union object was, is;
	struct err err;

	for (size_t t = 0; t < 2 && all[_i].tables[t] != NULL; t++) {
		const struct row_table *table = all[_i].tables[t];
		json_t *empty = json_object();

		json_decref(fill(table, &was));
		is = was;
		ck_assert_int_eq(rows_read(table, empty, &is, &err), 0);
		ck_assert_int_eq(memcmp(&was, &is, sizeof(is)), 0);
		json_decref(empty);
	}
}
END_TEST

/* The Nth value that ROW must refuse; NULL: that was the last. */
static json_t *wrong_value(const struct row *row, int n)
{
	bool is_number = row->type == ROW_SIGNED || row->type == ROW_UNSIGNED || row->type == ROW_FD;
	bool is_text = row->type == ROW_TEXT || row->type == ROW_STRING || row->type == ROW_ADDRESS;

	switch (n) {
	case 0:
		return json_array();
	case 1:
		return json_object();
	case 2:
		return is_text ? json_integer(7) : json_string("7");
	case 3:
		return row->type == ROW_BOOL ? json_integer(1) : json_true();
	case 4:
		return row->type == ROW_STRING ? json_real(1) : json_null();
	case 5: /* beyond 32 bits; a short text that is no address */
		if (is_number && row->size == sizeof(int32_t))
			return json_integer(INT64_C(0x100000001));
		return row->type == ROW_ADDRESS ? json_string("0g") : json_real(1);
	case 6:
		if (row->type == ROW_UNSIGNED && row->size == sizeof(int32_t))
			return json_integer(-1);
		if (row->type == ROW_SIGNED && row->size == sizeof(int32_t))
			return json_integer(INT64_C(-0x80000001));
		return row->type == ROW_ADDRESS ? json_string("000") : json_real(1);
	default:
		return NULL;
	}
}

START_TEST(a_wrong_value_is_an_error)
{
	static union object is;
	struct err err;

	for (size_t t = 0; t < 2 && all[_i].tables[t] != NULL; t++) {
		const struct row_table *table = all[_i].tables[t];
		json_t *bad;

		for (size_t i = 0; i < table->n; i++)
			for (int n = 0; (bad = wrong_value(&table->rows[i], n)) != NULL; n++) {
				json_t *object = json_object();

				(void)json_object_set_new(object, table->rows[i].key, bad);
				memset(&is, 0, sizeof(is));
				err.text[0] = '\0';
				ck_assert_msg(rows_read(table, object, &is, &err) == -1, "%s: \"%s\" takes value %d",
					      all[_i].name, table->rows[i].key, n);
				ck_assert_ptr_nonnull(strstr(err.text, table->rows[i].key));
				json_decref(object);
			}
		ck_assert_int_eq(rows_read(table, NULL, &is, &err), -1);
	}
}
END_TEST

START_TEST(an_address_that_is_too_long_is_an_error)
{
	static char hex[2 * sizeof(struct sockaddr_storage) + 3];
	struct listener listener = {.fd = -1};
	json_t *object = json_object();
	struct err err;

	memset(hex, '1', sizeof(hex) - 1);
	(void)json_object_set_new(object, "addr", json_string(hex));
	ck_assert_int_eq(rows_read(&listener_table, object, &listener, &err), -1);
	hex[sizeof(hex) - 3] = '\0';
	(void)json_object_set_new(object, "addr", json_string(hex));
	ck_assert_int_eq(rows_read(&listener_table, object, &listener, &err), 0);
	json_decref(object);
}
END_TEST

START_TEST(a_text_that_is_too_long_is_cut)
{
	struct own_count count = {.name = ""};
	json_t *object = json_pack("{s:s}", "name", "0123456789012345678901234567890123456789");
	struct err err;

	ck_assert_int_eq(rows_read(&own_count_table, object, &count, &err), 0);
	ck_assert_str_eq(count.name, "0123456789012345678901234567890");
	json_decref(object);
}
END_TEST

START_TEST(a_text_that_is_not_utf8_is_escaped)
{
	struct own_count was = {.name = "\xff"}, is = {.name = ""};
	json_t *object = rows_write(&own_count_table, &was);
	struct err err;

	ck_assert_int_eq(rows_read(&own_count_table, object, &is, &err), 0);
	ck_assert_str_eq(is.name, "\\xff");
	json_decref(object);
}
END_TEST

START_TEST(a_descriptor_that_is_not_open_is_minus_one)
{
	static const int numbers[] = {-1, 0, 2, 999999};
	struct err err;

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		struct program_output output = {.fd = 77};
		json_t *object = json_pack("{s:i}", "fd", numbers[i]);

		ck_assert_int_eq(rows_read(&output_table, object, &output, &err), 0);
		ck_assert_int_eq(output.fd, -1);
		json_decref(object);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("handover_tables");
	TCase *tcase = tcase_create("handover_tables");

	tcase_add_loop_test(tcase, each_field_has_a_row_or_is_known_to_have_none, 0, ALL);
	tcase_add_loop_test(tcase, each_field_comes_out, 0, ALL);
	tcase_add_loop_test(tcase, a_missing_key_leaves_the_field, 0, ALL);
	tcase_add_loop_test(tcase, a_wrong_value_is_an_error, 0, ALL);
	tcase_add_test(tcase, an_address_that_is_too_long_is_an_error);
	tcase_add_test(tcase, a_text_that_is_too_long_is_cut);
	tcase_add_test(tcase, a_text_that_is_not_utf8_is_escaped);
	tcase_add_test(tcase, a_descriptor_that_is_not_open_is_minus_one);
	suite_add_tcase(suite, tcase);
	return suite_finish(suite);
}
