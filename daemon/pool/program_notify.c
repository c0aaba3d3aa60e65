/* SPDX-License-Identifier: MIT */
#include "pool/program_notify.h"

#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
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

#define MESSAGE_MOST 4096
#define AT_ONCE	     64 /* messages of one look: the rest of the loop has its turn, too */
#define DEPTH_MOST   16 /* from a process up to the program that has started it, or its parent did */

/* 0: it is gone, or cannot be seen. */
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
	rest = strrchr(text, ')'); /* the name before it may hold anything */
	if (rest == NULL || sscanf(rest + 1, " %*c %d", &parent) != 1)
		return 0;
	return parent;
}

static struct proc *find_program(const struct pool *pool, pid_t pid)
{
	for (int i = 0; i < DEPTH_MOST && pid > 1; i++) {
		struct proc *proc;

		HASH_FIND(by_pid, *pool->by_pid, &pid, sizeof(pid), proc);
		if (proc != NULL)
			return proc->pool == pool && proc->program != NULL ? proc : NULL;
		pid = parent_of(pid);
	}
	return NULL;
}

/* In place: its lines, each without its newline. */
static void hear(struct proc *proc, char *text)
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

/* Pid 0 if it is not said. */
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

/* False: nothing more is there. */
static bool take_one(struct pool *pool)
{
	static struct log_limit strangers, long_ones;
	char text[MESSAGE_MOST + 1];
	union { /* aligned for its header; no room for descriptors (FDSTORE=1, BARRIER=1): the kernel closes them */
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
	ssize_t n;

	fds_drop_quickly(true);
	n = recvmsg(pool->notify.fd, &msg, MSG_DONTWAIT);
	fds_drop_quickly(false);
	if (n < 0)
		return errno == EINTR;
	who = sender_of(&msg);
	proc = find_program(pool, who.pid);
	if (proc == NULL) {
		if (log_limit(&strangers, &missed))
			log_about(LOG_NOTICE, &about,
				  "process %d of user %u is no program of this service: what it "
				  "says on NOTIFY_SOCKET is not heard",
				  (int)who.pid, (unsigned)who.uid);
		return true;
	}
	if ((msg.msg_flags & MSG_TRUNC) != 0) {
		if (log_limit(&long_ones, &missed))
			log_about(LOG_NOTICE, &about,
				  "process %d says more than %d bytes at once on NOTIFY_SOCKET, "
				  "which is not heard",
				  (int)who.pid, MESSAGE_MOST);
		return true;
	}
	text[n] = '\0';
	hear(proc, text);
	return true;
}

static int on_message(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
	(void)source;
	(void)fd;
	(void)revents;
	for (int i = 0; i < AT_ONCE && take_one(userdata); i++)
		;
	return 0;
}

static void watch(struct pool *pool)
{
	if (pool->event == NULL) /* a rehearsal: what is said is for the running daemon */
		return;
	if (sd_event_add_io(pool->event, &pool->notify.source, pool->notify.fd, EPOLLIN, on_message, pool) < 0)
		pool->notify.source = NULL;
	/* before what programs write is read (output.h), no more than that: both have their turn */
	else
		(void)sd_event_source_set_priority(pool->notify.source, SD_EVENT_PRIORITY_IDLE);
}

int program_notify_open(struct pool *pool, struct err *err)
{
	struct program_notify *server = &pool->notify;
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	uint64_t secret;
	const int yes = 1;
	size_t len;

	if (getrandom(&secret, sizeof(secret), 0) != (ssize_t)sizeof(secret))
		return err_sys(err, "no random numbers");
	len = (size_t)snprintf(server->name, sizeof(server->name), "@preforkd-notify-%d-%016" PRIx64, (int)getpid(),
			       secret);
	memcpy(un.sun_path, server->name, len);
	un.sun_path[0] = '\0';
	server->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (server->fd < 0)
		return err_sys(err, "cannot create the socket that programs notify through");
	if (setsockopt(server->fd, SOL_SOCKET, SO_PASSCRED, &yes, sizeof(yes)) < 0 ||
	    bind(server->fd, (struct sockaddr *)&un, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len)) < 0) {
		(void)err_sys(err, "cannot bind the socket that programs notify through");
		fd_close(&server->fd);
		return -1;
	}
	watch(pool);
	return 0;
}

void program_notify_adopt(struct pool *pool, int fd, const char *name)
{
	pool->notify.fd = fd;
	(void)snprintf(pool->notify.name, sizeof(pool->notify.name), "%s", name);
	if (fd >= 0)
		watch(pool);
}

void program_notify_close(struct pool *pool)
{
	pool->notify.source = sd_event_source_disable_unref(pool->notify.source);
	fds_drop_quickly(true);
	fd_close(&pool->notify.fd);
	fds_drop_quickly(false);
}
