/* SPDX-License-Identifier: MIT */
/*
 * Worker. A key-value store in one SQLite file, for many clients at once. Each request is a line, and so is its answer:
 *
 *	SET KEY VALUE	OK
 *	GET KEY		VALUE text, or NONE
 *	DEL KEY		OK, or NONE
 *	COUNT		COUNT number
 *	QUIT		BYE; then the connection ends
 *
 * The answer to a request that fails is ERROR and the reason. Each worker opens the file by itself.
 */
#include <errno.h>
#include <preforkd/module.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#define KEY_MOST 250

struct options {
	const char *file;
	int64_t max_value, busy;
	bool sync;
};

static const struct preforkd_option option_table[] = {
	{.name = "file",
	 .type = PREFORKD_STRING,
	 .offset = offsetof(struct options, file),
	 .required = true,
	 .help = "The data base. It is made where there is none; the workers' user must be able to write to it, and to "
		 "its folder."},
	{.name = "max_value",
	 .type = PREFORKD_SIZE,
	 .offset = offsetof(struct options, max_value),
	 .preset = "64K",
	 .min = 1,
	 .max = 1 << 20,
	 .help = "Bytes of a value at most."},
	{.name = "busy",
	 .type = PREFORKD_DURATION,
	 .offset = offsetof(struct options, busy),
	 .preset = "5s",
	 .min = 1,
	 .max = 60000,
	 .help = "How long a change waits for those of others."},
	{.name = "sync",
	 .type = PREFORKD_BOOL,
	 .offset = offsetof(struct options, sync),
	 .preset = "true",
	 .help = "A change that was answered survives a loss of power."},
	{.name = NULL},
};

enum { GETS, HITS, SETS, DELETES, ERRORS };
static const struct preforkd_counter counter_table[] = {
	[GETS] = {.name = "gets", .help = "values asked for"},
	[HITS] = {.name = "hits", .help = "of them, found"},
	[SETS] = {.name = "sets", .help = "values stored"},
	[DELETES] = {.name = "deletes", .help = "keys deleted"},
	[ERRORS] = {.name = "errors", .help = "requests that could not be done"},
	{.name = NULL},
};

/* Static, because a worker serves one client at a time. */
static sqlite3 *db;
static sqlite3_stmt *get, *set, *del, *count;
static char *line;
static size_t line_size;

static int prepare_sql(const char *sql, sqlite3_stmt **out)
{
	return sqlite3_prepare_v3(db, sql, -1, SQLITE_PREPARE_PERSISTENT, out, NULL);
}

/* Tries again for PATIENCE ms while the file is locked: the workers start at the same time, and SQLite does not always
 * wait for the others during these first statements. */
static int run_sql(const char *sql, int64_t patience)
{
	int rc;

	for (;; patience -= 10) {
		rc = sqlite3_exec(db, sql, NULL, NULL, NULL);
		if (rc != SQLITE_BUSY || patience <= 0)
			return rc;
		(void)sqlite3_sleep(10);
	}
}

