/* SPDX-License-Identifier: MIT */
#include "master/rehearsal.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <utlist.h>

#include "base/err.h"
#include "base/fds.h"
#include "base/parse.h"
#include "config/config.h"
#include "master/handover.h"
#include "master/listener.h"
#include "master/offers.h"
#include "master/pools.h"
#include "master/state.h"
#include "master/trial.h"

#define HANDOVER "PREFORKD_HANDOVER"
#define REHEARSAL "PREFORKD_REHEARSAL"

/* ---- the old image ---- */

void rehearsal_export(int handover, bool rehearsal)
{
	char number[16];

	(void)snprintf(number, sizeof(number), "%d", handover);
	(void)setenv(HANDOVER, number, 1);
	if (rehearsal)
		(void)setenv(REHEARSAL, "1", 1);
	(void)fcntl(handover, F_SETFD, 0);
}

void rehearsal_unexport(void)
{
	(void)unsetenv(HANDOVER);
	(void)unsetenv(REHEARSAL);
}

/* In the child: becomes the new binary, with the same descriptors that it will have later. */
static int run(void *arg, int out)
{
	const struct master *master = arg;
	json_t *handover = handover_collect(master, 0);
	sigset_t none;
	struct err err;
	int fd;

	(void)dup2(out, STDERR_FILENO);
	/* what the daemon says of itself is not the rehearsal's to say */
	(void)unsetenv("NOTIFY_SOCKET");
	fd = handover_write(handover, &err);
	if (fd < 0) {
		(void)fprintf(stderr, "%s\n", err.text);
		return EX_OSERR;
	}
	handover_keep(handover, true);
	rehearsal_export(fd, true);
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	(void)execve(master->launch->binary, master->launch->argv, environ);
	(void)fprintf(stderr, "cannot execute %s: %s\n", master->launch->binary, strerror(errno));
	return EX_OSERR;
}

int rehearsal_start(struct trial *trial, struct master *master,
		    void (*done)(struct trial *trial, void *userdata), void *userdata, struct err *err)
{
	return trial_start(trial, master->event, run, master, REHEARSAL_MS, done, userdata, err);
}

/* ---- the new image ---- */

bool rehearsal_is_one(void)
{
	return getenv(REHEARSAL) != NULL && getenv(HANDOVER) != NULL;
}

/* -1: there is none. */
static int find_fd(void)
{
	const char *text = getenv(HANDOVER);
	int64_t number;

	if (text == NULL || parse_integer(text, &number, NULL) < 0 || number < 3 || number > INT_MAX ||
	    fcntl((int)number, F_SETFD, FD_CLOEXEC) < 0)
		return -1;
	return (int)number;
}

bool rehearsal_in_background(void)
{
	int fd = find_fd();
	json_t *handover = fd >= 0 ? handover_read(fd, getpid(), NULL) : NULL;
	bool background = json_is_true(json_object_get(handover, "background"));

	json_decref(handover);
	return background;
}

int rehearsal_handover(json_t **out, struct err *err)
{
	bool expected = getenv(HANDOVER) != NULL;
	int fd = find_fd();

	*out = NULL;
	rehearsal_unexport();
	if (!expected)
		return 0;
	if (fd < 0)
		return err_set(err, HANDOVER " is set, but there is nothing behind it");
	*out = handover_read(fd, getpid(), err);
	fd_close(&fd);
	return *out != NULL ? 0 : -1;
}

/* Every listener of the configuration can be had: lent by what is handed over, or bound. */
static int try_listeners(struct master *master, struct err *err)
{
	const struct config *config = master->generation->config;
	struct listener_offers offers;
	struct err why;
	int rc = 0;

	if (offers_collect(master, &offers, err) < 0)
		return -1;
	for (size_t i = 0; i < config->n_services && rc == 0; i++) {
		struct listener *listeners;
		size_t n;

		rc = listener_open_all(&config->services[i], &offers, NULL, 0, &listeners, &n, &why);
		if (rc < 0)
			(void)err_set(err, "services.%s: %s", config->services[i].name, why.text);
		else
			listener_give_back(listeners, n);
	}
	offers_clear(&offers);
	return rc;
}

/* The listeners are the running daemon's: this process ends without closing them in any way that others feel. */
static void forget(struct master *master)
{
	struct pool *pool;

	DL_FOREACH (master->ending, pool)
		for (size_t i = 0; i < pool->n_lanes; i++) {
			pool->listeners[i].path.ino = 0;
			fd_close(&pool->listeners[i].fd);
		}
}

int rehearsal_run(const struct launch *launch, struct config *config)
{
	struct generation generation = {.config = config, .refs = 2};
	struct master master = {.launch = launch, .generation = &generation, .dead = -1};
	json_t *handover;
	struct err err;
	int rc = rehearsal_handover(&handover, &err);

	if (rc == 0)
		rc = handover_restore(&master, handover, &err);
	if (rc == 0)
		rc = try_listeners(&master, &err);
	forget(&master);
	json_decref(handover);
	if (rc < 0) {
		(void)fprintf(stderr, "%s\n", err.text);
		return EX_OSERR;
	}
	(void)fputs(".\n", stderr);
	return EX_OK;
}
