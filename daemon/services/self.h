/* SPDX-License-Identifier: MIT */
/*
 * Worker and master. The service that this process runs code of: a worker runs one for life, the master runs one
 * module's init() or fini() at a time. Behind it are the calls of <preforkd/module.h> that need no connection.
 * File-level state, owned by self.c.
 */
#ifndef PREFORKD_SERVICES_SELF_H
#define PREFORKD_SERVICES_SELF_H

struct board_slot;
struct config_service;
struct loaded_module;

/*
 * From now on this process runs code of SERVICE (NULL: of none), and there is no reason for a refusal yet. MODULE:
 * collects what init() gives to preforkd_keep(); NULL outside of init(). SLOT: where a worker counts; NULL in the
 * master. What the pointers lead to must last until the next call.
 */
void self_set(const struct config_service *service, struct loaded_module *module, struct board_slot *slot);

/* The service's name; "" while there is none. */
const char *self_name(void);

/* Why init() or worker_start() refuses: the text of preforkd_fail(NULL, ...); "" if there was none. */
const char *self_reason(void);
void self_fail(const char *text);

/* Worker: starts the module's timer, if it has one. */
void self_timer_start(void);

/* Worker, between two clients: calls the module's timer function if it is due. */
void self_timer_run(void);

#endif
