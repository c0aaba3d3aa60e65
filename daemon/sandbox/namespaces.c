/* SPDX-License-Identifier: MIT */
#include "sandbox/namespaces.h"

#include <errno.h>
#include <fcntl.h>
#include <preforkd/module.h>
#include <sched.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "base/child.h"
#include "base/err.h"
#include "base/fds.h"
#include "base/proc_folder.h"
#include "sandbox/private_network.h"
#include "sandbox/private_pids.h"
#include "sandbox/private_tmp.h"
#include "sandbox/read_only.h"
#include "sandbox/root.h"
#include "sandbox/state.h"
#include "sandbox/user.h"
#include "sandbox/user_namespace.h"

struct part {
	const char *key;
	size_t wish; /* where a struct config_sandbox says whether it is wanted */
	bool mounts; /* it needs a mount namespace */
	int (*make)(struct sandbox *sandbox, struct err *err);
	int (*verify)(const struct sandbox *sandbox, struct err *err); /* NULL: make() has seen the result */
	const char *consequence;				       /* of a lack */
};

#define WISH(name) offsetof(struct config_sandbox, name)

enum { PRIVATE_PIDS, READ_ONLY, PRIVATE_TMP, PRIVATE_NETWORK, N_PARTS };

/* In this order: a new /proc is protected as the old one was, and the private /tmp is mounted when all that is there is
 * read-only already. */
static const struct part parts[N_PARTS] = {
	[PRIVATE_PIDS] = {"sandbox.private_pids", WISH(private_pids), true, private_pids_make, NULL,
			  "its programs see all processes of the host"},
	[READ_ONLY] = {"sandbox.read_only", WISH(read_only), true, read_only_make, read_only_verify,
		       "its workers and programs can write files as their user may"},
	[PRIVATE_TMP] = {"sandbox.private_tmp", WISH(private_tmp), true, private_tmp_mount, private_tmp_verify,
			 "its workers and programs use /tmp and /var/tmp of the host"},
	[PRIVATE_NETWORK] = {"sandbox.private_network", WISH(private_network), false, private_network_make, NULL,
			     "its workers and programs have the network of the host"},
};

static struct answer {
	bool known;
	int rc;
	struct err err;
} answers[N_PARTS];

static bool is_wanted(const struct config_service *service, size_t part)
{
	if (part == PRIVATE_PIDS && ((service->handler->flags & PREFORKD_COMMAND) == 0 || service->program.runs))
		return false; /* config/sandbox_check.c has said so */
	return *(const bool *)((const char *)&service->sandbox + parts[part].wish);
}

/* ---- making ---- */

/*
 * Mounts of the host still come and go in the namespace (MS_SLAVE), so that it keeps no file system busy that the host
 * has unmounted. But what the host mounts later would not be read-only (MS_PRIVATE).
 */
static int make_mount_namespace(bool read_only, struct err *err)
{
	if (unshare(CLONE_NEWNS) < 0)
		return err_sys(err, "cannot make a mount namespace");
	if (mount(NULL, "/", NULL, MS_REC | (read_only ? MS_PRIVATE : MS_SLAVE), NULL) < 0)
		return err_sys(err, "cannot separate the mounts from those of the host");
	return 0;
}

static bool needs_mounts(const struct sandbox *sandbox)
{
	for (size_t i = 0; i < N_PARTS; i++)
		if ((sandbox->namespaces & 1U << i) != 0 && parts[i].mounts)
			return true;
	return false;
}

static int make_part(struct sandbox *sandbox, const struct part *part, struct err *err)
{
	struct err why;

	if (part->make(sandbox, &why) == 0 && (part->verify == NULL || part->verify(sandbox, &why) == 0))
		return 0;
	(void)err_set(err, "%s: %.400s", part->key, why.text);
	err->code = why.code;
	return -1;
}

/* All that is mounted later is in the new root folder, by the paths that the service sees. */
static int enter_root(struct sandbox *sandbox, bool mounts, struct err *err)
{
	struct err why;

	if (!root_is_wanted(sandbox))
		return mounts ? proc_folder_keep(err) : 0;
	if (root_change(sandbox, mounts, &why) == 0 && root_verify(sandbox, &why) == 0)
		return 0;
	(void)err_set(err, "sandbox.root: %.400s", why.text);
	err->code = why.code;
	return -1;
}

static int make_all(struct sandbox *sandbox, struct err *err)
{
	bool mounts = needs_mounts(sandbox);

	if (mounts && make_mount_namespace((sandbox->namespaces & 1U << READ_ONLY) != 0, err) < 0)
		return -1;
	if (enter_root(sandbox, mounts, err) < 0)
		return -1;
	for (size_t i = 0; i < N_PARTS; i++)
		if ((sandbox->namespaces & 1U << i) != 0 && make_part(sandbox, &parts[i], err) < 0)
			return -1;
	return 0;
}

