/* SPDX-License-Identifier: MIT */
#include "loader/module.h"

#include <errno.h>
#include <fcntl.h>
#include <preforkd/module.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <unistd.h>

#include "base/err.h"
#include "base/fds.h"
#include "config/config.h"
#include "loader/module_file.h"
#include "loader/module_map.h"
#include "loader/module_traces.h"
#include "loader/module_trial.h"
#include "services/kinds.h"
#include "services/self.h"

#define FILE_MOST (64 << 20)

static void free_module(struct loaded_module *module)
{
	module_map_unload(module);
	fd_close(&module->fd);
	free(module->path);
	free(module);
}

/* A hash of the contents, never 0; 0 and *err if they cannot be read. */
static uint64_t hash_contents(int fd, size_t size, struct err *err)
{
	uint64_t mark = 0xcbf29ce484222325U; /* FNV-1a */
	const unsigned char *bytes = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);

	if (bytes == MAP_FAILED) {
		(void)err_sys(err, "cannot map it");
		return 0;
	}
	for (size_t i = 0; i < size; i++)
		mark = (mark ^ bytes[i]) * 0x100000001b3U;
	(void)munmap((void *)(uintptr_t)bytes, size);
	return mark != 0 ? mark : 1;
}

/*
 * Copies the file into a sealed memfd, so that the code that was tried is the code that is used, and workers keep it
 * whatever becomes of the file. Besides, the C library takes a new file at the same path for the one that it has loaded
 * already.
 */
static int copy_file(struct loaded_module *module, struct err *err)
{
	int file, seals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL;
	off_t size, at = 0;
	char name[200];

	file = module_file_open(module->path, &size, err);
	if (file < 0)
		return -1;
	if (size == 0 || size > FILE_MOST) {
		fd_close(&file);
		return err_set(err, "%lld bytes are no module", (long long)size);
	}
	/* /proc/PID/maps and debuggers show this name */
	(void)snprintf(name, sizeof(name), "preforkd:%s", strrchr(module->path, '/') + 1);
	module->fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (module->fd < 0)
		(void)err_sys(err, "cannot make a copy");
	else
		module->fd = fd_above_stdio(module->fd, err);
	while (module->fd >= 0 && at < size) {
		ssize_t n = sendfile(module->fd, file, &at, (size_t)(size - at));

		if (n > 0 || (n < 0 && errno == EINTR))
			continue;
		if (n == 0)
			errno = ENODATA; /* the file became shorter meanwhile */
		(void)err_sys(err, "cannot read it");
		break;
	}
	fd_close(&file);
	if (module->fd < 0 || at < size)
		return -1;
	if (fcntl(module->fd, F_ADD_SEALS, seals) < 0)
		return err_sys(err, "cannot seal a copy");
	module->mark = hash_contents(module->fd, (size_t)size, err);
	return module->mark != 0 ? 0 : -1;
}

static int map_in_child(void *arg, struct err *err)
{
	struct loaded_module *module = arg;
	struct module_traces before;
	int rc;

	module_trial_step("while it was loaded");
	rc = module_traces_take(&before, err);
	if (rc == 0)
		rc = module_map_load(module, err);
	if (rc == 0)
		rc = module_traces_compare(&before, NULL, 0, "loading it", err);
	module_traces_clear(&before);
	if (rc < 0) /* do not unload: a thread that it left running would crash, and hide this error */
		return -1;
	module_trial_step("while it was unloaded");
	module_map_unload(module);
	return 0;
}

/* In a child, or by what a child has found out already: the master must not wait for one. */
static int try_loading(struct loaded_module *module, uint64_t tried, struct err *err)
{
	if (tried == 0)
		return module_trial_run(map_in_child, module, err);
	module->is_tried = module->mark == tried;
	return module->is_tried ? 0 : err_set(err, "it changed while the configuration was read; try again");
}

static struct loaded_module *open_module(const char *path, uint64_t tried, struct err *err)
{
	struct loaded_module *module = calloc(1, sizeof(*module));
	struct err why = {.text = "no memory"};
	int rc = -1;

