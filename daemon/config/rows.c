/* SPDX-License-Identifier: MIT */
#include "config/row.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/parse.h"
#include "config/values.h"

#define ARRAY_SIZE(a)  (sizeof(a) / sizeof((a)[0]))
#define MAIN(field)    offsetof(struct main_values, field)
#define SERVICE(field) offsetof(struct service_values, field)

#define SECOND	 INT64_C(1000)
#define DAY	 (24 * 60 * 60 * SECOND)
#define YEAR	 (365 * DAY)
#define MEBIBYTE (INT64_C(1024) * 1024)

static const char *const connection_names[] = {
	[LOG_CONNECTIONS_NONE] = "none",
	[LOG_CONNECTIONS_ERRORS] = "errors",
	[LOG_CONNECTIONS_ALL] = "all",
};

static const char *const read_names[] = {
	[CONTROL_READ_GROUP] = "group",
	[CONTROL_READ_ALL] = "all",
};

static const char *const on_full_names[] = {
	[ON_FULL_QUEUE] = "queue",
	[ON_FULL_REFUSE] = "refuse",
	[ON_FULL_EVICT] = "evict",
};

static const char *const refusal_names[] = {
	[REFUSAL_CLOSE] = "close",
	[REFUSAL_RESET] = "reset",
};

static const char *const on_hangup_names[] = {
	[ON_HANGUP_TERM] = "term",
	[ON_HANGUP_IGNORE] = "ignore",
};

static const char *const balance_names[] = {
	[BALANCE_ROUND_ROBIN] = "round_robin",
	[BALANCE_LEAST_BUSY] = "least_busy",
	[BALANCE_SOURCE] = "source",
	[BALANCE_FAILOVER] = "failover",
};

static const char *const send_proxy_names[] = {"none", "v1", "v2"}; /* index: the version */

static const struct {
	const char *name;
	int number;
} stop_signals[] = {
	{"TERM", SIGTERM}, {"INT", SIGINT},   {"QUIT", SIGQUIT},   {"HUP", SIGHUP},
	{"USR1", SIGUSR1}, {"USR2", SIGUSR2}, {"WINCH", SIGWINCH},
};

static int find_name(const char *const *names, size_t n, const char *name)
{
	size_t i;

	for (i = 0; i < n; i++) {
		if (strcmp(names[i], name) == 0)
			return (int)i;
	}
	return -1;
}

static int connections_by_name(const char *name)
{
	return find_name(connection_names, ARRAY_SIZE(connection_names), name);
}

static int read_by_name(const char *name)
{
	return find_name(read_names, ARRAY_SIZE(read_names), name);
}

static int signal_by_name(const char *name)
{
	size_t i;

	if (strncmp(name, "SIG", 3) == 0)
		name += 3;
	for (i = 0; i < ARRAY_SIZE(stop_signals); i++) {
		if (strcmp(stop_signals[i].name, name) == 0)
			return stop_signals[i].number;
	}
	return -1;
}

static const char *signal_name(int number)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(stop_signals); i++) {
		if (stop_signals[i].number == number)
			return stop_signals[i].name;
	}
	return NULL;
}

static const char *connections_name(int value)
{
	return connection_names[value];
}

static const char *read_name(int value)
{
	return read_names[value];
}

static int on_full_by_name(const char *name)
{
	return find_name(on_full_names, ARRAY_SIZE(on_full_names), name);
}

static const char *on_full_name(int value)
{
	return on_full_names[value];
}

static int refusal_by_name(const char *name)
{
	return find_name(refusal_names, ARRAY_SIZE(refusal_names), name);
}

static const char *refusal_name(int value)
{
	return refusal_names[value];
}

static int on_hangup_by_name(const char *name)
{
	return find_name(on_hangup_names, ARRAY_SIZE(on_hangup_names), name);
}

static const char *on_hangup_name(int value)
{
	return on_hangup_names[value];
}

static int balance_by_name(const char *name)
{
	return find_name(balance_names, ARRAY_SIZE(balance_names), name);
}

static const char *balance_name(int value)
{
	return balance_names[value];
}

