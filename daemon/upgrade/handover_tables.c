/* SPDX-License-Identifier: MIT */
#include "upgrade/handover_tables.h"

#include "board/board.h"
#include "board/death.h"
#include "board/sources.h"
#include "change/jobs.h"
#include "change/operation.h"
#include "config/config.h"
#include "fleet/member.h"
#include "listeners/listener.h"
#include "pool/pool.h"
#include "pool/proc.h"
#include "pool/program.h"
#include "pool/program_notify.h"
#include "pool/totals.h"
#include "pool/worker_output.h"
#include "upgrade/handover.h"

/* Defines NAME_table, from the rows NAME_rows. */
#define TABLE(name, what)                                                                                              \
	const struct row_table name##_table = {what, name##_rows, sizeof(name##_rows) / sizeof(struct row)}

static const struct row head_rows[] = {
	ROW(ROW_SIGNED, struct handover_head, format, "format"),
	ROW(ROW_SIGNED, struct handover_head, pid, "pid"),
	ROW(ROW_UNSIGNED, struct handover_head, job, "job"),
	ROW(ROW_TEXT, struct handover_head, version, "version"),
	ROW(ROW_UNSIGNED, struct handover_head, generation, "generation"),
	ROW(ROW_SIGNED, struct handover_head, started_ms, "started"),
	ROW(ROW_BOOL, struct handover_head, background, "background"),
	ROW(ROW_BOOL, struct handover_head, drained, "drained"),
	ROW(ROW_UNSIGNED, struct handover_head, drain_job, "drain_job"),
};
TABLE(head, "head");

static const struct row control_rows[] = {
	ROW(ROW_FD, struct handover_control, fd, "fd"),
	ROW(ROW_STRING, struct handover_control, path, "path"),
	ROW(ROW_UNSIGNED, struct handover_control, mark.dev, "dev"),
	ROW(ROW_UNSIGNED, struct handover_control, mark.ino, "ino"),
};
TABLE(control, "control socket");

static const struct row jobs_rows[] = {
	ROW(ROW_UNSIGNED, struct jobs, last, "last"),
};
TABLE(jobs, "list of jobs");

static const struct row job_rows[] = {
	ROW(ROW_UNSIGNED, struct job, number, "number"),
	ROW(ROW_BOOL, struct job, done, "done"),
	ROW(ROW_BOOL, struct job, success, "success"),
	ROW(ROW_TEXT, struct job, text, "text"),
};
TABLE(job, "job");

static const struct row member_rows[] = {
	ROW(ROW_BOOL, struct member, paused, "paused"),
	ROW(ROW_BOOL, struct member, resized.is_set, "resized"),
	ROW(ROW_SIGNED, struct member, resized.min, "min"),
	ROW(ROW_SIGNED, struct member, resized.max, "max"),
};
TABLE(member, "service");

static const struct row operation_rows[] = {
	ROW(ROW_UNSIGNED, struct operation, job, "job"),
	ROW(ROW_SIGNED, struct operation, min, "min"),
	ROW(ROW_SIGNED, struct operation, max, "max"),
};
TABLE(operation, "waiting order");

static const struct row sources_rows[] = {
	ROW(ROW_FD, struct sources, fd, "fd"),
	ROW(ROW_UNSIGNED, struct sources, n_records, "records"),
	ROW(ROW_UNSIGNED, struct sources, secret[0], "secret0"),
	ROW(ROW_UNSIGNED, struct sources, secret[1], "secret1"),
};
TABLE(sources, "table of sources");

static const struct row pool_rows[] = {
	ROW(ROW_SIGNED, struct pool, limits.min, "min"),
	ROW(ROW_SIGNED, struct pool, limits.max, "max"),
	ROW(ROW_SIGNED, struct pool, wind_down_ms, "wind_down"),
	ROW(ROW_BOOL, struct pool, proved, "proved"),
	ROW(ROW_BOOL, struct pool, cut, "cut"),
	ROW(ROW_BOOL, struct pool, yields, "yields"),
	ROW(ROW_BOOL, struct pool, stays, "stays"),
};
TABLE(pool, "pool");

