/* SPDX-License-Identifier: MIT */
#include "pool/program_notify.h"

#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/err.h"
#include "base/fds.h"
#include "base/log.h"
#include "config/config.h"
#include "pool/pool.h"
#include "pool/program.h"
#include "pool/source_rest.h"

#define MESSAGE_MOST 4096
#define AT_ONCE	     16 /* messages taken at once, before the socket rests */
#define DEPTH_MOST   16 /* generations of processes between a sender and its program */

/* The parent of PID; 0: the process has ended, or cannot be seen. */
static pid_t parent_of(pid_t pid)
{
	char path[64], text[512];
	const char *rest;
	int parent = 0;
	size_t n;
	FILE *f;

	(void)snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	f = fopen(path, "re");
	if (f == NULL)
		return 0;
	n = fread(text, 1, sizeof(text) - 1, f);
	(void)fclose(f);
	text[n] = '\0';
	rest = strrchr(text, ')'); /* the command name before it may contain any character */
	if (rest == NULL || sscanf(rest + 1, " %*c %d", &parent) != 1)
		return 0;
	return parent;
}

/*
 * May a process of user UID descend from a program of POOL? A program that begins as root can become anybody, and one
 * of a pool of another image may have had any user.
 */
static bool may_be_ours(const struct pool *pool, uid_t uid)
{
	uid_t own = pool->service->identity.uid;

	return uid == own || uid == 0 || own == 0 || pool->generation == NULL;
}

/* The program of POOL that the process PID is, or descends from; NULL: none. *ASKED_OUT: /proc was asked, which takes
 * long. */
static struct proc *find_program(const struct pool *pool, const struct ucred *who, bool *asked_out)
{
	pid_t pid = who->pid;

	*asked_out = false;
	for (int i = 0; i < DEPTH_MOST && pid > 1; i++) {
		struct proc *proc;

		HASH_FIND(by_pid, *pool->by_pid, &pid, sizeof(pid), proc);
		if (proc != NULL)
			return proc->pool == pool && proc->program != NULL ? proc : NULL;
		if (!may_be_ours(pool, who->uid))
			return NULL;
		*asked_out = true;
		pid = parent_of(pid);
	}
	return NULL;
}

/* Acts on each line of TEXT, which is changed. */
static void read_lines(struct proc *proc, char *text)
{
	char *line;

	while ((line = strsep(&text, "\n")) != NULL) {
		if (strcmp(line, "READY=1") == 0)
			program_said_ready(proc);
		else if (strncmp(line, "STATUS=", strlen("STATUS=")) == 0)
			program_said_status(proc, line + strlen("STATUS="));
		else if (strcmp(line, "WATCHDOG=1") == 0)
			program_said_alive(proc);
		else if (strcmp(line, "WATCHDOG=trigger") == 0)
			program_abort(proc, "it has said so itself (WATCHDOG=trigger)");
	}
}

/* The sender, as the kernel names it; pid 0: it does not. */
static struct ucred sender_of(struct msghdr *msg)
{
	struct ucred who = {.pid = 0};
	struct cmsghdr *c;

	for (c = CMSG_FIRSTHDR(msg); c != NULL; c = CMSG_NXTHDR(msg, c))
		if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_CREDENTIALS &&
		    c->cmsg_len == CMSG_LEN(sizeof(who)))
			memcpy(&who, CMSG_DATA(c), sizeof(who));
	return who;
}

enum taken {
	TAKEN_NONE,
	TAKEN_ONE,
	TAKEN_COSTLY, /* and no more for now */
};

static enum taken take_message(struct pool *pool)
{
	static struct log_limit strangers, long_ones;
	char text[MESSAGE_MOST + 1];
	union { /* aligned for the header; without room for descriptors (FDSTORE=1, BARRIER=1), which the kernel closes
		 */
		struct cmsghdr head;
		char room[CMSG_SPACE(sizeof(struct ucred))];
	} control;
	struct iovec iov = {.iov_base = text, .iov_len = MESSAGE_MOST};
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control)};
	struct log_about about = pool_about(pool);
	struct proc *proc;
	struct ucred who;
	unsigned missed;
	bool asked;
	ssize_t n;

	fds_drop_quickly(true);
	n = recvmsg(pool->notify->fd, &msg, MSG_DONTWAIT);
	fds_drop_quickly(false);
	if (n < 0)
		return errno == EINTR ? TAKEN_ONE : TAKEN_NONE;
	who = sender_of(&msg);
	proc = find_program(pool, &who, &asked);
	if (proc == NULL) {
		if (log_limit(&strangers, &missed))
			log_about(LOG_NOTICE, &about,
				  "process %d of user %u is no program of this service: what it "
				  "says on NOTIFY_SOCKET is not heard",
				  (int)who.pid, (unsigned)who.uid);
		return asked ? TAKEN_COSTLY : TAKEN_ONE;
	}
	if ((msg.msg_flags & MSG_TRUNC) != 0) {
		if (log_limit(&long_ones, &missed))
			log_about(LOG_NOTICE, &about,
				  "process %d says more than %d bytes at once on NOTIFY_SOCKET, "
				  "which is not heard",
				  (int)who.pid, MESSAGE_MOST);
		return TAKEN_ONE;
	}
	text[n] = '\0';
	read_lines(proc, text);
	return TAKEN_ONE;
}

