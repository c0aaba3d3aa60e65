/* SPDX-License-Identifier: MIT */
#include "sandbox/landlock.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "base/err.h"
#include "base/fds.h"
#include "base/proc_folder.h"
#include "config/config.h"
#include "sandbox/landlock_abi.h"
#include "sandbox/namespaces.h"
#include "sandbox/state.h"

#define READS (LANDLOCK_READ_FILE | LANDLOCK_READ_DIR)
#define WRITES                                                                                                         \
	(LANDLOCK_WRITE_FILE | LANDLOCK_REMOVE_DIR | LANDLOCK_REMOVE_FILE | LANDLOCK_MAKE_ALL | LANDLOCK_REFER |       \
	 LANDLOCK_TRUNCATE | LANDLOCK_IOCTL_DEV)

/* Programs cannot do without these, and they keep nothing. */
static const char *const devices[] = {"/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom"};

/* The rules that are being gathered. */
struct rules {
	int fd;
	struct landlock_handled handled;
};

static struct landlock_handled find_handled(const struct config_sandbox *wish)
{
	struct landlock_handled handled = {0};

	handled.fs |= wish->read != NULL ? READS : 0;
	handled.fs |= wish->write != NULL ? WRITES : 0;
	handled.fs |= wish->execute != NULL ? LANDLOCK_EXECUTE : 0;
	/* The kernel forbids this with every rule about files, unless it is handled and then allowed. */
	handled.fs |= handled.fs != 0 ? LANDLOCK_REFER : 0;
	handled.net |= wish->tcp_connect.limited ? LANDLOCK_CONNECT_TCP : 0;
	handled.net |= wish->tcp_bind.limited ? LANDLOCK_BIND_TCP : 0;
	handled.scoped |= handled.fs != 0 || handled.net != 0 ? LANDLOCK_SIGNAL : 0;
	return handled;
}

/* ---- the rules ---- */

static int allow_opened(const struct rules *rules, int fd, uint64_t rights)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -1;
	if (!S_ISDIR(st.st_mode))
		rights &= LANDLOCK_OF_FILES;
	rights &= rules->handled.fs;
	return rights != 0 ? landlock_allow_path(rules->fd, fd, rights) : 0;
}

static int allow_path(const struct rules *rules, const char *path, uint64_t rights)
{
	int fd = open(path, O_PATH | O_CLOEXEC), rc;

	if (fd < 0)
		return -1;
	rc = allow_opened(rules, fd, rights);
	fd_close(&fd);
	return rc;
}

static int allow_list(const struct rules *rules, char *const *list, uint64_t rights, struct err *err)
{
	for (; list != NULL && *list != NULL; list++) {
		/* The user, who this process is by now, cannot get at it: no rule is needed. */
		if (allow_path(rules, *list, rights) < 0 && errno != EACCES)
			return err_sys(err, "cannot allow \"%.256s\"", *list);
	}
	return 0;
}

static int allow_ports(const struct rules *rules, const struct config_ports *ports, uint64_t right, struct err *err)
{
	for (size_t i = 0; i < ports->n && (rules->handled.net & right) != 0; i++) {
		if (landlock_allow_port(rules->fd, ports->list[i], right) < 0)
			return err_sys(err, "cannot allow the TCP port %u", (unsigned)ports->list[i]);
	}
	return 0;
}

/* A root folder of its own may lack some of them. */
static int allow_devices(const struct rules *rules, struct err *err)
{
	for (size_t i = 0; i < sizeof(devices) / sizeof(devices[0]); i++) {
		if (allow_path(rules, devices[i], READS | WRITES) < 0 && errno != ENOENT)
			return err_sys(err, "cannot allow %s", devices[i]);
	}
	return 0;
}

/* The folders of sandbox.private_tmp belong to this process alone: there is nothing in them to protect. */
static int allow_private_tmp(const struct rules *rules, const struct sandbox *sandbox, struct err *err)
{
	static const char *const folders[] = {"/tmp", "/var/tmp"};

	for (size_t i = 0; namespaces_have_private_tmp(sandbox) && i < sizeof(folders) / sizeof(folders[0]); i++) {
		if (allow_path(rules, folders[i], READS | WRITES) < 0 && errno != ENOENT)
			return err_sys(err, "cannot allow %s", folders[i]);
	}
	return 0;
}

/* A worker measures its own memory. The descriptor stays open: the rule holds for this folder as long as the kernel
 * does not make it anew. */
static void allow_own_numbers(const struct rules *rules)
{
	int fd = proc_folder_open("self", O_PATH | O_DIRECTORY);

	if (fd >= 0)
		(void)allow_opened(rules, fd, READS);
}