	if (module != NULL) {
		module->fd = -1;
		if (strchr(path, '/') != NULL)
			module->path = strdup(path);
		else if (asprintf(&module->path, "%s/%s", MODULE_DIR, path) < 0)
			module->path = NULL;
	}
	if (module != NULL && module->path != NULL && copy_file(module, &why) == 0 &&
	    try_loading(module, tried, &why) == 0)
		rc = module_map_load(module, &why);
	if (rc < 0)
		(void)err_set(err, "%s: %s", module != NULL && module->path != NULL ? module->path : path, why.text);
	if (rc < 0 && module != NULL) {
		free_module(module);
		module = NULL;
	}
	return module;
}

/* ---- init() ---- */

static int call_init(struct loaded_module *module, const struct config_service *service, struct err *err)
{
	int rc;

	module->n_kept = 0;
	self_set(service, module, NULL);
	rc = module->table.init();
	if (rc != 0)
		(void)err_set(err, "init(): %s",
			      *self_reason() != '\0' ? self_reason() : "refuses, and does not say why");
	self_set(NULL, NULL, NULL);
	return rc != 0 ? -1 : 0;
}

static void call_fini(struct loaded_module *module)
{
	self_set(module->begun, NULL, NULL);
	module->begun = NULL;
	if (module->table.fini != NULL)
		module->table.fini();
	self_set(NULL, NULL, NULL);
}

static int run_init(struct loaded_module *module, const struct config_service *service, struct err *err)
{
	struct module_traces before;
	int rc = module_traces_take(&before, err);

	if (rc == 0)
		rc = call_init(module, service, err);
	module->begun = rc == 0 ? service : NULL;
	if (rc == 0)
		rc = module_traces_compare(&before, module->kept, module->n_kept, "init()", err);
	module_traces_clear(&before);
	/* an exec must not pass them on, whatever flags init() has given them */
	for (size_t i = 0; i < module->n_kept; i++)
		(void)fcntl(module->kept[i], F_SETFD, FD_CLOEXEC);
	return rc;
}

struct rehearsal {
	struct loaded_module *module;
	const struct config_service *service;
};

static int init_in_child(void *arg, struct err *err)
{
	struct rehearsal *r = arg;
	int rc;

	module_trial_step("in init()");
	rc = run_init(r->module, r->service, err);
	if (rc < 0) /* do not unload, as in map_in_child() */
		return -1;
	module_trial_step("in fini()");
	call_fini(r->module);
	module_trial_step("while it was unloaded");
	module_map_unload(r->module);
	return 0;
}

static int begin_module(struct loaded_module *module, const struct config_service *service, bool rehearse,
			struct err *err)
{
	struct rehearsal r = {.module = module, .service = service};
	struct err why;

	if (module->table.init == NULL || module->begun != NULL)
		return 0;
	if ((module->is_tried || module_trial_run(init_in_child, &r, &why) == 0) &&
	    (rehearse || run_init(module, service, &why) == 0))
		return 0;
	return err_set(err, "%s: %s", module->path, why.text);
}

static void close_module(struct loaded_module **module)
{
	if (*module == NULL)
		return;
	if ((*module)->begun != NULL)
		call_fini(*module);
	free_module(*module);
	*module = NULL;
}

const struct module_loader module_loader = {
	.open = open_module,
	.begin = begin_module,
	.close = close_module,
};

/* The entry for the name "module" in the table of handlers; the table in the shared object takes its place. */
static int serve_nothing(struct preforkd_conn *conn)
{
	return preforkd_fail(conn, "there is no module");
}

const struct preforkd_module service_module = {
	.abi = PREFORKD_MODULE_ABI,
	.size = sizeof(service_module),
	.name = "module",
	.summary = "what a shared object does (needs path)",
	.flags = PREFORKD_STREAM | PREFORKD_DATAGRAM | PREFORKD_PATH,
	.serve = serve_nothing,
};