static int send_proxy_by_name(const char *name)
{
	return find_name(send_proxy_names, ARRAY_SIZE(send_proxy_names), name);
}

static const char *send_proxy_name(int value)
{
	return send_proxy_names[value];
}

static const struct row_names targets = {log_target_by_name, log_target_name, "auto, syslog, journal, stderr"};
static const struct row_names facilities = {
	log_facility_by_name, log_facility_name,
	"daemon, user, auth, authpriv, cron, ftp, lpr, mail, news, uucp, syslog, local0 to local7"};
static const struct row_names levels = {log_level_by_name, log_level_name,
					"emerg, alert, crit, err, warning, notice, info, debug"};
static const struct row_names connections = {connections_by_name, connections_name, "none, errors, all"};
static const struct row_names reads = {read_by_name, read_name, "group, all"};
static const struct row_names on_full = {on_full_by_name, on_full_name, "queue, refuse, evict"};
static const struct row_names refusals = {refusal_by_name, refusal_name, "close, reset"};
static const struct row_names signals = {signal_by_name, signal_name, "TERM, INT, QUIT, HUP, USR1, USR2, WINCH"};
static const struct row_names on_hangup = {on_hangup_by_name, on_hangup_name, "term, ignore"};
static const struct row_names balances = {balance_by_name, balance_name, "round_robin, least_busy, source, failover"};
static const struct row_names send_proxy = {send_proxy_by_name, send_proxy_name, "none, v1, v2"};

/* A row is easier to read in three lines than in ten. */
/* clang-format off */

/* Rows of one group stand together: printing opens and closes a group where the prefix changes. */
const struct row rows_main[] = {
	{.path = "user", .type = ROW_STRING, .offset = MAIN(user), .meaning = MEANS_USER,
	 .reload = RELOAD_WORKERS,
	 .help = "Who workers run as. As root it must be said, here or for the service."},
	{.path = "group", .type = ROW_STRING, .offset = MAIN(group),
	 .meaning = MEANS_GROUP, .reload = RELOAD_WORKERS,
	 .help = "The workers' group. Without it: the user's own."},
	{.path = "log.target", .type = ROW_NAME, .offset = MAIN(log.target), .preset = "auto",
	 .names = &targets, .reload = RELOAD_WORKERS,
	 .help = "Where log lines go. auto: the journal, a terminal, or else syslog."},
	{.path = "log.facility", .type = ROW_NAME, .offset = MAIN(log.facility), .preset = "daemon",
	 .names = &facilities, .reload = RELOAD_WORKERS,
	 .help = "The facility of lines that go to syslog."},
	{.path = "log.level", .type = ROW_NAME, .offset = MAIN(log.level), .preset = "info",
	 .names = &levels, .reload = RELOAD_WORKERS,
	 .help = "Lines less important than this are not written."},
	{.path = "log.connections", .type = ROW_NAME, .offset = MAIN(log.connections),
	 .preset = "errors", .names = &connections, .reload = RELOAD_WORKERS,
	 .help = "Which connections get a line when they end."},
	{.path = "control.path", .type = ROW_STRING, .offset = MAIN(control.path),
	 .preset = "/run/preforkd/control", .reload = RELOAD_LIVE,
	 .help = "The unix socket through which the daemon is asked and told things. Empty: none."},
	{.path = "control.mode", .type = ROW_MODE, .offset = MAIN(control.mode), .preset = "0660",
	 .max = 0777, .reload = RELOAD_LIVE,
	 .help = "Its permissions, octal, in quotes. Connecting takes the right to write."},
	{.path = "control.group", .type = ROW_STRING, .offset = MAIN(control_group),
	 .meaning = MEANS_ID, .meant = MAIN(control.group), .reload = RELOAD_LIVE,
	 .help = "Its group, whose members may change things, as root and the daemon's user may."},
	{.path = "control.read", .type = ROW_NAME, .offset = MAIN(control_read), .preset = "group",
	 .names = &reads, .reload = RELOAD_LIVE,
	 .help = "Who may ask without changing anything: those who may change things, or all "
		 "who can connect."},
};
const size_t rows_main_count = ARRAY_SIZE(rows_main);

