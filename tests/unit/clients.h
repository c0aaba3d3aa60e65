/* SPDX-License-Identifier: MIT */
/* Clients that connect to one address without a pause, and count what becomes of them. */
#ifndef PREFORKD_TESTS_CLIENTS_H
#define PREFORKD_TESTS_CLIENTS_H

#include <check.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "net/addr.h"

#define CLIENTS_MAX 8

struct clients {
	struct sockaddr_any addr;
	atomic_bool over;
	atomic_int running;
	atomic_int answered; /* connected, and got a byte */
	atomic_int kept_out; /* refused, or not let in within the patience */
	atomic_int lost;     /* connected, and got none */
	atomic_int lost_code;
	pthread_t threads[CLIENTS_MAX];
	int n;
};

static inline void clients_patience(int fd, int which, int ms)
{
	struct timeval tv = {.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};

	(void)setsockopt(fd, SOL_SOCKET, which, &tv, sizeof(tv));
}

static inline void clients_one(struct clients *c)
{
	int fd = socket(c->addr.sa.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ssize_t got;
	char byte;

	clients_patience(fd, SO_SNDTIMEO, 100); /* of connect(2), too */
	clients_patience(fd, SO_RCVTIMEO, 5000);
	if (connect(fd, &c->addr.sa, c->addr.len) < 0) {
		c->kept_out++;
		(void)close(fd);
		return;
	}
	got = recv(fd, &byte, 1, 0);
	if (got == 1) {
		c->answered++;
	} else {
		c->lost_code = got < 0 ? errno : 0;
		c->lost++;
	}
	(void)close(fd);
}

static inline void *clients_run(void *arg)
{
	struct clients *c = arg;

	while (!c->over)
		clients_one(c);
	c->running--;
	return NULL;
}

static inline void clients_start(struct clients *c, const struct sockaddr_any *addr, int n)
{
	memset(c, 0, sizeof(*c));
	c->addr = *addr;
	c->n = n;
	c->running = n;
	for (int i = 0; i < n; i++)
		ck_assert_int_eq(pthread_create(&c->threads[i], NULL, clients_run, c), 0);
}

/* No client that was connected may have been lost. */
static inline void clients_end(struct clients *c)
{
	c->over = true;
	for (int i = 0; i < c->n; i++)
		(void)pthread_join(c->threads[i], NULL);
	ck_assert_msg(c->lost == 0, "%d clients lost, %d answered, %d kept out: %s", c->lost, c->answered, c->kept_out,
		      strerror(c->lost_code));
	ck_assert_int_gt(c->answered, 0);
}

/* Serves one client of a listener; false if nobody is there. */
static inline bool clients_serve_one(int listener)
{
	int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

	if (fd < 0)
		return false;
	ck_assert_int_eq(send(fd, "x", 1, MSG_NOSIGNAL), 1);
	(void)close(fd);
	return true;
}

#endif
