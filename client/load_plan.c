/* SPDX-License-Identifier: MIT */
#include "load_plan.h"

#include <stdlib.h>
#include <sys/socket.h>
#include <sysexits.h>

#include "base/err.h"
#include "base/fds.h"
#include "dial.h"
#include "load_content.h"

int load_plan_check(struct load_plan *plan, struct err *err)
{
	if (plan->hold && (plan->total > 0 || plan->duration_ns > 0))
		return err_set(err, "--hold makes one exchange a client: neither -n nor -t goes with it");
	if (plan->hold && plan->keep)
		return err_set(err, "--hold and --keep exclude each other");
	if (plan->reply == LOAD_REPLY_EOF && (plan->hold || plan->keep))
		return err_set(err, "-r eof ends the connection: neither --keep nor --hold goes with it");
	if (plan->hold && plan->rate > 0)
		return err_set(err, "--hold opens all connections at once: --rate does not go with it");
	if (plan->threads > plan->clients)
		return err_set(err, "%u threads have nothing to do with %u clients (-c)", plan->threads, plan->clients);
	if (plan->keep && plan->request_size == 0)
		return err_set(err, "--keep needs a request of one byte at least");
	if (plan->hold)
		plan->total = plan->clients;
	else if (plan->total == 0 && plan->duration_ns == 0)
		plan->total = 1000;
	return 0;
}

/* Among several addresses the first that answers is used; a single address is not tried before. 0 or an exit status. */
static int choose_target(struct load_plan *plan, struct err *err)
{
	struct sockaddr_any targets[DIAL_TARGETS_MAX];
	int n = addr_resolve(&plan->addr, targets, DIAL_TARGETS_MAX, err);
	struct dial_way way = {.index = 0};
	struct sockaddr_any *target = &plan->target;

	if (n < 0)
		return EX_UNAVAILABLE;
	if (n > 1) {
		int fd = dial_any(targets, (size_t)n, SOCK_STREAM, (int64_t)(plan->timeout_ns / 1000000), &way, err);

		if (fd < 0)
			return dial_status(err->code);
		fd_close(&fd);
	}
	*target = targets[way.index];
	if (plan->sources > 0 && (target->sa.sa_family != AF_INET || ntohl(target->in.sin_addr.s_addr) >> 24 != 127)) {
		(void)err_set(err, "--sources goes with an address in 127.0.0.0/8 only");
		return EX_USAGE;
	}
	return 0;
}

int load_plan_prepare(struct load_plan *plan, struct err *err)
{
	int status = choose_target(plan, err);

	if (status != 0)
		return status;
	if (plan->content == NULL)
		plan->content = load_content_make(plan->request_size, err);
	return plan->content == NULL ? EX_OSERR : 0;
}

void load_plan_free(struct load_plan *plan)
{
	free(plan->content);
	plan->content = NULL;
}
