/* SPDX-License-Identifier: MIT */
/*
 * A fleet for unit tests: its pools and listeners are real, its services come from a text in the syntax of the
 * configuration, and its workers are made up (made_up_pool.h). The test turns the clock. Link with -Wl,--wrap=kill,
 * -Wl,--wrap=clock_ms, -Wl,--wrap=pool_start_worker and -Wl,--wrap=pool_start_held.
 */
#ifndef PREFORKD_TESTS_MADE_UP_FLEET_H
#define PREFORKD_TESTS_MADE_UP_FLEET_H

#include <pwd.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fds.h"
#include "base/log.h"
#include "config/load.h"
#include "fleet/fleet.h"
#include "fleet/fleet_open.h"
#include "net/inherited.h"
#include "pool/pool_leave.h"

#include "config_fakes.h"
#include "made_up_pool.h"

static int64_t made_up_now = 1000000;
static bool made_up_no_workers;	  /* no worker can be started */
static int made_up_proof_fd = -1; /* a copy of the worker's end of the last worker that was started held */

int64_t __wrap_clock_ms(void);							/* NOLINT: the linker's name */
struct proc *__wrap_pool_start_worker(struct pool *pool, size_t lane);		/* NOLINT */
struct proc *__wrap_pool_start_held(struct pool *pool, size_t lane, int proof); /* NOLINT */

int64_t __wrap_clock_ms(void) /* NOLINT */
{
	return made_up_now;
}

/* A worker that is not ready yet. */
static inline struct proc *made_up_start(struct pool *pool, size_t lane)
{
	struct proc *proc;

	if (made_up_no_workers)
		return NULL;
	proc = made_up_worker(pool, lane, SLOT_STARTING);
	proc->ready = false;
	proc->believed = false;
	proc->started_ms = made_up_now;
	return proc;
}

struct proc *__wrap_pool_start_worker(struct pool *pool, size_t lane) /* NOLINT */
{
	return made_up_start(pool, lane);
}

struct proc *__wrap_pool_start_held(struct pool *pool, size_t lane, int proof) /* NOLINT */
{
	struct proc *proc = made_up_start(pool, lane);

	if (proc != NULL)
		made_up_proof_fd = dup(proof);
	return proc;
}

/* Ends it as a worker that was ordered to leave ends. */
static inline void made_up_leave(struct proc *proc)
{
	atomic_store(&proc_slot(proc)->state, SLOT_LEAVING);
	pool_worker_gone(proc->pool, proc, 0, NULL);
}

static inline void made_up_hear(struct proc *proc)
{
	atomic_store(&proc_slot(proc)->has_heard, 1);
}

/* A generation of the services in SERVICES, as they stand between the braces of "services: { }". */
static inline struct generation *made_up_generation(const char *services, unsigned number)
{
	const struct passwd *pw = getpwuid(geteuid());
	char path[] = "/tmp/made_up_fleet.XXXXXX", user[128];
	const char *overrides[] = {user};
	struct config_source source = {
		.file = path, .overrides = overrides, .n_overrides = 1, .handlers = fake_handlers};
	struct problems *problems;
	struct generation *generation;
	struct config *config;
	int fd = mkstemp(path);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_gt(dprintf(fd, "services: {\n%s\n};\n", services), 0);
	(void)close(fd);
	(void)snprintf(user, sizeof(user), "user=%s", pw != NULL ? pw->pw_name : "");
	config = config_load(&source, &problems);
	(void)unlink(path);
	ck_assert_msg(config != NULL, "%s", problems_count(problems) > 0 ? problems_get(problems, 0)->text : "?");
	problems_free(&problems);
	generation = generation_new(config, number);
	ck_assert_ptr_nonnull(generation);
	return generation;
}

/* "NAME: { handler = "echo"; listen = an abstract unix socket of this process; KEYS };" Up to four at a time. */
static inline const char *made_up_service(const char *name, const char *keys)
{
	static char text[4][512];
	static unsigned next;
	char *out = text[next++ % 4];

	(void)snprintf(out, sizeof(text[0]), "%s: { handler = \"echo\"; listen = \"unix:@made_up_fleet-%d-%s\"; %s };",
		       name, (int)getpid(), name, keys);
	return out;
}

/* Several of them, without keys of their own: "a b c". */
static inline const char *made_up_services(const char *names)
{
	static char text[2048];
	char copy[128], *at;
	size_t len = 0;

	(void)snprintf(copy, sizeof(copy), "%s", names);
	text[0] = '\0';
	for (char *name = strtok_r(copy, " ", &at); name != NULL; name = strtok_r(NULL, " ", &at))
		len += (size_t)snprintf(text + len, sizeof(text) - len, "%s\n", made_up_service(name, ""));
	return text;
}

/* Each pool is open, and has N_WORKERS idle workers. */
static inline void made_up_fleet(struct fleet *fleet, const char *services, size_t n_workers)
{
	struct inherited_set inherited = {.n = 0};
	struct err err;

	log_set_level(LOG_EMERG);
	*fleet = (struct fleet){.dead = -1, .started_ms = made_up_now, .generation = made_up_generation(services, 1)};
	ck_assert_int_ge(sd_event_new(&fleet->event), 0);
	ck_assert_msg(fleet_open(fleet, &inherited, &err) == 0, "%s", err.text);
	for (size_t i = 0; i < fleet->n_pools; i++)
		for (size_t k = 0; k < n_workers; k++)
			(void)made_up_worker(fleet->pools[i], 0, SLOT_IDLE);
}

/* Can a client connect to the service NAME of made_up_service()? */
static inline bool made_up_connects(const char *name)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), rc;
	int len = snprintf(addr.sun_path + 1, sizeof(addr.sun_path) - 1, "made_up_fleet-%d-%s", (int)getpid(), name);

	ck_assert_int_ge(fd, 0);
	rc = connect(fd, (const struct sockaddr *)&addr,
		     (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)len));
	(void)close(fd);
	return rc == 0;
}

#endif