int namespaces_with_rights(struct sandbox *sandbox, struct err *err)
{
	sandbox->without_rights = user_namespace_is_needed();
	return sandbox->namespaces == 0 || sandbox->without_rights ? 0 : make_all(sandbox, err);
}

bool namespaces_are_late(const struct sandbox *sandbox)
{
	return sandbox->namespaces != 0 && sandbox->without_rights;
}

bool namespaces_have_private_tmp(const struct sandbox *sandbox)
{
	return (sandbox->namespaces & 1U << PRIVATE_TMP) != 0;
}

int namespaces_without_rights(struct sandbox *sandbox, struct err *err)
{
	if (!namespaces_are_late(sandbox))
		return 0;
	return user_namespace_enter(err) < 0 ? -1 : make_all(sandbox, err);
}

/* ---- trying ---- */

/* In a child that is not needed any more afterwards. */
static int try_part(const struct config_service *service, size_t part, struct err *err)
{
	struct sandbox sandbox = {.service = service, .namespaces = 1U << part, .trial = true};

	if (namespaces_with_rights(&sandbox, err) < 0)
		return -1;
	if (!sandbox.without_rights)
		return 0;
	if (!service->identity.pending && user_take(&sandbox, err) < 0)
		return -1;
	return namespaces_without_rights(&sandbox, err);
}

/* Writes *err if it fails, else nothing. */
_Noreturn static void run_trial(const struct config_service *service, size_t part, int out)
{
	struct err err = {.code = 0};
	int rc = try_part(service, part, &err);

	private_pids_stop();
	if (rc < 0)
		(void)!write(out, &err, sizeof(err));
	_exit(rc < 0);
}

/* The finding of the child: 0, or -1 and *err. */
static int read_finding(int in, struct err *err)
{
	ssize_t n;

	do
		n = read(in, err, sizeof(*err));
	while (n < 0 && errno == EINTR);
	if (n == 0)
		return 0;
	if (n != sizeof(*err))
		return err_set(err, "its trial failed");
	err->text[sizeof(err->text) - 1] = '\0';
	return -1;
}

static int try_in_child(const struct config_service *service, size_t part, struct err *err)
{
	int ends[2], rc;
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return err_sys(err, "cannot create a pipe");
	pid = child_fork();
	if (pid == 0)
		run_trial(service, part, ends[1]);
	rc = pid < 0 ? err_sys(err, "cannot start a process") : 0;
	fd_close(&ends[1]);
	if (pid > 0) {
		rc = read_finding(ends[0], err);
		if (child_wait(pid) != 0 && rc == 0)
			rc = err_set(err, "its trial failed");
	}
	fd_close(&ends[0]);
	return rc;
}

/* Without the key, which the reader of ERR puts before it. */
static int find_lack(const struct config_service *service, size_t part, struct err *err)
{
	struct answer *answer = &answers[part];
	const char *text = answer->err.text;
	size_t len = strlen(parts[part].key);

	if (!is_wanted(service, part))
		return 0;
	if (!answer->known)
		answer->rc = try_in_child(service, part, &answer->err);
	answer->known = true;
	if (answer->rc == 0)
		return 0;
	if (strncmp(text, parts[part].key, len) == 0 && text[len] == ':')
		text += len + 2;
	(void)err_set(err, "cannot be had, %s: %.300s", parts[part].consequence, text);
	err->code = answer->err.code;
	return -1;
}

int namespaces_lack_private_tmp(const struct config_service *service, struct err *err)
{
	return find_lack(service, PRIVATE_TMP, err);
}

int namespaces_lack_private_network(const struct config_service *service, struct err *err)
{
	return find_lack(service, PRIVATE_NETWORK, err);
}

int namespaces_lack_private_pids(const struct config_service *service, struct err *err)
{
	return find_lack(service, PRIVATE_PIDS, err);
}

int namespaces_lack_read_only(const struct config_service *service, struct err *err)
{
	return find_lack(service, READ_ONLY, err);
}

bool namespaces_need_user_namespace(const struct config_service *service)
{
	struct err err;

	for (size_t i = 0; i < N_PARTS; i++)
		if (is_wanted(service, i) && find_lack(service, i, &err) == 0)
			return user_namespace_is_needed();
	return false;
}

int namespaces_choose(struct sandbox *sandbox, struct err *err)
{
	const struct config_service *service = sandbox->service;

	for (size_t i = 0; i < N_PARTS; i++) {
		if (!is_wanted(service, i))
			continue;
		if (find_lack(service, i, err) == 0)
			sandbox->namespaces |= 1U << i;
		else if (service->sandbox.required)
			return -1;
	}
	return 0;
}