static const struct row targets_rows[] = {
	ROW(ROW_FD, struct pool, targets, "fd"),
};
TABLE(targets, "memory of upstreams");

/* As much of a service as its pool needs until it has ended, and as the next configuration is compared with. */
static const struct row service_rows[] = {
	ROW(ROW_STRING, struct config_service, name, "name"),
	ROW(ROW_SIGNED, struct config_service, backlog, "backlog"),
	ROW(ROW_SIGNED, struct config_service, timeouts.start, "start"),
	ROW(ROW_SIGNED, struct config_service, timeouts.drain, "drain"),
	ROW(ROW_BOOL, struct config_service, program.runs, "runs"),
	ROW(ROW_BOOL, struct config_service, program.notify, "notify"),
	ROW(ROW_SIGNED, struct config_service, program.watchdog, "watchdog"),
	ROW(ROW_SIGNED, struct config_service, program.stop_signal, "stop_signal"),
	ROW(ROW_SIGNED, struct config_service, program.log_rate, "log_rate"),
};
TABLE(service, "service");

static const struct row options_rows[] = {
	ROW(ROW_BOOL, struct socket_options, nodelay, "nodelay"),
	ROW(ROW_SIGNED, struct socket_options, keepalive, "keepalive"),
	ROW(ROW_SIGNED, struct socket_options, defer_accept, "defer_accept"),
	ROW(ROW_BOOL, struct socket_options, reuse_port, "reuse_port"),
	ROW(ROW_BOOL, struct socket_options, v6only, "v6only"),
	ROW(ROW_SIGNED, struct socket_options, rcvbuf, "rcvbuf"),
	ROW(ROW_SIGNED, struct socket_options, sndbuf, "sndbuf"),
	ROW(ROW_SIGNED, struct socket_options, user_timeout, "user_timeout"),
	ROW(ROW_BOOL, struct socket_options, freebind, "freebind"),
	ROW(ROW_STRING, struct socket_options, device, "device"),
	ROW(ROW_UNSIGNED, struct socket_options, mode, "mode"),
	ROW(ROW_UNSIGNED, struct socket_options, owner, "owner"),
	ROW(ROW_UNSIGNED, struct socket_options, group, "group"),
};
TABLE(options, "set of socket options");

static const struct row board_rows[] = {
	ROW(ROW_FD, struct board, fd, "fd"),
	ROW(ROW_UNSIGNED, struct board, n_lanes, "lanes"),
	ROW(ROW_UNSIGNED, struct board, n_slots, "slots"),
};
TABLE(board, "board");

static const struct row counts_rows[] = {
	ROW(ROW_UNSIGNED, struct counts, accepted, "accepted"),
	ROW(ROW_UNSIGNED, struct counts, failed, "failed"),
	ROW(ROW_UNSIGNED, struct counts, bytes_in, "in"),
	ROW(ROW_UNSIGNED, struct counts, bytes_out, "out"),
	ROW(ROW_UNSIGNED, struct counts, violations, "violations"),
	ROW(ROW_UNSIGNED, struct counts, crashes, "crashes"),
	ROW(ROW_UNSIGNED, struct counts, probes, "probes"),
};
TABLE(counts, "set of totals");

static const struct row own_count_rows[] = {
	ROW(ROW_TEXT, struct own_count, name, "name"),
	ROW(ROW_UNSIGNED, struct own_count, n, "n"),
};
TABLE(own_count, "counter of a module");

