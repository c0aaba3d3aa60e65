/* SPDX-License-Identifier: MIT */
#include "services/program_death.h"

#include <preforkd/module.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/exit_text.h"
#include "base/log.h"
#include "base/message_ids.h"
#include "board/board.h"
#include "board/death.h"
#include "config/config.h"
#include "config/limit_table.h"
#include "sandbox/group.h"
#include "services/conn.h"

static struct death last; /* one process, one connection, one program at a time */

static int status_of(const siginfo_t *info)
{
	if (info->si_code == CLD_EXITED)
		return W_EXITCODE(info->si_status, 0);
	return W_EXITCODE(0, info->si_status) | (info->si_code == CLD_DUMPED ? WCOREFLAG : 0);
}

/* Its failure, even if a client that only probes the port would have closed as well. */
static int fail(struct preforkd_conn *conn)
{
	char how[128];

	conn->unserved = true;
	if (WIFEXITED(last.status))
		return preforkd_fail(conn, "%s exited with status %d", conn->service->command[0],
				     WEXITSTATUS(last.status));
	conn->reset = conn->service->on_cut == ON_CUT_RESET;
	exit_text(last.status, how, sizeof(how));
	return preforkd_fail(conn, "%s %s", conn->service->command[0], how);
}

int program_death_note(struct preforkd_conn *conn, pid_t pid, const siginfo_t *info, const struct rusage *usage)
{
	int64_t now = clock_ms();

	last = (struct death){
		.at_ms = now,
		.pid = pid,
		.kind = DEATH_PROGRAM,
		.status = status_of(info),
		.age_ms = now > conn->start_ms ? now - conn->start_ms : 0,
	};
	death_set_usage(&last, usage);
	packed_address_set(last.peer, &conn->peer);
	packed_address_set(last.via, &conn->via);
	death_explain(&last);
	if (WIFSIGNALED(last.status) && WTERMSIG(last.status) == SIGKILL && group_oom_kills() > 0)
		(void)snprintf(last.reason, sizeof(last.reason), "the kernel killed it for want of memory");
	if (WIFSIGNALED(last.status) && last.reason[0] == '\0')
		(void)limit_table_blame(&conn->service->limits, WTERMSIG(last.status), "", last.reason,
					sizeof(last.reason));
	conn->death = &last;
	return fail(conn);
}

/* The limits look at the client now and then only, so `greeted` may be late, and the bytes say more. */
static enum death_phase phase_of(const struct preforkd_conn *conn)
{
	if (conn->slot == NULL || conn->in > 0 || conn->out > 0)
		return DEATH_SERVING;
	return atomic_load_explicit(&conn->slot->greeted, memory_order_relaxed) != 0 ? DEATH_SERVING : DEATH_WAITING;
}

void program_death_publish(struct preforkd_conn *conn)
{
	if (conn->death == NULL)
		return;
	last.in = conn->in;
	last.out = conn->out;
	last.phase = phase_of(conn);
	if (conn->slot != NULL)
		death_record_write(&conn->slot->death, &last);
}

void program_death_log(struct preforkd_conn *conn, int priority, const char *tail)
{
	char details[DEATH_DETAILS_MAX], fields[DEATH_FIELDS_MAX];
	struct log_about about = {
		.service = preforkd_service(conn),
		.worker = getpid(),
		.message_id = MESSAGE_ID_PROGRAM_DIED,
		.fields = death_fields(conn->death, fields, sizeof(fields)),
	};

	if (conn->ordered_to_leave == NULL) /* else the datagrams of many peers come here */
		about.peer = preforkd_peer(conn);
	log_about(priority, &about, "%s%s%s", conn->reason, death_details(conn->death, details, sizeof(details)), tail);
}
