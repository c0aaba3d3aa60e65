/* SPDX-License-Identifier: MIT */
#include "upgrade/rehearsal.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>
#include <utlist.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/escape.h"
#include "base/fds.h"
#include "base/trial.h"
#include "change/launch.h"
#include "change/operation.h"
#include "config/config.h"
#include "fleet/fleet.h"
#include "fleet/lenders.h"
#include "listeners/control_socket.h"
#include "listeners/listener.h"
#include "pool/pool_leave.h"
#include "pool/pool_new.h"
#include "pool/pool_start.h"
#include "sandbox/walls.h"
#include "upgrade/handover.h"
#include "upgrade/handover_env.h"
#include "worker/proof.h"

#define SPARE_FDS 12 /* for the event loop of the new image, and for descriptors that are open for a moment */

/* ---- the old image ---- */

/* In the child: executes the new binary, with the descriptors that it will have later. */
static int execute_binary(void *arg, int out)
{
	const struct operations *ops = arg;
	json_t *handover = handover_collect(ops, 0);
	sigset_t none;
	struct err err;
	int fd;

	(void)dup2(out, STDERR_FILENO);
	/* the service manager must not take a message of the rehearsal for one of the daemon */
	(void)unsetenv("NOTIFY_SOCKET");
	fd = handover_write(handover, &err);
	if (fd < 0) {
		(void)fprintf(stderr, "%s\n", err.text);
		return EX_OSERR;
	}
	handover_keep(handover, true);
	if (handover_env_set(fd, true, &err) < 0) {
		(void)fprintf(stderr, "%s\n", err.text);
		return EX_OSERR;
	}
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	(void)execve(ops->launch->binary, ops->launch->argv, environ);
	(void)fprintf(stderr, "cannot execute %s: %s\n", ops->launch->binary, strerror(errno));
	return EX_OSERR;
}

int rehearsal_start(struct trial *trial, struct operations *ops, void (*done)(struct trial *trial, void *userdata),
		    void *userdata, struct err *err)
{
	return trial_start(trial, ops->fleet->event, execute_binary, ops, REHEARSAL_MS, done, userdata, err);
}

/* ---- the new image ---- */

/* Starts a worker that proves its set-up, and kills it before it has taken a client. */
static int try_worker(struct pool *pool, struct err *err)
{
	char message[1 + PROOF_TEXT_MAX], text[PROOF_TEXT_MAX + 64];
	struct proc *proc;
	int ends[2], status = 0;
	ssize_t n;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		return err_sys(err, "cannot make a socket pair");
	proc = pool_start_held(pool, 0, ends[1]);
	fd_close(&ends[1]);
	if (proc == NULL) {
		fd_close(&ends[0]);
		return err_set(err, "no worker could be started");
	}
	n = recv(ends[0], message, sizeof(message), 0); /* REHEARSAL_MS bounds the wait */
	fd_close(&ends[0]);
	proc->leaving = true;
	proc->kill_ms = clock_ms(); /* the log must not mention a crash */
	(void)kill(proc->pid, SIGKILL);
	(void)waitpid(proc->pid, &status, 0);
	pool_worker_gone(pool, proc, status, NULL);
	if (n > 0 && message[0] == PROOF_PROVEN)
		return 0;
	if (n <= 0 || message[0] != PROOF_FAILED)
		return err_set(err, "a worker died before it could serve");
	(void)escape_bytes(message + 1, (size_t)n - 1, text, sizeof(text));
	return err_set(err, "a worker could not start: %s", text);
}

/* Makes the pool of SERVICE as the new image will do: with borrowed listeners, or ones that are bound here. */
static int try_pool(struct operations *ops, const struct config_service *service, const struct listener_offers *offers,
		    struct err *err)
{
	struct pool_parts parts = fleet_parts(ops->fleet, ops->fleet->generation, service, NULL);
	struct pool *pool;

	if (walls_demand(service, err) < 0 ||
	    listener_open_all(service, offers, NULL, 0, &parts.listeners, &parts.n_listeners, err) < 0)
		return -1;
	pool = pool_new(&parts, err);
	if (pool == NULL)
		return -1;
	ops->fleet->pools[ops->fleet->n_pools++] = pool;
	/* a program is not started: it would accept clients at once, and they would be lost with it */
	return service->program.runs ? 0 : try_worker(pool, err);
}

/* After the exec there is no way back, so a lack of descriptors must be found here. */
static int try_descriptors(const struct operations *ops, struct err *err)
{
	for (int i = 0; i < SPARE_FDS; i++)
		if (fcntl(ops->fleet->dead, F_DUPFD_CLOEXEC, 3) < 0)
			return err_sys(err, "not enough descriptors (RLIMIT_NOFILE)");
	return 0;
}

static int try_all(struct operations *ops, struct err *err)
{
	const struct config *config = ops->fleet->generation->config;
	struct listener_offers offers;
	struct err why;
	int rc = 0;

	ops->fleet->pools = calloc(config->n_services, sizeof(struct pool *));
	if (ops->fleet->pools == NULL)
		return err_set(err, "no memory for %zu services", config->n_services);
	if (control_socket_try(&ops->control, &config->control, err) < 0 ||
	    lenders_collect(ops->fleet, &offers, err) < 0)
		return -1;
	for (size_t i = 0; i < config->n_services && rc == 0; i++) {
		const struct config_service *service = &config->services[i];

		if (service->optional)
			continue; /* if it cannot be had, it waits, and what serves now serves on */
		rc = try_pool(ops, service, &offers, &why);
		if (rc < 0)
			(void)err_set(err, "services.%s: %s", service->name, why.text);
	}
	lenders_clear(&offers);
	return rc == 0 ? try_descriptors(ops, err) : rc;
}

/* The listeners belong to the running daemon: this process closes its copies, and removes no path. */
static void forget_pools(struct operations *ops)
{
	struct pool *pool;

	for (size_t i = 0; i < ops->fleet->n_pools; i++)
		pool_free(&ops->fleet->pools[i]); /* closes what was bound here, and nothing that is borrowed */
	free(ops->fleet->pools);
	DL_FOREACH (ops->fleet->retiring, pool)
		for (size_t i = 0; i < pool->n_lanes; i++) {
			pool->listeners[i].path.ino = 0;
			fd_close(&pool->listeners[i].fd);
		}
}

int rehearsal_run(const struct launch *launch, struct config *config)
{
	struct generation generation = {.config = config, .refs = 2};
	struct fleet fleet = {.generation = &generation, .dead = -1};
	struct operations ops = {.fleet = &fleet, .launch = launch};
	json_t *handover;
	sigset_t all;
	struct err err;
	int rc = handover_env_take(&handover, &err);

	(void)sigfillset(&all); /* as the master has them when it starts workers */
	(void)sigprocmask(SIG_BLOCK, &all, NULL);
	if (rc == 0) {
		fleet.dead = fd_dead(&err);
		rc = fleet.dead < 0 ? -1 : handover_restore(&ops, handover, &err);
	}
	if (rc == 0)
		rc = try_all(&ops, &err);
	forget_pools(&ops);
	json_decref(handover);
	if (rc < 0) {
		(void)fprintf(stderr, "%s\n", err.text);
		return EX_OSERR;
	}
	(void)fputs(".\n", stderr);
	return EX_OK;
}