static int open_store(void)
{
	const struct options *o = preforkd_options();

	line_size = (size_t)o->max_value + KEY_MOST + sizeof("SET  ");
	line = malloc(line_size);
	if (line == NULL)
		return preforkd_fail(NULL, "no memory");
	if (sqlite3_open(o->file, &db) != SQLITE_OK || run_sql("PRAGMA journal_mode = WAL", o->busy) != SQLITE_OK ||
	    run_sql(o->sync ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = NORMAL", o->busy) != SQLITE_OK ||
	    run_sql("CREATE TABLE IF NOT EXISTS kv (key BLOB PRIMARY KEY, value BLOB) WITHOUT ROWID", o->busy) !=
		    SQLITE_OK ||
	    sqlite3_busy_timeout(db, (int)o->busy) != SQLITE_OK || /* not earlier: run_sql() waits by itself */
	    prepare_sql("SELECT value FROM kv WHERE key = ?", &get) != SQLITE_OK ||
	    prepare_sql("INSERT INTO kv VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value", &set) !=
		    SQLITE_OK ||
	    prepare_sql("DELETE FROM kv WHERE key = ?", &del) != SQLITE_OK ||
	    prepare_sql("SELECT count(*) FROM kv", &count) != SQLITE_OK)
		return preforkd_fail(NULL, "%s: %s", o->file, sqlite3_errmsg(db));
	return 0;
}

static void close_store(void)
{
	(void)sqlite3_finalize(get);
	(void)sqlite3_finalize(set);
	(void)sqlite3_finalize(del);
	(void)sqlite3_finalize(count);
	(void)sqlite3_close(db); /* the last worker to close it removes the journal */
	free(line);
}

static void optimize_store(void)
{
	(void)sqlite3_exec(db, "PRAGMA optimize", NULL, NULL, NULL);
}

static int send_error(struct preforkd_conn *conn, const char *why)
{
	preforkd_count(ERRORS, 1);
	return preforkd_printf(conn, "ERROR %s\r\n", why);
}

static int send_db_error(struct preforkd_conn *conn)
{
	preforkd_log(conn, LOG_ERR, "%s", sqlite3_errmsg(db));
	return send_error(conn, sqlite3_errmsg(db));
}

static int do_get(struct preforkd_conn *conn, const char *key, size_t len)
{
	sqlite3_value *value = NULL;
	int rc;

	preforkd_count(GETS, 1);
	(void)sqlite3_bind_blob(get, 1, key, (int)len, SQLITE_STATIC);
	rc = sqlite3_step(get);
	if (rc == SQLITE_ROW)
		value = sqlite3_value_dup(sqlite3_column_value(get, 0));
	/* Before the client gets the value, which may take long: as long as this statement reads, SQLite cannot start
	 * the journal anew, and it grows. */
	if (sqlite3_reset(get) != SQLITE_OK || (rc == SQLITE_ROW && value == NULL))
		return send_db_error(conn);
	if (rc == SQLITE_DONE)
		return preforkd_printf(conn, "NONE\r\n");
	preforkd_count(HITS, 1);
	rc = preforkd_write(conn, "VALUE ", 6);
	if (rc == 0)
		rc = preforkd_write(conn, sqlite3_value_blob(value), (size_t)sqlite3_value_bytes(value));
	if (rc == 0)
		rc = preforkd_write(conn, "\r\n", 2);
	sqlite3_value_free(value);
	return rc;
}

/* SET and DEL: runs STATEMENT; OK if it changed something, else NONE. */
static int do_change(struct preforkd_conn *conn, sqlite3_stmt *statement, unsigned counter)
{
	bool done = sqlite3_step(statement) == SQLITE_DONE;
	bool changed = done && sqlite3_changes(db) > 0;

	if (sqlite3_reset(statement) != SQLITE_OK || !done)
		return send_db_error(conn);
	preforkd_count(counter, changed);
	return preforkd_printf(conn, changed ? "OK\r\n" : "NONE\r\n");
}

static int do_count(struct preforkd_conn *conn)
{
	long long n = sqlite3_step(count) == SQLITE_ROW ? (long long)sqlite3_column_int64(count, 0) : -1;

	return sqlite3_reset(count) == SQLITE_OK && n >= 0 ? preforkd_printf(conn, "COUNT %lld\r\n", n)
							   : send_db_error(conn);
}

/* Answers the request in LINE, which has LEN bytes: a word, a key, and a value, with one space between them. Returns 1:
 * go on; 0: the end; -1: failure. */
static int answer_request(struct preforkd_conn *conn, size_t len)
{
	const struct options *o = preforkd_options();
	char *space = memchr(line, ' ', len), *key = space != NULL ? space + 1 : line + len, *value;
	size_t word_len = space != NULL ? (size_t)(space - line) : len;
	size_t rest = len - (size_t)(key - line), key_len;

	value = memchr(key, ' ', rest);
	key_len = value != NULL ? (size_t)(value - key) : rest;
	if (word_len == 4 && memcmp(line, "QUIT", 4) == 0)
		return preforkd_printf(conn, "BYE\r\n");
	if (word_len == 5 && memcmp(line, "COUNT", 5) == 0)
		return do_count(conn) < 0 ? -1 : 1;
	if (key_len == 0 || key_len > KEY_MOST)
		return send_error(conn, "a request is SET KEY VALUE, GET KEY, DEL KEY, COUNT or QUIT") < 0 ? -1 : 1;
	if (word_len == 3 && memcmp(line, "GET", 3) == 0 && value == NULL)
		return do_get(conn, key, key_len) < 0 ? -1 : 1;
	if (word_len == 3 && memcmp(line, "DEL", 3) == 0 && value == NULL) {
		(void)sqlite3_bind_blob(del, 1, key, (int)key_len, SQLITE_STATIC);
		return do_change(conn, del, DELETES) < 0 ? -1 : 1;
	}
	if (word_len == 3 && memcmp(line, "SET", 3) == 0 && value != NULL) {
		if (rest - key_len - 1 > (size_t)o->max_value)
			return send_error(conn, "the value is too long") < 0 ? -1 : 1;
		(void)sqlite3_bind_blob(set, 1, key, (int)key_len, SQLITE_STATIC);
		(void)sqlite3_bind_blob(set, 2, value + 1, (int)(rest - key_len - 1), SQLITE_STATIC);
		return do_change(conn, set, SETS) < 0 ? -1 : 1;
	}
	return send_error(conn, "a request is SET KEY VALUE, GET KEY, DEL KEY, COUNT or QUIT") < 0 ? -1 : 1;
}

static int serve_kv(struct preforkd_conn *conn)
{
	size_t len;
	int got;

	do {
		got = preforkd_read_line(conn, line, line_size, &len);
		if (got > 0)
			got = answer_request(conn, len);
	} while (got > 0);
	if (got < 0 && errno == EMSGSIZE)
		(void)send_error(conn, "the request is too long");
	return got;
}

const struct preforkd_module preforkd_module = {
	.abi = PREFORKD_MODULE_ABI,
	.size = sizeof(preforkd_module),
	.name = "kv",
	.summary = "keeps values for keys in an SQLite file",
	.flags = PREFORKD_STREAM,
	.serve = serve_kv,
	.worker_start = open_store,
	.options = option_table,
	.options_size = sizeof(struct options),
	.counters = counter_table,
	.worker_stop = close_store,
	.timer = optimize_store,
	.timer_ms = 60000,
};
