/* SPDX-License-Identifier: MIT */
/*
 * A key-value store in one SQLite file, for many clients at once. A request is a line, and so is the answer:
 *
 *	SET KEY VALUE	OK
 *	GET KEY		VALUE text, or NONE
 *	DEL KEY		OK, or NONE
 *	COUNT		COUNT number
 *	QUIT		BYE, and the end
 *
 * What cannot be done is answered with ERROR and why. Each worker has the file open for itself.
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

/* One worker's, which serves one client at a time. */
static sqlite3 *db;
static sqlite3_stmt *get, *set, *del, *count;
static char *line;
static size_t line_size;

static int prepare(const char *sql, sqlite3_stmt **out)
{
	return sqlite3_prepare_v3(db, sql, -1, SQLITE_PREPARE_PERSISTENT, out, NULL);
}

/* Several workers begin at once, and what is asked for at first does not always wait for the others by itself. */
static int run(const char *sql, int64_t patience)
{
	int rc;

	for (;; patience -= 10) {
		rc = sqlite3_exec(db, sql, NULL, NULL, NULL);
		if (rc != SQLITE_BUSY || patience <= 0)
			return rc;
		(void)sqlite3_sleep(10);
	}
}

static int worker_start(void)
{
	const struct options *o = preforkd_options();

	line_size = (size_t)o->max_value + KEY_MOST + sizeof("SET  ");
	line = malloc(line_size);
	if (line == NULL)
		return preforkd_fail(NULL, "no memory");
	if (sqlite3_open(o->file, &db) != SQLITE_OK || run("PRAGMA journal_mode = WAL", o->busy) != SQLITE_OK ||
	    run(o->sync ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = NORMAL", o->busy) != SQLITE_OK ||
	    run("CREATE TABLE IF NOT EXISTS kv (key BLOB PRIMARY KEY, value BLOB) WITHOUT ROWID", o->busy) !=
		    SQLITE_OK ||
	    sqlite3_busy_timeout(db, (int)o->busy) != SQLITE_OK || /* not before: run() waits by itself */
	    prepare("SELECT value FROM kv WHERE key = ?", &get) != SQLITE_OK ||
	    prepare("INSERT INTO kv VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value", &set) !=
		    SQLITE_OK ||
	    prepare("DELETE FROM kv WHERE key = ?", &del) != SQLITE_OK ||
	    prepare("SELECT count(*) FROM kv", &count) != SQLITE_OK)
		return preforkd_fail(NULL, "%s: %s", o->file, sqlite3_errmsg(db));
	return 0;
}

static void worker_stop(void)
{
	(void)sqlite3_finalize(get);
	(void)sqlite3_finalize(set);
	(void)sqlite3_finalize(del);
	(void)sqlite3_finalize(count);
	(void)sqlite3_close(db); /* the last one tidies up the journal */
	free(line);
}

/* Idle moments: the file keeps itself in order. */
static void timer(void)
{
	(void)sqlite3_exec(db, "PRAGMA optimize", NULL, NULL, NULL);
}

static int refuse(struct preforkd_conn *conn, const char *why)
{
	preforkd_count(ERRORS, 1);
	return preforkd_printf(conn, "ERROR %s\r\n", why);
}

static int failed(struct preforkd_conn *conn)
{
	preforkd_log(conn, LOG_ERR, "%s", sqlite3_errmsg(db));
	return refuse(conn, sqlite3_errmsg(db));
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
	/* before the client gets it, which may take its time: until then the journal cannot begin anew, and grows */
	if (sqlite3_reset(get) != SQLITE_OK || (rc == SQLITE_ROW && value == NULL))
		return failed(conn);
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

/* SET and DEL: STATEMENT changes something, or it does not. */
static int change(struct preforkd_conn *conn, sqlite3_stmt *statement, unsigned counter)
{
	bool done = sqlite3_step(statement) == SQLITE_DONE;
	bool changed = done && sqlite3_changes(db) > 0;

	if (sqlite3_reset(statement) != SQLITE_OK || !done)
		return failed(conn);
	preforkd_count(counter, changed);
	return preforkd_printf(conn, changed ? "OK\r\n" : "NONE\r\n");
}

static int do_count(struct preforkd_conn *conn)
{
	long long n = sqlite3_step(count) == SQLITE_ROW ? (long long)sqlite3_column_int64(count, 0) : -1;

	return sqlite3_reset(count) == SQLITE_OK && n >= 0 ? preforkd_printf(conn, "COUNT %lld\r\n", n) : failed(conn);
}

/* LEN bytes of LINE: a word, a key, and the rest, each behind one space. 1: go on. */
static int answer(struct preforkd_conn *conn, size_t len)
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
		return refuse(conn, "a request is SET KEY VALUE, GET KEY, DEL KEY, COUNT or QUIT") < 0 ? -1 : 1;
	if (word_len == 3 && memcmp(line, "GET", 3) == 0 && value == NULL)
		return do_get(conn, key, key_len) < 0 ? -1 : 1;
	if (word_len == 3 && memcmp(line, "DEL", 3) == 0 && value == NULL) {
		(void)sqlite3_bind_blob(del, 1, key, (int)key_len, SQLITE_STATIC);
		return change(conn, del, DELETES) < 0 ? -1 : 1;
	}
	if (word_len == 3 && memcmp(line, "SET", 3) == 0 && value != NULL) {
		if (rest - key_len - 1 > (size_t)o->max_value)
			return refuse(conn, "the value is too long") < 0 ? -1 : 1;
		(void)sqlite3_bind_blob(set, 1, key, (int)key_len, SQLITE_STATIC);
		(void)sqlite3_bind_blob(set, 2, value + 1, (int)(rest - key_len - 1), SQLITE_STATIC);
		return change(conn, set, SETS) < 0 ? -1 : 1;
	}
	return refuse(conn, "a request is SET KEY VALUE, GET KEY, DEL KEY, COUNT or QUIT") < 0 ? -1 : 1;
}

static int serve(struct preforkd_conn *conn)
{
	size_t len;
	int got;

	do {
		got = preforkd_read_line(conn, line, line_size, &len);
		if (got > 0)
			got = answer(conn, len);
	} while (got > 0);
	if (got < 0 && errno == EMSGSIZE)
		(void)refuse(conn, "the request is too long");
	return got;
}

const struct preforkd_module preforkd_module = {
	.abi = PREFORKD_MODULE_ABI,
	.size = sizeof(preforkd_module),
	.name = "kv",
	.summary = "keeps values for keys in an SQLite file",
	.flags = PREFORKD_STREAM,
	.serve = serve,
	.worker_start = worker_start,
	.options = option_table,
	.options_size = sizeof(struct options),
	.counters = counter_table,
	.worker_stop = worker_stop,
	.timer = timer,
	.timer_ms = 60000,
};
