/* SPDX-License-Identifier: MIT */
/* A service with a gate, and clients that come to it. */
#ifndef PREFORKD_TESTS_GATE_CASE_H
#define PREFORKD_TESTS_GATE_CASE_H

#include <preforkd/module.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/log.h"
#include "base/signals.h"
#include "board/board.h"
#include "board/sources.h"
#include "config/config.h"
#include "gate/gate.h"
#include "net/networks.h"
#include "services/conn.h"
#include "services/deadline.h"

#include "../peers.h"
#include "../suite.h"

static struct config_service service;
static struct access_rule rules[2];
static struct board board;
static struct arena *arena __attribute__((used));
static struct sources *sources __attribute__((used)); /* reachable until the end, also where no test reads it */

static inline void setup(void)
{
	struct err err;

	memset(&service, 0, sizeof(service));
	service.name = (char *)"test";
	service.access.prefix4 = 32;
	service.access.prefix6 = 64;
	rules[0] = (struct access_rule){.allow = true, .text = "10.0.0.0/8"};
	rules[1] = (struct access_rule){.allow = false, .text = "10.1.0.0/16"};
	arena = arena_new();
	signals_harmless();
	deadline_init(true);
	log_set_level(LOG_EMERG);
	ck_assert_int_eq(board_create(&board, 1, 8, &err), 0);
	atomic_store(&board.head->workers_max, 8);
	sources = sources_new(256, &err);
	ck_assert_ptr_nonnull(sources);
}

static inline struct networks *network(const char *text, uint32_t value)
{
	struct networks_entry entry = {.value = value};
	struct err err;

	ck_assert_int_eq(network_parse(text, NULL, &entry.network, &err), 0);
	return networks_new(arena, &entry, 1);
}

/* ---- at the gate ---- */

struct visit { /* of one client, by the worker of one slot */
	struct gate gate;
	struct preforkd_conn conn;
	int client;
};

static inline void come(struct visit *visit, size_t slot, const char *from)
{
	struct sockaddr_any peer = at(from);
	int fds[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
	visit->client = fds[1];
	visit->gate =
		(struct gate){.head = board.head, .lane = &board.lanes[0], .slot = &board.slots[slot], .listener = -1};
	gate_open(&visit->gate, &service, sources, slot);
	board_peer_set(&board.slots[slot], &peer);
	conn_begin(&visit->conn, fds[0], &peer, &service, &board.slots[slot]);
}

static inline enum refusal ask(struct visit *visit, size_t slot, const char *from)
{
	come(visit, slot, from);
	return gate_admit(&visit->gate, &visit->conn, false);
}

static inline void go(struct visit *visit)
{
	gate_leave(&visit->gate);
	(void)close(visit->client); /* before conn_end(), which else waits for the client to close */
	conn_end(&visit->conn);
}

#endif
