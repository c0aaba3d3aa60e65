/* SPDX-License-Identifier: MIT */
#include "config/foreign_words.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

/* A line each is easier to search. */
/* clang-format off */
const struct foreign_word foreign_words[] = {
	/* xinetd */
	{"only_from", "xinetd", "access.allow", NULL},
	{"no_access", "xinetd", "access.deny", NULL},
	{"instances", "xinetd", "workers.max", NULL},
	{"cps", "xinetd", "access.rate", "a rate is written \"50/1s\""},
	{"server", "xinetd", "command", "the program and its arguments are one list"},
	{"server", "HAProxy", "upstream", NULL},
	{"server_args", "xinetd", "command", "the program and its arguments are one list"},
	{"nice", "xinetd and systemd", "program.nice", NULL},
	{"umask", "xinetd, systemd and gunicorn", "program.umask", "an octal number in quotes"},
	{"bind", "xinetd, HAProxy and gunicorn", "listen", NULL},
	{"interface", "xinetd", "listen", "for a network interface: socket.device"},
	{"redirect", "xinetd", "upstream", "with handler = \"proxy\""},
	{"disable", "xinetd", "enabled", "disable = yes is enabled = false"},
	{"log_on_success", "xinetd", "log.connections", NULL},
	{"log_on_failure", "xinetd", "log.connections", NULL},
	{"log_type", "xinetd", "log.target", NULL},
	{"USERID", "xinetd", NULL, "ident proves nothing: unix:uid=USER in access.allow does, for unix sockets"},
	{"socket_type", "xinetd", "listen", "datagrams: \"udp:HOST:PORT\""},
	{"protocol", "xinetd", "listen", "datagrams: \"udp:HOST:PORT\""},
	{"port", "xinetd", "listen", "all addresses: \"*:PORT\""},
	{"wait", "xinetd", "handler", "wait = no is \"exec\", wait = yes is \"listen\""},
	{"flags", "xinetd", NULL, "for KEEPALIVE and NODELAY: socket.keepalive, socket.nodelay"},
	{"max_load", "xinetd", "access.max_load", NULL},
	{"access_times", "xinetd", "access.times", "with days: \"Mon-Fri 08:00-18:00\""},
	{"deny_time", "xinetd", "penalty.duration", NULL},
	{"env", "xinetd", "program.environment", "a group: { NAME = \"value\"; }"},
	{"passenv", "xinetd", "program.pass_environment", NULL},
	{"rlimit_as", "xinetd", "limits.as", NULL},
	{"rlimit_cpu", "xinetd", "limits.cpu", NULL},
	{"rlimit_data", "xinetd", "limits.data", NULL},
	{"rlimit_rss", "xinetd", NULL, "this kernel does not limit it"},
	{"rlimit_stack", "xinetd", "limits.stack", NULL},
	{"banner_success", "xinetd", "banner", "the text itself, and not a file's name"},
	{"banner_fail", "xinetd", "access.banner", "the text itself, and not a file's name"},
	/* inetd, tcpserver */
	{"args", "inetd", "command", "the program and its arguments are one list"},
	{"concurrency", "tcpserver", "workers.max", NULL},
	{"rules", "tcpserver", "access.allow_file", NULL},
	{"uid", "tcpserver", "user", NULL},
	{"gid", "tcpserver", "group", NULL},
	/* systemd */
	{"ListenStream", "systemd", "listen", NULL},
	{"ListenDatagram", "systemd", "listen", "datagrams: \"udp:HOST:PORT\""},
	{"ListenSequentialPacket", "systemd", NULL, NULL},
	{"Accept", "systemd", "handler", "Accept=yes is \"exec\", Accept=no is \"listen\""},
	{"Accept", "stunnel", "listen", NULL},
	{"MaxConnections", "systemd", "workers.max", NULL},
	{"MaxConnectionsPerSource", "systemd", "access.per_source", NULL},
	{"TriggerLimitBurst", "systemd", "access.rate", NULL},
	{"TriggerLimitIntervalSec", "systemd", "access.rate", NULL},
	{"PollLimit*", "systemd", "access.rate", NULL},
	{"KeepAliveTimeSec", "systemd", "socket.keepalive", NULL},
	{"DeferAcceptSec", "systemd", "socket.defer_accept", NULL},
	{"BindToDevice", "systemd", "socket.device", NULL},
	{"BindIPv6Only", "systemd", "socket.v6only", NULL},
	{"SocketUser", "systemd", "socket.owner", NULL},
	{"SocketGroup", "systemd", "socket.group", NULL},
	{"SocketMode", "systemd", "socket.mode", NULL},
	{"ReceiveBuffer", "systemd", "socket.rcvbuf", NULL},
	{"SendBuffer", "systemd", "socket.sndbuf", NULL},
	{"FileDescriptorName", "systemd", "listen", "an inherited socket is \"systemd:NAME\""},
	{"ExecStart", "systemd", "command", "each argument is a string of its own"},
	{"ExecStartPre", "systemd", NULL, NULL},
	{"ExecStartPost", "systemd", NULL, NULL},
	{"ExecReload", "systemd", NULL, "a reload replaces the programs"},
	{"ExecStop*", "systemd", "program.stop_signal", NULL},
	{"KillSignal", "systemd", "program.stop_signal", NULL},
	{"Type", "systemd", "program.notify", "Type=notify is program.notify = true"},
	{"Restart*", "systemd", NULL, "a program that ends is always started again"},
	{"StartLimit*", "systemd", NULL, NULL},
	{"TimeoutStartSec", "systemd", "timeouts.start", NULL},
	{"TimeoutStopSec", "systemd", "timeouts.drain", NULL},
	{"WatchdogSec", "systemd", "program.watchdog", NULL},
	{"RuntimeMaxSec", "systemd", "workers.max_age", NULL},
	{"Environment", "systemd", "program.environment", "a group: { NAME = \"value\"; }"},
	{"EnvironmentFile", "systemd", NULL, NULL},
	{"PassEnvironment", "systemd", "program.pass_environment", NULL},
	{"OOMScoreAdjust", "systemd", "program.oom_score_adjust", NULL},
	{"WorkingDirectory", "systemd", "program.directory", NULL},
	{"RootDirectory", "systemd", "sandbox.root", NULL},
	{"SupplementaryGroups", "systemd", "groups", NULL},
	{"NoNewPrivileges", "systemd", "sandbox.no_new_privileges", NULL},
	{"CapabilityBoundingSet", "systemd", "sandbox.capabilities", NULL},
	{"AmbientCapabilities", "systemd", "sandbox.capabilities", NULL},
	{"PrivateTmp", "systemd", "sandbox.private_tmp", NULL},
	{"PrivateNetwork", "systemd", "sandbox.private_network", NULL},
	{"PrivatePIDs", "systemd", "sandbox.private_pids", NULL},
	{"ProtectSystem", "systemd", "sandbox.read_only", NULL},
	{"ReadWritePaths", "systemd", "sandbox.write", NULL},
	{"InaccessiblePaths", "systemd", "sandbox.read", NULL},
	{"ExecPaths", "systemd", "sandbox.execute", NULL},
	{"NoExecPaths", "systemd", "sandbox.execute", NULL},
	{"StandardInput", "systemd", NULL, "standard input is the connection"},
	{"StandardOutput", "systemd", NULL, "standard output is the connection"},
	{"StandardError", "systemd", NULL, "standard error goes to the log"},
	{"LimitAS", "systemd", "limits.as", NULL},
	{"LimitCORE", "systemd", "limits.core", NULL},
	{"LimitCPU", "systemd", "limits.cpu", NULL},
	{"LimitDATA", "systemd", "limits.data", NULL},
	{"LimitFSIZE", "systemd", "limits.fsize", NULL},
	{"LimitMEMLOCK", "systemd", "limits.memlock", NULL},
	{"LimitNOFILE", "systemd", "limits.nofile", NULL},
	{"LimitNPROC", "systemd", "limits.nproc", NULL},
	{"LimitSTACK", "systemd", "limits.stack", NULL},
	{"MemoryMax", "systemd", "limits.memory", NULL},
	{"TasksMax", "systemd", "limits.tasks", NULL},
	{"SystemCallFilter", "systemd", "sandbox.level", NULL},
	{"SystemCallArchitectures", "systemd", "sandbox.level", NULL},
	{"RestrictNamespaces", "systemd", "sandbox.level", NULL},
	{"RestrictAddressFamilies", "systemd", "sandbox.level", NULL},
	{"RestrictSUIDSGID", "systemd", "sandbox.level", NULL},
	{"LockPersonality", "systemd", "sandbox.level", NULL},
	{"IPAddressAllow", "systemd", "access.allow", NULL},
	{"IPAddressDeny", "systemd", "access.deny", NULL},
	/* HAProxy */
	{"maxconn", "HAProxy", "workers.max", NULL},
	{"timeout", "HAProxy and gunicorn", "timeouts", NULL},
	{"mode", "HAProxy", NULL, "all services are TCP, UDP or unix sockets; HTTP is not known"},
	{"frontend", "HAProxy", "listen", NULL},
	{"backend", "HAProxy", "upstream", NULL},
	{"default_backend", "HAProxy", "upstream", NULL},
	{"use_backend", "HAProxy", NULL, NULL},
	{"acl", "HAProxy", "access.allow", NULL},
	{"tune", "HAProxy", NULL, NULL},
	{"option", "HAProxy", NULL, NULL},
	{"nbproc", "HAProxy", "workers.max", NULL},
	{"nbthread", "HAProxy", "workers.max", "a worker has one thread"},
	{"source", "HAProxy", "proxy.bind", NULL},
	{"accept_proxy", "HAProxy", "proxy_protocol.from", NULL},
	{"send_proxy_v2", "HAProxy", "send_proxy", NULL},
	/* stunnel */
	{"connect", "stunnel", "upstream", NULL},
	{"exec", "stunnel", "command", NULL},
	{"execargs", "stunnel", "command", "the program and its arguments are one list"},
	{"cert", "stunnel", NULL, "TLS is not known"},
	{"key", "stunnel", NULL, "TLS is not known"},
	{"client", "stunnel", NULL, "TLS is not known"},
	{"TIMEOUTidle", "stunnel", "timeouts.idle", NULL},
	{"TIMEOUTbusy", "stunnel", "timeouts.first_byte", NULL},
	{"TIMEOUTconnect", "stunnel", "proxy.connect_timeout", NULL},
	{"TIMEOUTclose", "stunnel", "timeouts.half_closed", NULL},
	{"tls", "other programs", NULL, "TLS is not known"},
	{"ssl*", "nginx and stunnel", NULL, "TLS is not known"},
	/* nginx */
	{"worker_processes", "nginx", "workers.max", NULL},
	{"worker_connections", "nginx", NULL, "a worker serves one client at a time"},
	{"proxy_pass", "nginx", "upstream", NULL},
	{"proxy_timeout", "nginx", "timeouts.idle", NULL},
	{"proxy_connect_timeout", "nginx", "proxy.connect_timeout", NULL},
	{"proxy_bind", "nginx", "proxy.bind", NULL},
	{"keepalive_timeout", "nginx", "timeouts.idle", NULL},
	{"limit_conn", "nginx", "access.per_source", NULL},
	{"limit_req", "nginx", "access.per_source_rate", NULL},
	{"access_log", "nginx", "log.connections", NULL},
	{"error_log", "nginx", "log.target", NULL},
	/* pools of processes */
	{"threads", "gunicorn", NULL, "a worker serves one client at a time"},
	{"worker_class", "gunicorn", "handler", NULL},
	{"graceful_timeout", "gunicorn", "timeouts.drain", NULL},
	{"loglevel", "gunicorn", "log.level", NULL},
	{"chdir", "gunicorn", "program.directory", NULL},
	{"raw_env", "gunicorn", "program.environment", "a group: { NAME = \"value\"; }"},
	{"processes", "uWSGI", "workers.max", NULL},
	{"harakiri", "uWSGI", "timeouts.total", NULL},
	{"max_children", "PHP-FPM", "workers.max", NULL},
	{"max_clients", "Apache", "workers.max", NULL},
	{"MaxRequestWorkers", "Apache", "workers.max", NULL},
	{"StartServers", "Apache and PHP-FPM", "workers.min", NULL},
	{"min_servers", "Net::Server", "workers.min", NULL},
	{"max_servers", "Net::Server", "workers.max", NULL},
	{"MinSpareServers", "Apache and PHP-FPM", "workers.min_spare", NULL},
	{"MaxSpareServers", "Apache and PHP-FPM", "workers.max_spare", NULL},
	{"MaxConnectionsPerChild", "Apache", "workers.max_requests", NULL},
	{"MaxRequestsPerChild", "Apache", "workers.max_requests", NULL},
	{"ListenBacklog", "Apache", "backlog", NULL},
};
/* clang-format on */
const size_t foreign_words_count = sizeof(foreign_words) / sizeof(foreign_words[0]);