static int on_message(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
	struct pool *pool = userdata;
	enum taken taken = TAKEN_ONE;

	(void)fd;
	(void)revents;
	for (int i = 0; i < AT_ONCE && taken == TAKEN_ONE; i++)
		taken = take_message(pool);
	if (taken != TAKEN_NONE)
		source_rest(source, &pool->notify->timer);
	return 0;
}

void program_notify_watch(struct pool *pool)
{
	static struct log_limit limit;
	struct program_notify *notify = pool->notify;
	struct log_about about = pool_about(pool);
	unsigned missed;
	int rc;

	/* no event loop: a rehearsal, and messages are for the running daemon */
	if (notify == NULL || notify->fd < 0 || notify->source != NULL || pool->event == NULL)
		return;
	rc = sd_event_add_io(pool->event, &notify->source, notify->fd, EPOLLIN, on_message, pool);
	if (rc >= 0) {
		/* as low as the output of programs (program_output.c), so that both get their turn after all else */
		(void)sd_event_source_set_priority(notify->source, SD_EVENT_PRIORITY_IDLE);
		return;
	}
	notify->source = NULL;
	if (log_limit(&limit, &missed))
		log_about(LOG_ERR, &about, "cannot hear what programs say on NOTIFY_SOCKET: %s; trying again",
			  strerror(-rc));
}

static struct program_notify *new_notify(struct pool *pool, int fd, struct err *err)
{
	pool->notify = calloc(1, sizeof(*pool->notify));
	if (pool->notify == NULL)
		return (void)err_set(err, "no memory for a pool"), NULL;
	pool->notify->fd = fd;
	return pool->notify;
}

int program_notify_open(struct pool *pool, struct err *err)
{
	struct program_notify *notify = new_notify(pool, -1, err);
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	uint64_t secret;
	const int yes = 1;
	size_t len;

	if (notify == NULL)
		return -1;
	if (getrandom(&secret, sizeof(secret), 0) != (ssize_t)sizeof(secret))
		return err_sys(err, "no random numbers");
	len = (size_t)snprintf(notify->name, sizeof(notify->name), "@preforkd-notify-%d-%016" PRIx64, (int)getpid(),
			       secret);
	memcpy(un.sun_path, notify->name, len);
	un.sun_path[0] = '\0';
	notify->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (notify->fd < 0)
		return err_sys(err, "cannot create the socket that programs notify through");
	if (setsockopt(notify->fd, SOL_SOCKET, SO_PASSCRED, &yes, sizeof(yes)) < 0 ||
	    bind(notify->fd, (struct sockaddr *)&un, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len)) < 0)
		return err_sys(err, "cannot bind the socket that programs notify through");
	program_notify_watch(pool);
	return 0;
}

int program_notify_adopt(struct pool *pool, int fd, const char *name, struct err *err)
{
	struct program_notify *notify = new_notify(pool, fd, err);

	if (notify == NULL)
		return -1;
	(void)snprintf(notify->name, sizeof(notify->name), "%s", name);
	program_notify_watch(pool);
	return 0;
}

bool program_notify_move(struct pool *pool, struct pool *former)
{
	if (former->notify == NULL || former->notify->fd < 0)
		return false;
	program_notify_close(pool);
	pool->notify = former->notify;
	former->notify = NULL;
	if (pool->notify->source != NULL)
		(void)sd_event_source_set_userdata(pool->notify->source, pool);
	return true;
}

void program_notify_close(struct pool *pool)
{
	struct program_notify *notify = pool->notify;

	pool->notify = NULL;
	if (notify == NULL)
		return;
	(void)sd_event_source_disable_unref(notify->timer);
	(void)sd_event_source_disable_unref(notify->source);
	fds_drop_quickly(true); /* a descriptor that a queued message holds must not delay the master (base/fds.h) */
	fd_close(&notify->fd);
	fds_drop_quickly(false);
	free(notify);
}
