/* SPDX-License-Identifier: MIT */
#include "change/host_sockets.h"

#include <linux/capability.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "base/unit_rules.h"
#include "change/host_paths.h"
#include "change/host_report.h"
#include "change/host_unit.h"
#include "config/config.h"
#include "config/values.h"
#include "net/addr.h"
#include "net/address_holder.h"
#include "net/local_address.h"

#define ADDRESSES_MAX 16 /* that one host name may stand for */
#define PORTS	      "/proc/sys/net/ipv4/ip_unprivileged_port_start"

/* One address of a service. */
struct asked {
	struct host_report *report;
	const struct service_values *values;
	struct host_place place;
	const struct addr *addr;
	struct sockaddr_any where;
	bool may_fail; /* the name stands for other addresses, too, and this one is IPv6 */
};

/* ---- who has it ---- */

struct holders {
	const struct host_unit *host;
	bool ours;
	pid_t pid; /* of one of the others; 0: none was seen */
};

static bool take_holder(pid_t pid, void *userdata)
{
	struct holders *holders = userdata;

	holders->ours = host_unit_is_ours(holders->host, pid);
	if (!holders->ours && holders->pid == 0)
		holders->pid = pid;
	return !holders->ours;
}

/* The processes of the daemon let nobody look at their descriptors but root, and he may lack the right to as well. */
static bool may_be_ours(const struct host_unit *host, const struct holders *holders,
			const struct address_holder *holder)
{
	const char *state = unit_settings_get(&host->settings, "ActiveState");

	return holders->pid == 0 && state != NULL && strcmp(state, "active") == 0 &&
	       (holder->uid == host->starter.uid || holder->uid == (uid_t)-1);
}

/* A socket unit hands the address over, or the one for IPv4 only, which serves *:PORT as well. */
static bool is_handed_over(const struct asked *a, const char *text)
{
	char v4[32];

	if (host_unit_has_socket(a->report->host, text))
		return true;
	(void)snprintf(v4, sizeof(v4), "0.0.0.0:%u", (unsigned)addr_port(&a->where));
	return a->addr->kind == ADDR_ANY && host_unit_has_socket(a->report->host, v4);
}

enum holding { HELD_BY_NOBODY, HELD_BY_US, HELD_BY_OTHERS };

static enum holding find_holding(const struct asked *a, const char *text)
{
	const struct host_unit *host = a->report->host;
	const struct socket_options *options = &a->values->service.socket;
	const struct address_asked asked = {
		.addr = &a->where,
		.datagram = a->addr->datagram,
		.v6only = options->v6only && a->addr->kind != ADDR_ANY,
		.device = options->device != NULL ? if_nametoindex(options->device) : 0,
	};
	struct holders holders = {.host = host};
	struct address_holder holder;
	char name[64] = "another process";

	if (!address_holder_find(&asked, &holder))
		return HELD_BY_NOBODY;
	address_holder_processes(holder.inode, 0, take_holder, &holders);
	if (holders.ours || is_handed_over(a, text))
		return HELD_BY_US;
	if (options->reuse_port && holder.uid == host->starter.uid)
		return HELD_BY_NOBODY;
	if (holders.pid != 0)
		address_holder_name(holders.pid, name, sizeof(name));
	host_report_add(a->report, may_be_ours(host, &holders, &holder) ? HOST_DOUBT : HOST_REFUSAL, &a->place,
			"%s is in use by %s%s", text, name,
			holders.pid == 1 ? ", which holds it for a socket unit" : "");
	return HELD_BY_OTHERS;
}

/* ---- IP ---- */

static void judge_port(const struct asked *a, const char *text)
{
	FILE *f = fopen(PORTS, "re");
	int first = 1024;

	if (f != NULL && fscanf(f, "%d", &first) != 1)
		first = 1024;
	if (f != NULL)
		(void)fclose(f);
	if (addr_port(&a->where) == 0 || addr_port(&a->where) >= first ||
	    host_unit_is_capable(a->report->host, CAP_NET_BIND_SERVICE))
		return;
	host_report_lack(a->report, &a->place, "CapabilityBoundingSet", "CAP_NET_BIND_SERVICE",
			 "a port below 1024 is bound");
	host_report_add(a->report, HOST_REFUSAL, &a->place,
			"%s: %s has no right to ports below %d (CAP_NET_BIND_SERVICE)%s%s", text,
			a->report->host->who_name, first, a->report->host->known ? "; " : "", a->report->host->edit);
}