static const char *skip_dashes(const char *p)
{
	return p + strspn(p, "-_");
}

bool foreign_words_match(const struct foreign_word *word, const char *key)
{
	const char *p = word->word, *dot = strrchr(key, '.');

	if (dot != NULL)
		key = dot + 1;
	for (;;) {
		p = skip_dashes(p);
		key = skip_dashes(key);
		if (*p == '*')
			return true;
		if (tolower((unsigned char)*p) != tolower((unsigned char)*key))
			return false;
		if (*p == '\0')
			return true;
		p++;
		key++;
	}
}

static size_t add_answer(const struct foreign_word *word, char *out, size_t size)
{
	char where[80] = "it has no counterpart here", advice[100] = "";
	int n;

	if (word->ours != NULL)
		(void)snprintf(where, sizeof(where), "here it is %s", word->ours);
	if (word->advice != NULL)
		(void)snprintf(advice, sizeof(advice), " (%s)", word->advice);
	n = snprintf(out, size, "a word of %s; %s%s", word->whose, where, advice);
	return n < 0 ? 0 : (size_t)n < size ? (size_t)n : size - 1;
}

const char *foreign_words_answer(const char *key, char *out, size_t size)
{
	size_t i, len = 0;

	for (i = 0; i < foreign_words_count; i++) {
		if (!foreign_words_match(&foreign_words[i], key))
			continue;
		if (len > 0 && size - len > 5)
			len += (size_t)snprintf(out + len, size - len, ", or ");
		len += add_answer(&foreign_words[i], out + len, size - len);
	}
	return len > 0 ? out : NULL;
}
