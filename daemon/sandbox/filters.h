/* SPDX-License-Identifier: MIT */
/*
 * Master, and inherited by workers. The compiled filters of system calls: at most one of each kind, made before the
 * first worker that needs it. A worker only hands it to the kernel, and libseccomp takes memory in neither of them.
 */
#ifndef PREFORKD_SANDBOX_FILTERS_H
#define PREFORKD_SANDBOX_FILTERS_H

#include <linux/filter.h>
#include <stdbool.h>

struct config_service;
struct err;

enum filter_kind {
	FILTER_REFUSES, /* forbidden calls fail with EPERM */
	FILTER_REFUSES_STRICT,
	FILTER_TELLS, /* forbidden calls wait for the answer of the worker that has the listener (violations.h) */
	FILTER_TELLS_STRICT,
	FILTER_BUILTIN, /* all calls that a built-in service does not make end the worker */
	FILTER_PROXY,	/* the same for the handler "proxy" */
	FILTER_KINDS,
	FILTER_NONE = FILTER_KINDS,
};

/* The kind that workers of SERVICE take; and where those cannot have a listener, the one in its place. */
enum filter_kind filters_kind(const struct config_service *service);
enum filter_kind filters_without_listener(enum filter_kind kind);

/* A forbidden call ends the process, with SIGSYS. */
bool filters_end_the_process(enum filter_kind kind);

/* Master: makes what workers of SERVICE need, unless it is there. -1 and *err. */
int filters_prepare(const struct config_service *service, struct err *err);

/* NULL: it was not made. */
const struct sock_fprog *filters_get(enum filter_kind kind);

#endif
