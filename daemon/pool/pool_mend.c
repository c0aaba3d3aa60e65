/* SPDX-License-Identifier: MIT */
#include "pool/pool_mend.h"

#include <inttypes.h>
#include <preforkd/module.h>
#include <utlist.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "config/config.h"
#include "listeners/listener_mend.h"
#include "pool/pool.h"
#include "pool/pool_leave.h"
#include "pool/proc.h"

static bool runs_programs(const struct config_service *service)
{
	return service->program.runs || (service->handler != NULL && (service->handler->flags & PREFORKD_COMMAND) != 0);
}

static size_t count_procs(const struct pool *pool, size_t lane, bool only_busy)
{
	const struct proc *proc;
	size_t n = 0;

	DL_FOREACH (pool->procs, proc)
		n += proc->lane == lane && (!only_busy || proc_state(proc) == SLOT_BUSY);
	return n;
}

/* A program that was given the datagrams of a socket may connect it for as long as it runs; its worker disconnects it
 * afterwards. */
static bool is_borrowed(const struct pool *pool, size_t lane)
{
	return pool->listeners[lane].key.datagram && !pool->service->program.runs && runs_programs(pool->service) &&
	       count_procs(pool, lane, true) > 0;
}

static void log_trouble(const struct pool *pool, const struct listener *listener, enum listen_trouble trouble,
			enum listener_mended mended, const struct err *err)
{
	const char *who = runs_programs(pool->service) ? "a program" : "a process";
	struct log_about about = pool_about(pool);

	if (trouble == LISTEN_CONNECTED)
		log_about(LOG_ERR, &about,
			  "%s: %s has connected it (connect(2)) for all, so that it received from one peer only; %s",
			  listener->text, who, mended == LISTENER_NOT_MENDED ? err->text : "it is disconnected again");
	else
		log_about(LOG_ERR, &about,
			  "%s: %s has shut it down (shutdown(2)) for all, where it should close it; %s%s",
			  listener->text, who, mended == LISTENER_NOT_MENDED ? "it does not listen: " : "",
			  mended == LISTENER_NOT_MENDED ? err->text
			  : mended == LISTENER_ANEW	? "it is bound anew"
							: "it listens again");
}

/* An administrator has done that: a reload makes it good, and not we by ourselves. */
static void warn_of_trouble(const struct pool *pool, struct listener *listener, enum listen_trouble trouble)
{
	struct log_about about = pool_about(pool);

	listener->trouble = trouble;
	if (listener->told)
		return;
	listener->told = true;
	log_about(LOG_WARNING, &about, "%s: %s, so that clients cannot reach it; a reload binds it anew",
		  listener->text,
		  trouble == LISTEN_NO_PATH ? "its path was removed, or is another socket's"
					    : "the interface that it is bound to is gone");
}

/* A program of its own may choose its backlog. */
static void mend_backlog(const struct pool *pool, struct listener *listener)
{
	static struct log_limit limit;
	struct log_about about = pool_about(pool);
	unsigned missed;
	int64_t found;

	if (!pool->service->program.runs && listener_mend_backlog(listener, pool->service, &found) &&
	    log_limit(&limit, &missed))
		log_about(LOG_ERR, &about,
			  "%s: a process has changed its backlog to %" PRId64 " (listen(2)) for all; it is %" PRId64
			  " again",
			  listener->text, found, listener->backlog);
}

static void mend_lane(struct pool *pool, size_t lane)
{
	struct listener *listener = &pool->listeners[lane];
	enum listen_trouble trouble = listener_look(listener);
	enum listener_mended mended;
	struct err err;

	listener->trouble = LISTEN_WELL;
	if (trouble == LISTEN_WELL)
		mend_backlog(pool, listener);
	if (trouble == LISTEN_NO_PATH || trouble == LISTEN_NO_DEVICE) {
		warn_of_trouble(pool, listener, trouble);
		return;
	}
	if (trouble == LISTEN_WELL || (trouble == LISTEN_CONNECTED && is_borrowed(pool, lane)))
		return;
	mended = listener_mend(listener, pool->service, &err);
	if (mended == LISTENER_ANEW || listener->lost)
		pool_retire(pool, (ssize_t)lane);
	if (mended != LISTENER_NOT_MENDED) {
		listener->mended++;
		listener->mended_ms = clock_ms();
		listener->told = false;
		log_trouble(pool, listener, trouble, mended, &err);
		return;
	}
	listener->trouble = trouble;
	if (listener->told || (listener->lost && count_procs(pool, lane, false) > 0))
		return; /* workers that have not left yet may have the address */
	listener->told = true;
	log_trouble(pool, listener, trouble, mended, &err);
}

int pool_renew_listeners(struct pool *pool, unsigned *n_out, struct err *err)
{
	struct log_about about = pool_about(pool);
	int rc = 0;

	for (size_t i = 0; i < pool->n_lanes; i++) {
		struct listener *listener = &pool->listeners[i];
		enum listen_trouble trouble = listener_look(listener);
		struct err why;

		if (trouble != LISTEN_NO_PATH && trouble != LISTEN_NO_DEVICE)
			continue;
		if (listener_mend(listener, pool->service, &why) == LISTENER_NOT_MENDED) {
			rc = err_set(err, "services.%s: %s: %s", pool->service->name, listener->text, why.text);
			continue;
		}
		pool_retire(pool, (ssize_t)i); /* its workers have the former socket */
		listener->trouble = LISTEN_WELL;
		listener->told = false;
		listener->mended++;
		listener->mended_ms = clock_ms();
		log_about(LOG_NOTICE, &about, "%s: it is bound anew", listener->text);
		++*n_out;
	}
	return rc;
}

void pool_mend_listeners(struct pool *pool)
{
	pool->suspects = false;
	for (size_t i = 0; i < pool->n_lanes; i++)
		mend_lane(pool, i);
}