/* Whether the unit may open such a socket at all. False: it has no such addresses. */
static bool judge_rights(const struct asked *a, const char *text)
{
	const char *family = a->where.sa.sa_family == AF_INET ? "AF_INET" : "AF_INET6";
	enum host_weight weight = a->may_fail ? HOST_DOUBT : HOST_REFUSAL;

	/* A socket for both families falls back to IPv4. */
	if (!unit_rules_allow_family(&a->report->host->settings, family) &&
	    (a->addr->kind != ADDR_ANY || !unit_rules_allow_family(&a->report->host->settings, "AF_INET"))) {
		host_report_lack(a->report, &a->place, "RestrictAddressFamilies", family,
				 "an address is of that family");
		host_report_add(a->report, weight, &a->place, "%s: RestrictAddressFamilies= of %s lacks %s; %s", text,
				a->report->host->settings.unit, family, a->report->host->edit);
		return false;
	}
	judge_port(a, text);
	return true;
}

static void judge_inet(const struct asked *a, const char *text)
{
	const struct socket_options *options = &a->values->service.socket;
	struct host_place device = host_place_of(a->values, "socket.device");

	if (!judge_rights(a, text))
		return;
	if (options->device != NULL && if_nametoindex(options->device) == 0)
		host_report_add(a->report, HOST_REFUSAL, &device, "there is no interface \"%.32s\" now",
				options->device);
	if (!options->freebind && !local_address_exists(&a->where))
		host_report_add(a->report, a->may_fail ? HOST_DOUBT : HOST_REFUSAL, &a->place,
				"%s: this host does not have that address now; socket.freebind opens it all the same",
				text);
}

/* ---- unix ---- */

static bool is_in_group(const struct path_user *who, gid_t gid)
{
	bool found = who->gid == gid;

	for (size_t i = 0; i < who->n_groups; i++)
		found = found || who->groups[i] == gid;
	return found;
}

static void judge_owner(struct host_report *report, enum host_weight weight, const struct host_place *place, uid_t uid,
			gid_t gid)
{
	const struct path_user *who = &report->host->who;

	static const char why[] = "a socket gets its owner and its mode";

	if (host_unit_is_capable(report->host, CAP_CHOWN))
		return;
	if ((uid != (uid_t)-1 && uid != who->uid) || (gid != (gid_t)-1 && !is_in_group(who, gid))) {
		host_report_lack(report, place, "CapabilityBoundingSet", "CAP_CHOWN", why);
		host_report_lack(report, place, "CapabilityBoundingSet", "CAP_FOWNER", why);
	}
	if (uid != (uid_t)-1 && uid != who->uid)
		host_report_add(report, weight, place, "%s cannot give a socket to another user (CAP_CHOWN)%s%s",
				who->name, report->host->known ? "; " : "", report->host->edit);
	if (gid != (gid_t)-1 && !is_in_group(who, gid))
		host_report_add(report, weight, place, "%s is not in that group, and cannot give a socket to it%s%s",
				who->name, report->host->known ? "; SupplementaryGroups= adds a group: " : "",
				report->host->edit);
}

static void judge_unix(const struct asked *a)
{
	const struct socket_options *options = &a->values->service.socket;
	const struct host_place owner =
		host_place_of(a->values, options->owner != (uid_t)-1 ? "socket.owner" : "socket.group");

	if (!unit_rules_allow_family(&a->report->host->settings, "AF_UNIX")) {
		host_report_lack(a->report, &a->place, "RestrictAddressFamilies", "AF_UNIX",
				 "an address is of that family");
		host_report_add(a->report, HOST_REFUSAL, &a->place, "RestrictAddressFamilies= of %s lacks AF_UNIX; %s",
				a->report->host->settings.unit, a->report->host->edit);
	}
	if (a->where.un.sun_path[0] == '\0')
		return;
	host_paths_judge(a->report, HOST_REFUSAL, &a->place, a->where.un.sun_path);
	judge_owner(a->report, HOST_REFUSAL, &owner, options->owner, options->group);
}

/* ---- */