static int gather(const struct rules *rules, const struct sandbox *sandbox, struct err *err)
{
	const struct config_sandbox *wish = &sandbox->service->sandbox;

	if (!sandbox->runs_programs)
		allow_own_numbers(rules);
	if (wish->write == NULL && (rules->handled.fs & LANDLOCK_REFER) != 0 &&
	    allow_path(rules, "/", LANDLOCK_REFER) < 0)
		return err_sys(err, "cannot allow that files are renamed");
	if (allow_devices(rules, err) < 0 || allow_private_tmp(rules, sandbox, err) < 0 ||
	    allow_list(rules, wish->read, READS, err) < 0 || allow_list(rules, wish->write, READS | WRITES, err) < 0 ||
	    allow_list(rules, wish->execute, READS | LANDLOCK_EXECUTE, err) < 0)
		return -1;
	if (allow_ports(rules, &wish->tcp_connect, LANDLOCK_CONNECT_TCP, err) < 0)
		return -1;
	return allow_ports(rules, &wish->tcp_bind, LANDLOCK_BIND_TCP, err);
}

/* ---- the steps ---- */

int landlock_prepare(struct sandbox *sandbox, struct err *err)
{
	struct rules rules = {.fd = -1, .handled = find_handled(&sandbox->service->sandbox)};

	if (rules.handled.fs == 0 && rules.handled.net == 0)
		return 0;
	sandbox->landlock = landlock_abi();
	if (sandbox->landlock == 0)
		return 0; /* the master has said so, or has refused to start the service */
	rules.fd = landlock_new(sandbox->landlock, &rules.handled);
	if (rules.fd < 0 && errno == ENOMSG)
		return 0; /* none of these rights is known to this kernel: the same */
	if (rules.fd < 0)
		return err_sys(err, "cannot make rules (landlock_create_ruleset)");
	rules.fd = fd_above_stdio(rules.fd, err);
	if (rules.fd < 0 || gather(&rules, sandbox, err) < 0) {
		fd_close(&rules.fd);
		return -1;
	}
	sandbox->ruleset = rules.fd;
	return 0;
}

/* The rules hold for the calling thread and those that it starts later. A folder in /proc has a link for each thread,
 * and two others. */
static bool has_threads(void)
{
	int fd = proc_folder_open("self/task", O_PATH | O_DIRECTORY);
	struct stat st;
	bool several = fd >= 0 && fstat(fd, &st) == 0 && st.st_nlink > 3;

	fd_close(&fd);
	return several;
}

int landlock_confine(struct sandbox *sandbox, struct err *err)
{
	if (sandbox->runs_programs || sandbox->ruleset < 0)
		return 0;
	if (has_threads())
		return err_set(err, "the module has started threads in worker_start(), which Landlock does not reach");
	if (landlock_restrict(sandbox->landlock, sandbox->ruleset, false) < 0)
		return err_sys(err, "landlock_restrict_self");
	fd_close(&sandbox->ruleset);
	return 0;
}

int landlock_confine_program(const struct sandbox *sandbox)
{
	return sandbox->ruleset >= 0 ? landlock_restrict(sandbox->landlock, sandbox->ruleset, true) : 0;
}

/* ---- what the kernel lacks ---- */

/* ASKED: the key is written. NEEDS: the least ABI; CONSEQUENCE: of an older one. */
static int find_lack(bool asked, int needs, const char *consequence, struct err *err)
{
	int abi = asked ? landlock_abi() : 0;

	if (!asked || abi >= needs)
		return 0;
	if (abi == 0)
		return err_sys(err, "nothing is limited: this kernel has no Landlock, or this process may not use it");
	return err_set(err, "%s: Landlock of this kernel has the ABI %d, this needs %d", consequence, abi, needs);
}

int landlock_lacks_read(const struct config_service *service, struct err *err)
{
	return find_lack(service->sandbox.read != NULL, 2, "no file can be renamed into another folder", err);
}

int landlock_lacks_write(const struct config_service *service, struct err *err)
{
	bool asked = service->sandbox.write != NULL;

	if (find_lack(asked, 2, "no file can be renamed into another folder, and all can be truncated", err) < 0 ||
	    find_lack(asked, 3, "all files can be truncated", err) < 0)
		return -1;
	return find_lack(asked, 5, "ioctl(2) on devices is not limited", err);
}

int landlock_lacks_execute(const struct config_service *service, struct err *err)
{
	return find_lack(service->sandbox.execute != NULL, 2, "no file can be renamed into another folder", err);
}

int landlock_lacks_tcp_connect(const struct config_service *service, struct err *err)
{
	return find_lack(service->sandbox.tcp_connect.limited, 4, "all ports are allowed", err);
}

int landlock_lacks_tcp_bind(const struct config_service *service, struct err *err)
{
	return find_lack(service->sandbox.tcp_bind.limited, 4, "all ports are allowed", err);
}