static const struct row death_rows[] = {
	ROW(ROW_SIGNED, struct death, at_ms, "at"),	   ROW(ROW_SIGNED, struct death, pid, "pid"),
	ROW(ROW_UNSIGNED, struct death, kind, "kind"),	   ROW(ROW_UNSIGNED, struct death, phase, "phase"),
	ROW(ROW_SIGNED, struct death, status, "status"),   ROW(ROW_SIGNED, struct death, age_ms, "age"),
	ROW(ROW_UNSIGNED, struct death, in, "in"),	   ROW(ROW_UNSIGNED, struct death, out, "out"),
	ROW(ROW_SIGNED, struct death, cpu_us, "cpu"),	   ROW(ROW_SIGNED, struct death, max_rss, "max_rss"),
	ROW(ROW_UNSIGNED, struct death, peer[0], "peer0"), ROW(ROW_UNSIGNED, struct death, peer[1], "peer1"),
	ROW(ROW_UNSIGNED, struct death, peer[2], "peer2"), ROW(ROW_UNSIGNED, struct death, via[0], "via0"),
	ROW(ROW_UNSIGNED, struct death, via[1], "via1"),   ROW(ROW_UNSIGNED, struct death, via[2], "via2"),
	ROW(ROW_TEXT, struct death, reason, "reason"),
};
TABLE(death, "death");

static const struct row notify_rows[] = {
	ROW(ROW_FD, struct program_notify, fd, "fd"),
	ROW(ROW_TEXT, struct program_notify, name, "name"),
};
TABLE(notify, "notify socket");

static const struct row listener_rows[] = {
	ROW(ROW_FD, struct listener, fd, "fd"),
	ROW(ROW_ADDRESS, struct listener, key.asked, "asked"),
	ROW(ROW_BOOL, struct listener, key.dual, "dual"),
	ROW(ROW_BOOL, struct listener, key.v6only, "v6only"),
	ROW(ROW_BOOL, struct listener, key.datagram, "datagram"),
	ROW(ROW_TEXT, struct listener, key.name, "name"),
	ROW(ROW_ADDRESS, struct listener, addr, "addr"),
	ROW(ROW_BOOL, struct listener, inherited, "inherited"),
	ROW(ROW_BOOL, struct listener, listening, "listening"),
	ROW(ROW_BOOL, struct listener, refusing, "refusing"),
	ROW(ROW_BOOL, struct listener, lost, "lost"),
	ROW(ROW_UNSIGNED, struct listener, mended, "mended"),
	ROW(ROW_UNSIGNED, struct listener, path.dev, "dev"),
	ROW(ROW_UNSIGNED, struct listener, path.ino, "ino"),
	ROW(ROW_SIGNED, struct listener, backlog, "backlog"),
	ROW(ROW_SIGNED, struct listener, quiesced_ms, "quiesced"),
	ROW(ROW_BOOL, struct listener, for_good, "for_good"),
	ROW(ROW_BOOL, struct listener, reuse_port, "reuse_port"),
	ROW(ROW_TEXT, struct listener, stored, "stored"),
};
TABLE(listener, "listener");

static const struct row worker_rows[] = {
	ROW(ROW_SIGNED, struct proc, pid, "pid"),
	ROW(ROW_UNSIGNED, struct proc, lane, "lane"),
	ROW(ROW_UNSIGNED, struct proc, slot, "slot"),
	ROW(ROW_SIGNED, struct proc, seat, "seat"),
	ROW(ROW_SIGNED, struct proc, started_ms, "started"),
	ROW(ROW_BOOL, struct proc, ready, "ready"),
	ROW(ROW_BOOL, struct proc, believed, "believed"),
	ROW(ROW_BOOL, struct proc, leaving, "leaving"),
	ROW(ROW_SIGNED, struct proc, retire_ms, "retire"),
	ROW(ROW_SIGNED, struct proc, kill_ms, "kill"),
	ROW(ROW_UNSIGNED, struct proc, deaths_seen, "deaths_seen"),
};
TABLE(worker, "worker");

static const struct row program_rows[] = {
	ROW(ROW_SIGNED, struct program, alive_ms, "alive"),
	ROW(ROW_SIGNED, struct program, abort_ms, "abort"),
	ROW(ROW_TEXT, struct program, status, "status"),
};
TABLE(program, "program");

static const struct row worker_output_rows[] = {
	ROW(ROW_FD, struct worker_output, fd, "fd"),
};
TABLE(worker_output, "output of workers");

static const struct row output_rows[] = {
	ROW(ROW_FD, struct program_output, fd, "fd"),
};
TABLE(output, "program");