static bool is_local(const struct sockaddr_any *where)
{
	if (where->sa.sa_family == AF_INET)
		return where->in.sin_addr.s_addr == INADDR_ANY || ntohl(where->in.sin_addr.s_addr) >> 24 == 127;
	return IN6_IS_ADDR_UNSPECIFIED(&where->in6.sin6_addr) || IN6_IS_ADDR_LOOPBACK(&where->in6.sin6_addr);
}

/* The unit has a network of its own, so the addresses and sockets of this one say nothing: no interface but loopback
 * (PrivateNetwork=), or another network that this process does not see. */
static void judge_in_own_network(const struct asked *a, const char *text)
{
	const struct host_unit *host = a->report->host;
	const char *path = host_unit_network(host);

	if (is_handed_over(a, text))
		return;
	if (!judge_rights(a, text))
		return;
	if (path[0] != '\0')
		host_report_add(a->report, HOST_DOUBT, &a->place,
				"%s: NetworkNamespacePath=%s of %s is another network: whether the address is there, "
				"and free, is not known",
				text, path, host->settings.unit);
	else if (!is_local(&a->where) && !a->values->service.socket.freebind)
		host_report_add(a->report, a->may_fail ? HOST_DOUBT : HOST_REFUSAL, &a->place,
				"%s: PrivateNetwork= of %s leaves the daemon no interface but loopback; %s", text,
				host->settings.unit, host->edit);
	else
		host_report_add(
			a->report, HOST_DOUBT, &a->place,
			"%s: PrivateNetwork= of %s keeps all clients away that are not processes of the unit; a "
			"socket unit can open the address outside; %s",
			text, host->settings.unit, host->edit);
}

static void judge_address(const struct asked *a)
{
	char text[sizeof(a->where.un.sun_path) + 8];

	(void)addr_format(&a->where, text, sizeof(text));
	if (a->where.sa.sa_family != AF_UNIX && host_unit_network(a->report->host) != NULL) {
		judge_in_own_network(a, text);
		return;
	}
	if (find_holding(a, text) != HELD_BY_NOBODY)
		return;
	if (a->where.sa.sa_family == AF_UNIX)
		judge_unix(a);
	else
		judge_inet(a, text);
}

static void judge_listen(struct asked *a)
{
	struct sockaddr_any where[ADDRESSES_MAX];
	const struct host_unit *host = a->report->host;
	int n;

	if (a->addr->kind == ADDR_SYSTEMD) {
		if (host->told && !host_unit_has_socket_name(host, a->addr->host))
			host_report_add(a->report, HOST_REFUSAL, &a->place,
					"%s: no socket unit of %s that is active has FileDescriptorName=%s",
					a->addr->text, host->settings.unit, a->addr->host);
		return;
	}
	n = addr_resolve(a->addr, where, ADDRESSES_MAX, NULL);
	for (int i = 0; i < n; i++) {
		a->where = where[i];
		a->may_fail = n > 1 && where[i].sa.sa_family == AF_INET6;
		judge_address(a);
	}
}

static void judge_control(struct host_report *report)
{
	const struct config_control *control = &report->config->control;
	const struct host_place place = host_place_of_main(report->config, "control.path");
	const struct host_place group = host_place_of_main(report->config, "control.group");
	enum host_weight weight = control->path_written ? HOST_REFUSAL : HOST_DOUBT;
	struct sockaddr_any where = {.len = sizeof(where.un)};
	const struct address_asked asked = {.addr = &where};
	struct address_holder holder;

	if (control->path == NULL)
		return;
	where.un.sun_family = AF_UNIX;
	(void)snprintf(where.un.sun_path, sizeof(where.un.sun_path), "%s", control->path);
	if (!address_holder_find(&asked, &holder))
		host_paths_judge(report, weight, &place, control->path);
	judge_owner(report, weight, &group, (uid_t)-1, control->group);
}

void host_sockets_judge(struct host_report *report)
{
	struct config_store *store = report->config->store;

	for (size_t i = 0; i < report->config->n_services; i++) {
		struct asked a = {.report = report, .values = &store->services[i]};
		const struct config_service *service = &a.values->service;

		for (size_t k = 0; k < service->n_listen; k++) {
			a.place = host_place_of(a.values, "listen");
			a.place.where = &service->listen_origin[k];
			a.addr = &service->listen[k];
			judge_listen(&a);
		}
	}
	judge_control(report);
}