const struct row rows_service[] = {
	{.path = "handler", .type = ROW_STRING, .offset = SERVICE(handler),
	 .reload = RELOAD_WORKERS, .help = "What serves the connections. Required."},
	{.path = "listen", .type = ROW_LIST, .offset = SERVICE(listen), .reload = RELOAD_LISTENER,
	 .help = "The addresses, one string or a list: HOST:PORT, [V6]:PORT, *:PORT, "
		 "unix:/PATH, unix:@NAME, udp:HOST:PORT, systemd:NAME. Required."},
	{.path = "backlog", .type = ROW_INTEGER, .offset = SERVICE(service.backlog),
	 .preset = "4096", .min = 1, .max = INT32_MAX, .reload = RELOAD_LIVE,
	 .help = "Connections that may wait until a worker takes them, for each address."},
	{.path = "command", .type = ROW_LIST, .offset = SERVICE(command), .reload = RELOAD_WORKERS,
	 .help = "The program and its arguments, each a string; the program with its full path."},
	{.path = "path", .type = ROW_STRING, .offset = SERVICE(path), .meaning = MEANS_FILE,
	 .meant = SERVICE(module_mark), .reload = RELOAD_WORKERS,
	 .help = "The file of the handler \"module\": a full path, or the name of an installed one. A "
		 "reload takes notice when the file has changed."},
	{.path = "options", .type = ROW_OPTIONS, .offset = SERVICE(options), .reload = RELOAD_WORKERS,
	 .help = "What the module is told: a group of keys of its own. With -c FILE, --help-config "
		 "explains those of the modules in it."},
	{.path = "user", .type = ROW_STRING, .offset = SERVICE(user),
	 .meaning = MEANS_USER, .reload = RELOAD_WORKERS,
	 .help = "Who this service's workers run as. Without it: the global user."},
	{.path = "group", .type = ROW_STRING, .offset = SERVICE(group),
	 .meaning = MEANS_GROUP, .reload = RELOAD_WORKERS,
	 .help = "Their group. Without it: that of the user."},
	{.path = "on_hangup", .type = ROW_NAME, .offset = SERVICE(service.on_hangup), .preset = "term",
	 .names = &on_hangup, .reload = RELOAD_WORKERS,
	 .help = "What happens to a program whose client has reset the connection or vanished."},

	{.path = "upstream", .type = ROW_LIST, .offset = SERVICE(upstream), .reload = RELOAD_WORKERS,
	 .help = "Where the handler proxy passes connections on to, one string or a list: HOST:PORT, "
		 "[V6]:PORT, unix:/PATH, unix:@NAME."},
	{.path = "balance", .type = ROW_NAME, .offset = SERVICE(service.upstreams.balance),
	 .preset = "round_robin", .names = &balances, .reload = RELOAD_WORKERS,
	 .help = "Which of them gets a connection: in turn, that with the fewest connections, one by "
		 "the client's address, or the first that works. The others are tried next."},
	{.path = "send_proxy", .type = ROW_NAME, .offset = SERVICE(service.upstreams.send_proxy),
	 .preset = "none", .names = &send_proxy, .reload = RELOAD_WORKERS,
	 .help = "The version of the PROXY protocol header that tells the upstream who the client is."},

	{.path = "proxy.connect_timeout", .type = ROW_DURATION,
	 .offset = SERVICE(service.upstreams.connect_timeout), .preset = "5s", .min = 1, .max = DAY,
	 .reload = RELOAD_WORKERS,
	 .help = "How long an upstream may take to accept, before the next one is tried."},
	{.path = "proxy.pause", .type = ROW_DURATION, .offset = SERVICE(service.upstreams.pause),
	 .preset = "10s", .min = 0, .max = DAY, .reload = RELOAD_WORKERS,
	 .help = "How long an upstream that failed is left alone while there are others."},
	{.path = "proxy.resolve", .type = ROW_DURATION, .offset = SERVICE(service.upstreams.resolve),
	 .preset = "30s", .min = SECOND, .max = DAY, .reload = RELOAD_WORKERS,
	 .help = "How old what the name of an upstream stands for may be before it is looked up again."},
	{.path = "proxy.bind", .type = ROW_STRING, .offset = SERVICE(proxy_bind),
	 .reload = RELOAD_WORKERS,
	 .help = "The address that connections to upstreams come from, without a port. Without it: "
		 "the kernel's choice."},

	{.path = "workers.min", .type = ROW_INTEGER, .offset = SERVICE(service.workers.min),
	 .preset = "2", .min = 0, .max = CONFIG_WORKERS_MOST, .reload = RELOAD_LIVE,
	 .help = "Workers that are always there, for each address."},
	{.path = "workers.min_spare", .type = ROW_INTEGER,
	 .offset = SERVICE(service.workers.min_spare), .preset = "2", .min = 1, .max = CONFIG_WORKERS_MOST,
	 .reload = RELOAD_LIVE,
	 .help = "With fewer idle workers than this at an address, more are started."},
	{.path = "workers.max_spare", .type = ROW_INTEGER,
	 .offset = SERVICE(service.workers.max_spare), .preset = "8", .min = 1, .max = CONFIG_WORKERS_MOST,
	 .reload = RELOAD_LIVE,
	 .help = "With more idle workers than this at an address, some are retired."},
	{.path = "workers.max", .type = ROW_INTEGER, .offset = SERVICE(service.workers.max),
	 .preset = "64", .min = 1, .max = CONFIG_WORKERS_MOST, .reload = RELOAD_WORKERS,
	 .help = "Workers of the service at most, all addresses together."},
	{.path = "workers.max_requests", .type = ROW_INTEGER,
	 .offset = SERVICE(service.workers.max_requests), .preset = "0", .min = 1, .max = INT32_MAX,
	 .zero = "no limit", .reload = RELOAD_WORKERS,
	 .help = "Connections after which a worker is replaced; it serves on until the new one is ready."},
	{.path = "workers.max_age", .type = ROW_DURATION, .offset = SERVICE(service.workers.max_age),
	 .preset = "0", .min = SECOND, .max = YEAR, .zero = "no limit", .reload = RELOAD_LIVE,
	 .help = "A worker is replaced at this age, less up to a tenth; it serves on until the new one "
		 "is ready."},
	{.path = "workers.max_memory", .type = ROW_SIZE, .offset = SERVICE(service.workers.max_memory),
	 .preset = "0", .min = MEBIBYTE, .max = INT64_C(1) << 50, .zero = "no limit", .reload = RELOAD_LIVE,
	 .help = "A worker with more memory than this is replaced in the same way."},
	{.path = "workers.max_unavailable", .type = ROW_INTEGER,
	 .offset = SERVICE(service.workers.max_unavailable), .preset = "1", .min = 1,
	 .max = CONFIG_WORKERS_MOST, .reload = RELOAD_LIVE,
	 .help = "At a reload, programs of the handler listen that are replaced at a time, at each address."},
	{.path = "workers.on_full", .type = ROW_NAME, .offset = SERVICE(service.workers.on_full),
	 .preset = "queue", .names = &on_full, .reload = RELOAD_WORKERS,
	 .help = "All workers are busy: new clients wait in the queue, are refused, or take the place "
		 "of the client that has been silent longest before its first byte."},

	{.path = "program.notify", .type = ROW_BOOL, .offset = SERVICE(service.program.notify),
	 .preset = "false", .reload = RELOAD_WORKERS,
	 .help = "The program says READY=1 when it is ready. Without: it is when it has lived for "
		 "timeouts.start."},
	{.path = "program.watchdog", .type = ROW_DURATION, .offset = SERVICE(service.program.watchdog),
	 .preset = "0", .min = SECOND, .max = DAY, .zero = "none", .reload = RELOAD_WORKERS,
	 .help = "The program must say WATCHDOG=1 this often, or is ended and started again."},
	{.path = "program.stop_signal", .type = ROW_NAME, .offset = SERVICE(service.program.stop_signal),
	 .preset = "TERM", .names = &signals, .reload = RELOAD_LIVE,
	 .help = "The signal that tells the program to finish and leave."},

	{.path = "access.allow", .type = ROW_LIST, .offset = SERVICE(allow),
	 .meaning = MEANS_NETWORKS, .meant = SERVICE(sets.allow), .reload = RELOAD_WORKERS,
	 .help = "Who may connect: addresses, networks, unix:uid=USER, unix:gid=GROUP. The most "
		 "specific entry counts; of equal ones deny. Without any: everybody not denied."},
	{.path = "access.allow_file", .type = ROW_LIST, .offset = SERVICE(allow_file),
	 .meaning = MEANS_NETWORKS, .meant = SERVICE(sets.allow_file),
	 .reload = RELOAD_WORKERS,
	 .help = "Files with more of them, one a line; # begins a comment. Read again at reload."},
	{.path = "access.deny", .type = ROW_LIST, .offset = SERVICE(deny),
	 .meaning = MEANS_NETWORKS, .meant = SERVICE(sets.deny), .reload = RELOAD_WORKERS,
	 .help = "Who may not connect, written in the same way."},
	{.path = "access.deny_file", .type = ROW_LIST, .offset = SERVICE(deny_file),
	 .meaning = MEANS_NETWORKS, .meant = SERVICE(sets.deny_file),
	 .reload = RELOAD_WORKERS, .help = "Files with more of them."},
	{.path = "access.refusal", .type = ROW_NAME, .offset = SERVICE(service.access.refusal),
	 .preset = "close", .names = &refusals, .reload = RELOAD_WORKERS,
	 .help = "How a refused connection ends: closed, or reset."},
	{.path = "access.banner", .type = ROW_STRING, .offset = SERVICE(service.access.banner),
	 .reload = RELOAD_WORKERS,
	 .help = "Sent to the refused first, as it is. Without it: nothing."},
	{.path = "access.per_source", .type = ROW_INTEGER, .offset = SERVICE(service.access.per_source),
	 .preset = "0", .min = 1, .max = CONFIG_WORKERS_MOST, .zero = "no limit", .reload = RELOAD_WORKERS,
	 .help = "Connections that one source may have at the same time."},
	{.path = "access.per_source_rate", .type = ROW_RATE,
	 .offset = SERVICE(service.access.per_source_rate), .preset = "0", .min = 1, .max = 1000000,
	 .zero = "no limit", .reload = RELOAD_WORKERS,
	 .help = "New connections of one source: so many at once, and one more each time/number."},
	{.path = "access.rate", .type = ROW_RATE, .offset = SERVICE(service.access.rate), .preset = "0",
	 .min = 1, .max = 1000000, .zero = "no limit", .reload = RELOAD_WORKERS,
	 .help = "New connections of all sources together."},
	{.path = "access.prefix4", .type = ROW_INTEGER, .offset = SERVICE(service.access.prefix4),
	 .preset = "32", .min = 0, .max = 32, .reload = RELOAD_WORKERS,
	 .help = "IPv4 addresses that agree in so many bits are one source."},
	{.path = "access.prefix6", .type = ROW_INTEGER, .offset = SERVICE(service.access.prefix6),
	 .preset = "64", .min = 0, .max = 128, .reload = RELOAD_WORKERS, .help = "The same for IPv6."},
	{.path = "access.sources", .type = ROW_INTEGER, .offset = SERVICE(service.access.sources),
	 .preset = "16384", .min = 256, .max = 1048576, .reload = RELOAD_WORKERS,
	 .help = "Sources that rates and penalties are remembered for (64 bytes each). While there "
		 "are more, new ones are let in uncounted."},
	{.path = "access.exempt", .type = ROW_LIST, .offset = SERVICE(exempt),
	 .meaning = MEANS_NETWORKS, .meant = SERVICE(sets.exempt), .reload = RELOAD_WORKERS,
	 .help = "Who is not limited by per_source, rates and penalties."},
	{.path = "access.reserve", .type = ROW_INTEGER, .offset = SERVICE(service.access.reserve),
	 .preset = "0", .min = 1, .max = CONFIG_WORKERS_MOST, .zero = "none", .reload = RELOAD_WORKERS,
	 .help = "Workers, of workers.max, that only access.reserve_for may take."},
	{.path = "access.reserve_for", .type = ROW_LIST, .offset = SERVICE(reserve_for),
	 .meaning = MEANS_NETWORKS, .meant = SERVICE(sets.reserve_for),
	 .reload = RELOAD_WORKERS, .help = "Who may take the reserved workers."},
	{.path = "access.probes", .type = ROW_LIST, .offset = SERVICE(probes),
	 .meaning = MEANS_NETWORKS, .meant = SERVICE(sets.probes), .reload = RELOAD_WORKERS,
	 .help = "Who checks the health of the service: counted, and not logged."},

	{.path = "penalty.crashes", .type = ROW_INTEGER, .offset = SERVICE(service.penalty.crashes),
	 .preset = "0", .min = 1, .max = 1000000, .zero = "none", .reload = RELOAD_WORKERS,
	 .help = "A source whose connections crashed so many workers is refused for a while."},
	{.path = "penalty.refusals", .type = ROW_INTEGER, .offset = SERVICE(service.penalty.refusals),
	 .preset = "0", .min = 1, .max = 1000000, .zero = "none", .reload = RELOAD_WORKERS,
	 .help = "A source that was refused so often is refused for a while."},
	{.path = "penalty.within", .type = ROW_DURATION, .offset = SERVICE(service.penalty.within),
	 .preset = "1min", .min = SECOND, .max = DAY, .reload = RELOAD_WORKERS,
	 .help = "The time in which that must happen."},
	{.path = "penalty.duration", .type = ROW_DURATION, .offset = SERVICE(service.penalty.duration),
	 .preset = "10min", .min = SECOND, .max = 30 * DAY, .reload = RELOAD_WORKERS,
	 .help = "How long such a source is refused."},

	{.path = "proxy_protocol.from", .type = ROW_LIST, .offset = SERVICE(proxy_from),
	 .meaning = MEANS_NETWORKS, .meant = SERVICE(sets.proxy_from),
	 .reload = RELOAD_WORKERS,
	 .help = "Proxies, whose PROXY protocol header (v1 or v2) is required, and believed."},
	{.path = "proxy_protocol.without", .type = ROW_LIST, .offset = SERVICE(proxy_without),
	 .meaning = MEANS_NETWORKS, .meant = SERVICE(sets.proxy_without),
	 .reload = RELOAD_WORKERS,
	 .help = "Who may come without a header where proxies are named; all others are refused."},
	{.path = "proxy_protocol.timeout", .type = ROW_DURATION,
	 .offset = SERVICE(service.proxy_protocol.timeout), .preset = "5s", .min = 1, .max = DAY,
	 .reload = RELOAD_WORKERS, .help = "How long the header may take."},

	{.path = "timeouts.first_byte", .type = ROW_DURATION,
	 .offset = SERVICE(service.timeouts.first_byte), .preset = "30s", .min = 1, .max = YEAR,
	 .zero = "no limit", .reload = RELOAD_WORKERS,
	 .help = "How long a client may take until its first byte arrives."},
	{.path = "timeouts.first_byte_busy", .type = ROW_DURATION,
	 .offset = SERVICE(service.timeouts.first_byte_busy), .preset = "3s", .min = 1, .max = YEAR,
	 .zero = "as first_byte", .reload = RELOAD_WORKERS,
	 .help = "The same while all workers are busy and others wait, or are turned away; the time in the queue counts."},
	{.path = "timeouts.send", .type = ROW_DURATION, .offset = SERVICE(service.timeouts.send),
	 .preset = "2min", .min = 1, .max = YEAR, .zero = "no limit", .reload = RELOAD_WORKERS,
	 .help = "How long a client may take nothing of what there is for it."},
	{.path = "timeouts.idle", .type = ROW_DURATION, .offset = SERVICE(service.timeouts.idle),
	 .preset = "5min", .min = 1, .max = YEAR, .zero = "no limit", .reload = RELOAD_WORKERS,
	 .help = "How long a connection may be silent in both directions."},
	{.path = "timeouts.total", .type = ROW_DURATION, .offset = SERVICE(service.timeouts.total),
	 .preset = "0", .min = 1, .max = YEAR, .zero = "no limit", .reload = RELOAD_WORKERS,
	 .help = "How long a connection may take altogether."},
	{.path = "timeouts.drain", .type = ROW_DURATION, .offset = SERVICE(service.timeouts.drain),
	 .preset = "30s", .min = 1, .max = YEAR, .zero = "no limit", .reload = RELOAD_LIVE,
	 .help = "At a stop, how long running connections get before they are cut."},
	{.path = "timeouts.start", .type = ROW_DURATION, .offset = SERVICE(service.timeouts.start),
	 .preset = "30s", .min = 1, .max = YEAR, .zero = "no limit", .reload = RELOAD_LIVE,
	 .help = "How long a new worker may take to become ready."},

	{.path = "socket.nodelay", .type = ROW_BOOL, .offset = SERVICE(service.socket.nodelay),
	 .preset = "true", .reload = RELOAD_LIVE,
	 .help = "TCP_NODELAY: small packets are sent at once."},
	{.path = "socket.keepalive", .type = ROW_DURATION,
	 .offset = SERVICE(service.socket.keepalive), .preset = "60s", .min = SECOND,
	 .max = 32767 * SECOND, .step = SECOND, .zero = "off", .reload = RELOAD_LIVE,
	 .help = "Silence after which the kernel asks whether the client is still there."},
	{.path = "socket.defer_accept", .type = ROW_DURATION,
	 .offset = SERVICE(service.socket.defer_accept), .preset = "0", .min = SECOND,
	 .max = 32767 * SECOND, .step = SECOND, .zero = "off", .reload = RELOAD_LIVE,
	 .help = "TCP_DEFER_ACCEPT: a worker wakes when data is there, or after this time."},
	{.path = "socket.reuse_port", .type = ROW_BOOL,
	 .offset = SERVICE(service.socket.reuse_port), .preset = "false", .reload = RELOAD_LIVE,
	 .help = "SO_REUSEPORT: another daemon of the same user may share the address."},
	{.path = "socket.v6only", .type = ROW_BOOL, .offset = SERVICE(service.socket.v6only),
	 .preset = "false", .reload = RELOAD_LISTENER,
	 .help = "[V6]:PORT takes no IPv4 clients. *:PORT always takes both."},
	{.path = "socket.rcvbuf", .type = ROW_SIZE, .offset = SERVICE(service.socket.rcvbuf),
	 .preset = "0", .min = 256, .max = 512 * MEBIBYTE, .zero = "the kernel's choice",
	 .reload = RELOAD_LIVE, .help = "SO_RCVBUF: the receive buffer of a connection."},
	{.path = "socket.sndbuf", .type = ROW_SIZE, .offset = SERVICE(service.socket.sndbuf),
	 .preset = "0", .min = 256, .max = 512 * MEBIBYTE, .zero = "the kernel's choice",
	 .reload = RELOAD_LIVE, .help = "SO_SNDBUF: the send buffer of a connection."},
	{.path = "socket.user_timeout", .type = ROW_DURATION,
	 .offset = SERVICE(service.socket.user_timeout), .preset = "3min", .min = 1, .max = 24 * DAY,
	 .zero = "the kernel's choice", .reload = RELOAD_LIVE,
	 .help = "TCP_USER_TIMEOUT: how long sent data may stay unacknowledged."},
	{.path = "socket.freebind", .type = ROW_BOOL, .offset = SERVICE(service.socket.freebind),
	 .preset = "false", .reload = RELOAD_LIVE,
	 .help = "IP_FREEBIND: the address need not be there yet."},
	{.path = "socket.device", .type = ROW_STRING, .offset = SERVICE(service.socket.device),
	 .reload = RELOAD_LIVE,
	 .help = "SO_BINDTODEVICE: only clients that come in through this interface."},
	{.path = "socket.mode", .type = ROW_MODE, .offset = SERVICE(service.socket.mode),
	 .preset = "0666", .max = 0777, .reload = RELOAD_LIVE,
	 .help = "The permissions of a unix:/PATH socket, octal, in quotes."},
	{.path = "socket.owner", .type = ROW_STRING, .offset = SERVICE(socket_owner),
	 .meaning = MEANS_ID, .meant = SERVICE(service.socket.owner), .reload = RELOAD_LIVE,
	 .help = "The owner of a unix:/PATH socket. Without it: who preforkd runs as."},
	{.path = "socket.group", .type = ROW_STRING, .offset = SERVICE(socket_group),
	 .meaning = MEANS_ID, .meant = SERVICE(service.socket.group), .reload = RELOAD_LIVE,
	 .help = "The group of a unix:/PATH socket. Without it: that of preforkd."},
};
const size_t rows_service_count = ARRAY_SIZE(rows_service);
/* clang-format on */

static size_t find(const struct row *rows, size_t n, const char *path)
{
	size_t i;

	for (i = 0; i < n; i++) {
		if (strcmp(rows[i].path, path) == 0)
			return i;
	}
	abort(); /* a wrong name in our own code */
}

const struct value_source *store_source(const struct service_values *values, const char *path)
{
	return &values->sources[find(rows_service, rows_service_count, path)];
}

const struct value_source *store_main_source(const struct main_values *values, const char *path)
{
	return &values->sources[find(rows_main, rows_main_count, path)];
}

const char *row_reload_name(enum row_reload reload)
{
	switch (reload) {
	case RELOAD_LIVE:
		return "live";
	case RELOAD_WORKERS:
		return "workers";
	case RELOAD_LISTENER:
		return "listener";
	}
	return "";
}

void row_range(const struct row *row, char *out, size_t size)
{
	char min[32], max[32];

	switch (row->type) {
	case ROW_DURATION:
		format_duration(row->min, min, sizeof(min));
		format_duration(row->max, max, sizeof(max));
		break;
	case ROW_SIZE:
		format_size(row->min, min, sizeof(min));
		format_size(row->max, max, sizeof(max));
		break;
	case ROW_INTEGER:
	case ROW_BOOL:
	case ROW_STRING:
	case ROW_NAME:
	case ROW_MODE:
	case ROW_LIST:
	case ROW_RATE:
	case ROW_OPTIONS:
		(void)snprintf(min, sizeof(min), "%" PRId64, row->min);
		(void)snprintf(max, sizeof(max), "%" PRId64, row->max);
		break;
	}
	if (row->zero != NULL)
		(void)snprintf(out, size, "%s to %s, or 0: %s", min, max, row->zero);
	else
		(void)snprintf(out, size, "%s to %s", min, max);
}

void row_describe(const struct row *row, char *out, size_t size)
{
	char range[96];

	row_range(row, range, sizeof(range));
	switch (row->type) {
	case ROW_INTEGER:
		(void)snprintf(out, size, "number, %s", range);
		return;
	case ROW_DURATION:
		(void)snprintf(out, size, "duration, %s", range);
		return;
	case ROW_SIZE:
		(void)snprintf(out, size, "size, %s", range);
		return;
	case ROW_BOOL:
		(void)snprintf(out, size, "true or false");
		return;
	case ROW_STRING:
		(void)snprintf(out, size, "string");
		return;
	case ROW_NAME:
		(void)snprintf(out, size, "one of %s", row->names->all);
		return;
	case ROW_MODE:
		(void)snprintf(out, size, "octal mode in quotes, \"0\" to \"%04o\"", (unsigned)row->max);
		return;
	case ROW_LIST:
		(void)snprintf(out, size, "string or list of strings");
		return;
	case ROW_RATE:
		(void)snprintf(out, size, "rate such as \"100/1min\", or 0: %s", row->zero);
		return;
	case ROW_OPTIONS:
		(void)snprintf(out, size, "group of the module's keys");
		return;
	}
}
